"""
Other libraries, each in a module of its own, small: what it takes to do the
same job with it, in the same two processes.

A module has C{serve(reactor)}, which runs in the peer and gives the port, and
C{calling(reactor, port)}, which runs in the process that measures and gives
C{work(kind, times, inFlight)}, where C{kind} is C{"echo"} or C{"object"}; or
C{publish(reactor)}, which gives the port and C{tell(kind, count)}, and
C{observe(reactor, port)}, which runs in the peer, for each observer.  All may
return a Deferred, or be coroutines; those that block, block.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

__all__ = ["OTHERS", "Other"]


@dataclass(frozen=True)
class Other:
    """
    @ivar module: its name in this package.
    @ivar does: of C{echo}, C{object} and C{fan}, what there is of it.
    @ivar packages: what has to be installed.
    @ivar program: what has to be on the machine.
    """

    module: str
    does: frozenset[str]
    packages: tuple[str, ...] = ()
    program: str = ""

    def missing(self) -> str:
        """
        @return: what it lacks here; empty if nothing.
        """
        lacking = [name for name in self.packages if find_spec(name) is None]
        if self.program and shutil.which(self.program) is None:
            lacking.append(self.program)
        return ", ".join(lacking)


_CALLS, _FAN = frozenset({"echo", "object"}), frozenset({"fan"})

#: All there are, by the name that people know.
OTHERS: Mapping[str, Other] = {
    "bare": Other("bare", _CALLS | _FAN),
    "pushed": Other("pushed", _FAN),
    "AMP": Other("amp", _CALLS),
    "RPyC": Other("rpyc_", _CALLS, ("rpyc",)),
    "Pyro5": Other("pyro", _CALLS, ("Pyro5",)),
    "Foolscap": Other("foolscap_", _CALLS, ("foolscap", "OpenSSL")),
    "gRPC": Other("grpc_", _CALLS, ("grpc",)),
    "autobahn": Other("autobahn_", _FAN, ("autobahn",)),
    "Redis": Other("redis_", _FAN, ("txredisapi",), "redis-server"),
}
