from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence, Union

from pbext import LocalOnly, pb
from twisted.spread import pb as stock


@dataclass
class Pond(pb.Copyable, pb.RemoteCopy):
    ducks: list[str]
    whatever: Any
    thing: object
    path: Path | None
    number: Union[int, str]
    local: LocalOnly[Sequence[int]] = ()


class Loose(pb.RemoteCopy):
    copyChecked = False
    ducks: Sequence[str]


class Sender(pb.Copyable):
    ducks: Sequence[str]


class Stock(stock.RemoteCopy):
    ducks: Sequence[str]
