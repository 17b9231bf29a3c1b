"""
For pytest: the fixture C{connectedPair}, which is L{pbext.testing.connectedPair}, whose
pairs are closed, and the registry put back, when the test is over; and the option
C{--pbext-audit}, which is C{pbext audit} as one more test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

# pytest loads this module in every project that pbext is installed beside: what is
# needed of pbext is imported where it is used.
if TYPE_CHECKING:
    from pbext.audit._audited import Audited
    from pbext.audit._job import Job
    from pbext.testing import Pair


@pytest.fixture(name="connectedPair")
def connectedPairFixture() -> Iterator[Callable[..., Pair]]:
    """
    L{pbext.testing.connectedPair}.
    """
    from pbext.testing import connectedPair, restoredRegistry

    with ExitStack() as closing:
        closing.enter_context(restoredRegistry())

        def connect(*args: Any, **kw: Any) -> Pair:
            return closing.enter_context(connectedPair(*args, **kw))

        yield connect


def pytest_addoption(parser: pytest.Parser) -> None:
    """
    Add the option.
    """
    parser.getgroup("pbext").addoption(
        "--pbext-audit",
        action="append",
        nargs="?",
        const="",
        metavar="TARGET",
        help="also audit TARGET, a module, a package or a path, as pbext audit does; "
        "by default what the settings of pbext name; may be repeated",
    )


@pytest.hookimpl(tryfirst=True)  # then it can be deselected like others
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """
    Add the audit, if it is asked for.
    """
    asked = config.getoption("pbext_audit")
    if asked is not None:
        targets = tuple(target for target in asked if target)
        items.append(Audit.from_parent(session, name="pbext-audit", targets=targets))


class Audit(pytest.Item):
    """
    An audit.  That it cannot run is an error; that it finds something is a failure.
    """

    def __init__(self, *, targets: tuple[str, ...], **kw: Any) -> None:
        super().__init__(**kw)
        self._targets = targets
        self._job: Job | None = None
        self._audited: Audited | None = None

    def setup(self) -> None:
        """
        Do it.

        @raise pytest.fail.Exception: if it cannot run.
        """
        import attrs

        from pbext.audit._audited import CannotAudit
        from pbext.audit._job import Job
        from pbext.audit._settings import findSettings
        from pbext.audit.reading._names import NeedsExtra
        from pbext.audit.reading._sources import NoSuchTarget

        try:
            settings = findSettings()
            if self._targets:
                settings = attrs.evolve(settings, targets=self._targets)
            self._job = Job.of(settings, say=self._say)
            self._audited = self._job.audited()
        except (CannotAudit, NeedsExtra, NoSuchTarget) as error:
            why = f"the audit cannot run: {error}"
            raise pytest.fail.Exception(why, pytrace=False) from None

    def _say(self, line: str) -> None:
        self.add_report_section("call", "pbext audit", line)

    def runtest(self) -> None:
        """
        Judge it.

        @raise pytest.fail.Exception: if what is found is as bad as the settings say.
        """
        from pbext.audit.reports._report import Manner, asText

        assert self._job is not None and self._audited is not None
        if self._audited.reaches(self._job.settings.failOn):
            text = asText(self._audited, self._job.lines, Manner())
            pytest.fail(text, pytrace=False)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """
        @return: what a failure is called.
        """
        return self.path, None, " ".join(["pbext audit", *self._targets])
