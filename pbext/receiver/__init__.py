"""
C{twistd -n pbreceiver}: a service that receives copies and follows caches,
with a root object of the user's or with its own.

The twistd plugin loads L{pbext.receiver.tap}.
"""

from pbext.receiver._root import ReceiverRoot
from pbext.receiver._service import CannotStart, ReceiverService

__all__ = ["CannotStart", "ReceiverRoot", "ReceiverService"]
