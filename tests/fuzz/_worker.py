"""
The process that fuzzes: C{python -m tests.fuzz._worker CODECS LAST OPTION...
CORPUS}, with options of libFuzzer's and a file for the input that is tried;
and the one that tries again what was found: C{python -m tests.fuzz._worker
CODECS --again FILE...}.
"""

from __future__ import annotations

import faulthandler
import sys
from mmap import mmap
from pathlib import Path
from typing import Any

from twisted.logger import globalLogBeginner

#: More bytes than an input has.
_MOST = 1 << 16

#: For every so many inputs, one is changed byte by byte.
_BYTEWISE = 4


def main(argv: list[str]) -> None:
    """
    @param argv: the names of codecs, with commas, and the rest.
    """
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    names, *rest = argv
    if rest[0] == "--again":
        _only(names)
        from tests.fuzz._targets import run

        for name in rest[1:]:
            run(Path(name).read_bytes())
        return
    kept, *options = rest
    _fuzz(names, kept, options)


def _only(names: str) -> None:
    from tests import codecs

    codecs.CODECS[:] = [codec for codec in codecs.CODECS if codec.name in names]


def _mapped(path: Path) -> mmap:
    path.write_bytes(bytes(_MOST))
    with path.open("r+b") as file:
        return mmap(file.fileno(), _MOST)


def _fuzz(names: str, kept: str, options: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["pbext"]):
        import pbext.testing  # noqa: F401  # what is looked at
        from pbext.wire import _decoder, _encoder, _unjelly, _words  # noqa: F401  # too
    _only(names)
    from tests.fuzz._mutating import mutated
    from tests.fuzz._streaming import streaming
    from tests.fuzz._targets import TARGETS, run, telling, writing

    bytewise = {TARGETS.index(target) for target in (writing, telling, streaming)}

    def change(data: bytes, most: int, seed: int) -> Any:
        wise = len(data) < 3 or data[0] % len(TARGETS) in bytewise
        if wise or seed % _BYTEWISE == 0:
            return atheris.Mutate(data, most)
        return mutated(data, seed)[:most]

    # What ends in the middle of C leaves nothing but this.
    faulthandler.enable()
    last = _mapped(Path(kept))

    def tried(data: bytes) -> None:
        last[: len(data) + 4] = len(data).to_bytes(4, "little") + data
        run(data)

    atheris.Setup([sys.argv[0], *options], tried, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
