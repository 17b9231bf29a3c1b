from __future__ import annotations

import collections.abc as c
import typing
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from pbext import pb

if TYPE_CHECKING:
    from far import Away


class Duck(typing.TypedDict):
    name: str


@dataclass
class Pond(pb.Copyable, pb.RemoteCopy):
    ducks: typing.Sequence[str]  # finds: PBX204
    names: dict[str, c.Mapping[str, int]]  # finds: PBX204
    duck: Duck  # finds: PBX204
    away: Optional[Away]  # finds: PBX204
    path: Path | str  # finds: PBX204
    recent: Union[list[int], deque[int]]  # finds: PBX204
    good: list[str]
