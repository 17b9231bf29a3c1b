"""
Programs that a test starts: what they print, how they end, and that they are
gone when the test is over.

    async def test_listens(self):
        child = Child.start(self, [sys.executable, "receiver.py", "tcp:0"])
        found = await child.waitFor(r"listening on (.*)")
        child.kill("TERM")
        code, output = await child.ended()

Nothing in here has a time of its own: what is waited for in vain ends with
the timeout of the test, and then its output is shown.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

__all__ = ["Child", "directory", "environment"]


def environment(**changes: str) -> dict[str, str]:
    """
    This process's environment for a child: what it prints comes at once, and
    modules are found where its own Python looks, not where ours was told to.
    """
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return {**inherited, "PYTHONUNBUFFERED": "1", **changes}


def directory(testCase: TestCase) -> Path:
    """
    @return: an empty directory, which is removed when the test is over.  (That
        of C{testCase.mktemp} is in the checkout, if it is pytest that runs.)
    """
    made = tempfile.mkdtemp(prefix="pbext-test-")
    testCase.addCleanup(shutil.rmtree, made)
    return Path(made)


class Child(ProcessProtocol):
    """
    One process.

    @ivar output: what it has printed by now, errors too.
    @ivar errors: what of it went to its standard error.
    @ivar pid: its id, while it runs.
    """

    def __init__(self, args: Sequence[str]) -> None:
        self._args = args
        self._printed = b""
        self._errors = b""
        self._status: int | None = None
        self._waiting: list[tuple[re.Pattern[str], Deferred[re.Match[str]]]] = []
        self._ending: list[Deferred[tuple[int, str]]] = []

    @classmethod
    def start(
        cls,
        testCase: TestCase,
        args: Sequence[str | os.PathLike[str]],
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """
        Start a process, which is killed, if it has not ended, and reaped when
        the test is over.

        @param args: the program's path, and its arguments.
        @param cwd: by default an empty directory of its own.
        @param env: by default L{environment}C{()}.
        """
        from twisted.internet import reactor

        if cwd is None:
            cwd = directory(testCase)
        args = [os.fspath(arg) for arg in args]
        child = cls(args)
        reactor.spawnProcess(
            child,
            args[0],
            args,
            env=dict(environment() if env is None else env),
            path=os.fspath(cwd),
        )
        testCase.addCleanup(child._bury)
        return child

    @property
    def output(self) -> str:
        return self._printed.decode("utf-8", "replace")

    @property
    def errors(self) -> str:
        return self._errors.decode("utf-8", "replace")

    @property
    def pid(self) -> int | None:
        return self.transport.pid

    def waitFor(self, pattern: str) -> Deferred[re.Match[str]]:
        """
        Wait until a line that is complete matches, C{^} and C{$} being its
        ends; one that has come already will do.

        @return: fires with the match; fails when the process ends without.
        """
        deferred: Deferred[re.Match[str]] = Deferred()
        self._waiting.append((re.compile(pattern, re.MULTILINE), deferred))
        self._look()
        return deferred

    def ended(self) -> Deferred[tuple[int, str]]:
        """
        @return: fires with the exit code, or minus the number of the signal
            that ended the process, and with all of its output.
        """
        deferred: Deferred[tuple[int, str]] = Deferred()
        self._ending.append(deferred)
        self._settle()
        return deferred

    def kill(self, signal: str = "KILL") -> None:
        """
        @param signal: its name, without C{SIG}.
        @raise twisted.internet.error.ProcessExitedAlready: if it has ended.
        """
        self.transport.signalProcess(signal)

    def connectionMade(self) -> None:
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._printed += data
        self._look()

    def errReceived(self, data: bytes) -> None:
        self._errors += data
        self.outReceived(data)

    def processEnded(self, reason: Failure) -> None:
        # Its pipes are closed and it has been waited for.
        error = reason.value
        if isinstance(error, ProcessDone):
            self._status = 0
        else:
            self._status = -error.signal if error.signal else error.exitCode
        self._look()
        self._settle()

    def _look(self) -> None:
        text = self.output
        if self._status is None:
            text = text[: text.rfind("\n") + 1]
        waiting, self._waiting = self._waiting, []
        for pattern, deferred in waiting:
            match = pattern.search(text)
            if match is not None:
                deferred.callback(match)
            elif self._status is not None:
                deferred.errback(AssertionError(self._inVain(pattern)))
            else:
                self._waiting.append((pattern, deferred))

    def _settle(self) -> None:
        if self._status is not None:
            ending, self._ending = self._ending, []
            for deferred in ending:
                deferred.callback((self._status, self.output))

    def _inVain(self, pattern: re.Pattern[str]) -> str:
        return (
            f"no line of {self._args} (status {self._status}) matches "
            f"{pattern.pattern!r}; it printed:\n{self.output}"
        )

    async def _bury(self) -> None:
        # A test that still waits has run into its timeout, or has failed.
        unmet, self._waiting = self._waiting, []
        if self._status is None:
            self.kill()
        await self.ended()
        if unmet:
            raise AssertionError(self._inVain(unmet[0][0]))
