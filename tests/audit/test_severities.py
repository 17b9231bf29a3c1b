"""
How bad it is, where that depends.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._findings import Finding, Severity
from pbext.audit._rules import allRules
from tests.audit.written import Written
from tests.processes import directory


class SeverityTests(SynchronousTestCase):
    def found(self, rule: str, text: str) -> list[Finding]:
        return list(allRules()[rule](Written(directory(self), pond=text).read()))

    def lines(self, rule: str, text: str) -> list[tuple[int, Severity]]:
        return sorted((f.place.line, f.severity) for f in self.found(rule, text))

    def test_messages(self) -> None:
        """
        PBX108: what is sent in vain is an error; what nobody sends may be left.
        """
        text = """\
        from twisted.spread import pb

        class Pond(pb.Cacheable):
            def getStateToCacheAndObserveFor(self, perspective, observer):
                self.observer = observer
                return {}

            def change(self):
                self.observer.callRemote("changed", 1)

        class RemotePond(pb.RemoteCache):
            def observe_changed(self):
                pass

            def observe_left(self):
                pass

        pb.setUnjellyableForClass(Pond, RemotePond)
        """
        self.assertEqual(
            self.lines("PBX108", text), [(9, Severity.ERROR), (15, Severity.NOTE)]
        )
        [sent, left] = self.found("PBX108", text)
        self.assertEqual(
            sent.message,
            "Pond sends changed with 1 argument, and RemotePond.observe_changed takes "
            "none",
        )
        self.assertEqual((sent.subject, left.subject), ("pond.Pond", "pond.RemotePond"))

    def test_near(self) -> None:
        """
        PBX108 and PBX213 name what may have been meant.
        """
        text = """\
        from twisted.spread import pb

        class Pond(pb.Cacheable, pb.RemoteCache):
            def getStateToCacheAndObserveFor(self, perspective, observer):
                self.observer = observer
                return {}

            def change(self):
                self.observer.callRemote("addDuk", 1)

            def observe_addDuck(self, duck):
                pass

        pb.setUnjellyableForClass(Pond, Pond)

        class Root(pb.Root):
            remote_one = remote_two = remote_three = remote_takeDuck = print

            def ask(self, root):
                root.callRemote("one", root.callRemote("two"))
                root.callRemote("three")
                root.callRemote("takeDuk")
        """
        sent, _ = self.found("PBX108", text)
        self.assertEqual(sent.fix, "call it addDuck, if observe_addDuck is meant")
        fixes = {finding.fix for finding in self.found("PBX213", text)}
        self.assertIn("call takeDuck, if that is what is meant", fixes)

    def test_failures(self) -> None:
        """
        PBX216: certain, if only errors of the peer's get there.
        """
        text = """\
        from twisted.spread import jelly, pb

        class Sender:
            def send(self, root):
                root.callRemote("x").addErrback(self.direct)
                root.callRemote("x").addCallback(print).addErrback(self.later)

            def direct(self, failure):
                return failure.type == KeyError

            def later(self, failure):
                if failure.type == jelly.InsecureJelly:
                    return 1
                return failure.type == KeyError
        """
        self.assertEqual(
            self.lines("PBX216", text),
            [(9, Severity.ERROR), (12, Severity.ERROR), (14, Severity.WARNING)],
        )
        self.assertEqual(
            self.found("PBX216", text)[0].fix, "ask failure.check(KeyError)"
        )

    def test_dropped(self) -> None:
        """
        PBX211: a warning where somebody seems to wait, once a note elsewhere.
        """
        text = """\
        from twisted.spread import pb

        class User(pb.Avatar):
            def perspective_one(self):
                self.mind.callRemote("x")
                self.mind.callRemote("y")

            async def perspective_two(self):
                self.mind.callRemote("x")
        """
        self.assertEqual(
            self.lines("PBX211", text), [(5, Severity.NOTE), (9, Severity.WARNING)]
        )

    def test_hooks(self) -> None:
        """
        PBX210: what is lost is an error; what loses the perspective may not matter.
        """
        text = """\
        from twisted.spread import pb

        class Pond(pb.Cacheable):
            def getStateToCacheAndObserveFor(self, perspective, observer):
                observer.callRemote("x")
                perspective.mind.callRemote("x")
                self.counter.callRemote("x")
                return {}
        """
        self.assertEqual(
            self.lines("PBX210", text),
            [(5, Severity.ERROR), (6, Severity.WARNING), (7, Severity.WARNING)],
        )

    def test_mutations(self) -> None:
        """
        PBX202: what may be meant is a warning.
        """
        text = """\
        from twisted.spread import pb

        class Frog(pb.Copyable):
            def __init__(self):
                self.name = self.colour = "green"

            def getStateToCopy(self):
                self.__dict__.pop("colour", None)
                del self.name
                return self.__dict__
        """
        self.assertEqual(
            self.lines("PBX202", text), [(8, Severity.WARNING), (9, Severity.ERROR)]
        )

    def test_limits(self) -> None:
        """
        PBX214: what does nothing at all is an error.
        """
        text = """\
        from twisted.spread import pb
        from twisted.spread.pb import MAX_BROKER_REFS

        pb.MAX_BROKER_REFS = 9
        MAX_BROKER_REFS = 9
        """
        self.assertEqual(
            self.lines("PBX214", text), [(4, Severity.WARNING), (5, Severity.ERROR)]
        )
