"""
What a peer reaches before it has logged in: the login, and nothing else.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import attrs

from twisted.internet.defer import Deferred
from twisted.spread import pb

from pbext._registry import Registry

__all__ = ["Door"]


class Door(pb._PortalRoot):
    """
    Serves a portal, as another root does it.  Until somebody has logged in by
    a connection, no class that is registered may arrive by it.
    """

    def __init__(self, root: Any) -> None:
        super().__init__(root.portal)
        self._root = root
        self._nothing: Registry | None = None

    def rootObject(self, broker: Any) -> Any:
        """
        @return: what a peer can log in with, for one connection.
        """
        root = copy(self._root)
        root.portal = _Doorkeeper(self.portal, broker)
        return root.rootObject(broker)

    def close(self, broker: Any) -> None:
        """
        From now on there is but the login; what may be sent stays the same.
        """
        if self._nothing is None:
            self._nothing = Registry()
            self._nothing.copiers = broker.factory.registry.copiers
        broker.registry = self._nothing


@attrs.frozen
class _Doorkeeper:
    """
    The portal, for one connection.
    """

    _portal: Any
    _broker: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._portal, name)

    def login(self, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        See C{twisted.cred.portal.Portal.login}.
        """
        answer: Deferred[Any] = self._portal.login(*args, **kw)
        return answer.addCallback(self._open)

    def _open(self, result: Any) -> Any:
        self._broker.registry = self._broker.factory.registry
        return result
