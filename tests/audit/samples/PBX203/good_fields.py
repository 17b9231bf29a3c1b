"""What travels, or stays."""

import enum
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pbext import LocalOnly, pb as ours
from twisted.spread import pb


class Colour(enum.Enum):
    GREEN = 1


@dataclass
class Lake(ours.Copyable):
    id: uuid.UUID
    path: Path
    colour: Colour
    whatever: Any
    thing: object
    ducks: Sequence[str]
    lock: LocalOnly[threading.Lock] = field(default_factory=threading.Lock)


class Loose(ours.Copyable):
    localFields = ["lock"]

    def __init__(self):
        self.lock = threading.Lock()
        self._other = threading.Lock()
        self.numbers = list(range(3))


class Pond(pb.Copyable):
    def __init__(self):
        self.lock = threading.Lock()
        self.name = str(uuid.uuid4())

    def getStateToCopy(self):
        state = self.__dict__.copy()
        del state["lock"]
        return state

    def later(self):
        lock = threading.Lock()
        return lock


class Sea(pb.Copyable):
    def __init__(self):
        self.lock = threading.Lock()

    def getStateToCopy(self):
        return {"name": "sea"}


class Receiver(pb.RemoteCopy):
    def __init__(self):
        self.lock = threading.Lock()


class Arrived(pb.Copyable, pb.RemoteCopy):
    def setCopyableState(self, state):
        self.opened = open(state["name"])
