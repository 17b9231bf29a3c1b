"""What is put into attributes that travel."""

import collections
import logging
import threading as t
import uuid
from pathlib import Path as P

from pbext import pb as ours
from twisted.internet import defer
from twisted.spread import pb


class Pond(pb.Copyable):
    def __init__(self, path):
        self.lock = t.RLock()  # finds: PBX203
        self.done = defer.Deferred()  # finds: PBX203
        self.log = logging.getLogger("pond")  # finds: PBX203
        self.id = uuid.uuid4()  # finds: PBX203
        self.path = P(path)  # finds: PBX203
        self.recent = collections.deque(maxlen=3)  # finds: PBX203
        self.onChange = lambda: None  # finds: PBX203
        self.callback = self.changed  # finds: PBX203
        self.file = open(path)  # finds: PBX203
        self.all = (n for n in [])  # finds: PBX203

    def changed(self):
        self.timer = t.Timer(1, print)  # finds: PBX203


class Lake(ours.Copyable):
    def __init__(self):
        self.lock = t.Lock()  # finds: PBX203
        self.id = uuid.uuid4()  # finds: PBX203
        self._lock = t.Lock()
