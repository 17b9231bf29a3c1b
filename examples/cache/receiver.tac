"""
The same receiver, as a service:  twistd -ny receiver.tac

The environment variable POND_ENDPOINT says where it listens.
"""

import os
import sys

from twisted.application.service import Application
from twisted.application.strports import service

# twistd does not look for modules here by itself.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pbext import pb
from receiver import Receiver

endpoint = os.environ.get("POND_ENDPOINT", "tcp:8800:interface=127.0.0.1")
application = Application("cache receiver")
service(endpoint, pb.PBServerFactory(Receiver())).setServiceParent(application)
