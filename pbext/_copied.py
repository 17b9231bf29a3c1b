"""
An error that a peer has answered with, as the program here gets to see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from twisted.python import log
from twisted.spread import pb

from pbext._reports import nameOf
from pbext.errors import PeerError

__all__ = ["CopiedFailure", "RemoteError"]


#: Of each text that a peer says of an error, so many characters are kept: as
#: many as a peer of ours can be told to send (C{Limits.errorText}), and more
#: than stock sends of any traceback.
MOST = 160_000


class RemoteError(PeerError, pb.RemoteError):
    """
    What C{await} raises for an error that the peer has answered with.

    @ivar remoteType: the full name of its class over there.
    @ivar remoteTraceback: its traceback, if the peer sends it.
    @ivar parents: the full names of its class and of all that that is
        derived from.
    """

    def __init__(
        self,
        remoteType: str,
        value: str,
        remoteTraceback: str,
        parents: Iterable[str] = (),
    ) -> None:
        super().__init__(remoteType, value, remoteTraceback)
        self.parents = tuple(parents)

    def __reduce__(self) -> Any:
        # Exception's own would call the class with the text alone.
        name = str(self.remoteType)  # a plain one, which can be pickled
        state = name, str(self), self.remoteTraceback, self.parents
        return type(self), state

    def check(self, *errorTypes: type | str | bytes) -> Any:
        """
        Ask for classes, as C{Failure.check} does.

        @param errorTypes: classes, or their full names.
        @return: the first one that this error is an instance of, or C{None}.
        """
        return _check(self.parents, errorTypes)


def _check(parents: Iterable[str], errorTypes: Iterable[type | str | bytes]) -> Any:
    for errorType in errorTypes:
        if nameOf(errorType) in parents:
            return errorType
    return None


class _TypeName(str):
    """
    The full name of a class that may not exist here.  In stock PB it is
    bytes, so it equals those as well (their hashes are the same), and Twisted
    asks it for the name of a class, as it asks classes.
    """

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(
            self,
            other.decode("utf-8", "replace") if isinstance(other, bytes) else other,
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """
        @return: the name.
        """
        return str(self)

    @property
    def __module__(self) -> str:  # type: ignore[override]  # of the class that is named
        return self.rpartition(".")[0]

    @property
    def __name__(self) -> str:
        return self.rpartition(".")[2]


class CopiedFailure(pb.CopiedFailure):
    """
    The failure that a call ends in if the peer answers with an error.

    Stock's cannot be printed, trapped or raised (tw#12530, tw#5507), and holds
    whatever the peer has put into it.

    @ivar type: the full name of the error's class over there: a C{str}, which
        is equal to stock's bytes too.
    @ivar value: its text.
    @ivar traceback: its traceback, if the peer sends it.
    """

    type: Any
    value: Any

    def __init__(
        self, type: str, parents: Iterable[str], value: str, traceback: str
    ) -> None:
        # Not Failure's own, which asks for an exception.
        self.type = _TypeName(type)
        self.parents = [str(name) for name in parents]
        self.value = value
        self.traceback = traceback
        self.tb = None
        self.captureVars = False
        self.count = 0
        self.pickled = 1

    @classmethod
    def normalized(cls, copied: pb.CopiedFailure) -> CopiedFailure:
        """
        Take what a peer has sent as a failure, and of that no more than what
        a failure has.
        """
        found = vars(copied)
        name = _text(found.get("type"), "builtins.Exception")
        parents = found.get("_parents")
        if not isinstance(parents, list):
            parents = []
        return cls(
            name,
            dict.fromkeys([name, *(_text(parent) for parent in parents)]),
            _text(found.get("value")),
            _text(found.get("traceback"), "Traceback unavailable\n"),
        )

    def __reduce__(self) -> Any:
        state = str(self.type), self.parents, self.value, self.traceback
        return type(self), state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type}: {self.value}>"

    @property
    def error(self) -> RemoteError:
        """
        An exception that says the same.
        """
        return RemoteError(self.type, self.value, self.traceback, self.parents)

    def check(self, *errorTypes: type | str | bytes) -> Any:
        """
        Ask for classes.

        @param errorTypes: classes, or their full names.
        @return: the first one that the error is an instance of, or C{None}.
        """
        return _check(self.parents, errorTypes)

    def cleanFailure(self) -> None:
        """
        There is nothing to clean: no traceback, and no exception.
        """

    def raiseException(self) -> NoReturn:
        """
        @raise RemoteError: always.
        """
        raise self.error

    def throwExceptionIntoGenerator(self, g: Any) -> Any:
        """
        Throw a L{RemoteError} into a generator.
        """
        return g.throw(self.error)

    def printTraceback(
        self, file: Any = None, elideFrameworkCode: Any = False, detail: Any = ""
    ) -> None:
        """
        Print what the peer says.
        """
        out = log.logerr if file is None else file
        out.write(f"Traceback from remote host -- {self.type}: {self.value}\n")
        if not self.traceback.startswith("Traceback unavail"):
            out.write(self.traceback)

    printBriefTraceback = printTraceback
    printDetailedTraceback = printTraceback


def _text(value: object, default: str = "") -> str:
    if isinstance(value, bytes):
        value = value[:MOST].decode("utf-8", "replace")
    return value[:MOST] if isinstance(value, str) else default
