"""
The process that is attacked: C{python -m benchmarks.victim LOG}.  It serves
with the C{pb} of this process, prints its port and the codec, and is ended by
who started it.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.logger import globalLogBeginner, textFileLogObserver

from benchmarks.ponds import pb

#: Bytes of address space: an attack that takes more ends the process, and not
#: the machine.
_MEMORY = 2 << 30


class Front(pb.Root):
    """
    What a bystander calls, and what an attacker does.
    """

    def remote_echo(self, thing: object) -> object:
        return thing

    def remote_drop(self, thing: object) -> None:
        pass

    def remote_give(self) -> bytes:
        return b"x" * 60_000

    def remote_login(self, username: str) -> None:
        pass


def main(log: str) -> None:
    """
    @param log: the file that the log is written to.
    """
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    reactor: Any = _reactor
    stream = Path(log).open("w", encoding="utf-8")
    globalLogBeginner.beginLoggingTo(
        [textFileLogObserver(stream)], redirectStandardIO=False
    )
    port = reactor.listenTCP(0, pb.PBServerFactory(Front()), interface="127.0.0.1")
    codec = getattr(sys.modules.get("pbext.wire._codec"), "CODEC", "stock")
    print(port.getHost().port, codec, flush=True)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
