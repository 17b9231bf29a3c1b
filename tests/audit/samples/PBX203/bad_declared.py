"""What fields are declared to hold."""

import enum
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Optional

import attrs

from pbext import pb as ours
from twisted.internet.defer import Deferred
from twisted.spread import pb


class Colour(enum.Enum):
    GREEN = 1


@dataclass
class Pond(pb.Copyable):
    name: str
    lock: threading.Lock  # finds: PBX203
    locks: "list[threading.Lock]"  # finds: PBX203
    log: Optional[IO]  # finds: PBX203
    id: uuid.UUID  # finds: PBX203
    colour: Colour  # finds: PBX203


@attrs.define
class Lake(ours.Copyable):
    id: uuid.UUID
    colour: Colour
    done: Deferred  # finds: PBX203
    callback: Callable[[int], None] | None  # finds: PBX203
