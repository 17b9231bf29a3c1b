"""
The rules on classes, of what lives in this process; and what the faults and the
guide's rules ask of them.
"""

from __future__ import annotations

import collections.abc
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any, TypedDict

import attrs

from twisted.spread import pb as stock
from twisted.spread import publish
from twisted.trial.unittest import SynchronousTestCase

from pbext import LocalOnly, pb
from pbext.audit._findings import Finding, Place, Severity
from pbext.audit._model import Program, Registered
from pbext.audit._rules import allRules, find
from pbext.audit.living._live import classesOf
from tests.audit.written import Written
from tests.processes import directory

#: The numbers of the rules that are tried here.
_MINE = frozenset({103, 104, 105, 106, 107, 201, 203, 204, 205, 206, 207, 208})


def entry(
    tag: str | None,
    target: type | None,
    *,
    sender: type | None = None,
    line: int = 1,
    **more: Any,
) -> Registered:
    """
    @return: a registration, as a process knows it.
    """
    return Registered(
        tag=tag,
        kind=more.pop("kind", "class"),
        sender=None if sender is None else _name(sender),
        target=None if target is None else _name(target),
        place=Place("registering.py", line),
        module=more.pop("module", "registering"),
        **more,
    )


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def program(*classes: type, registrations: Sequence[Registered] = ()) -> Program:
    """
    @return: what these classes and registrations are, with no source.
    """
    modules = {cls.__module__ for cls in classes}
    every = classesOf(classes, (), modules.__contains__)
    return Program(
        classes={name: every[name] for name in map(_name, classes)},
        registrations=registrations,
    )


def found(rule: str, *classes: type, **more: Any) -> list[str]:
    """
    @return: what one rule says of these.
    """
    return [finding.message for finding in findings(rule, *classes, **more)]


def findings(rule: str, *classes: type, **more: Any) -> list[Finding]:
    return find(program(*classes, **more), [allRules()[rule]])


class Frog(pb.Copyable, pb.RemoteCopy):
    colour: str


class Toad(pb.Copyable, pb.RemoteCopy):
    colour: str


class TreeFrog(Toad):
    pass


class StockFrog(stock.Copyable):
    pass


class StockPond(stock.Cacheable):
    pass


class Copied(stock.RemoteCopy):
    pass


class Followed(stock.RemoteCache):
    pass


class RegisteredTests(SynchronousTestCase):
    """
    PBX103.
    """

    def test_unregistered(self) -> None:
        """
        Of a class without sources, it is a reason that it is made to travel there
        and back, and that nothing derives from it.
        """
        known = entry(f"{__name__}.Frog", Frog)
        self.assertEqual(
            found("PBX103", Frog, Toad, registrations=[known]),
            [f"Toad is sent, and nothing is registered for its tag {__name__}.Toad"],
        )
        [finding] = findings("PBX103", Frog, Toad, registrations=[known])
        self.assertEqual(finding.severity, Severity.WARNING)
        self.assertIn("pb.setUnjellyableForClass(Toad, Toad)", finding.fix)

    def test_silent(self) -> None:
        """
        Where the other end is elsewhere, a base is meant, or anything may have
        been registered, nothing is said.
        """
        known = entry(f"{__name__}.Frog", Frog)
        unknown = Registered(None, "class", None, None, Place("x.py", 1), "tests.x")
        self.assertEqual(found("PBX103", StockFrog, StockPond), [])
        both = [known, entry(f"{__name__}.TreeFrog", TreeFrog)]
        self.assertEqual(found("PBX103", Frog, Toad, TreeFrog, registrations=both), [])
        self.assertEqual(
            found("PBX103", Frog, Toad, registrations=[known, unknown]), []
        )
        self.assertEqual(found("PBX103", Frog, StockFrog, registrations=[known]), [])

    def test_severities(self) -> None:
        """
        It is an error where this program has the other end, too, and nothing but
        what is registered may arrive.
        """
        text = """\
            from twisted.spread import pb
            class Pond(pb.Copyable, pb.RemoteCopy): pass
            class Frog(pb.Copyable, pb.RemoteCopy): pass
            class Toad(pb.Copyable): pass
            pb.setUnjellyableForClass(Pond, Pond)
            class Desk(pb.Root):
                def remote_all(self):
                    return Frog(), Toad()
            """
        more = """\
            class Newt(pb.Copyable): pass
            class Remote(pb.RemoteCopy): pass
            pb.setUnjellyableForClass(Newt, Remote)
            """
        opened = "from twisted.spread.jelly import DummySecurityOptions\n"
        error, warning = Severity.ERROR, Severity.WARNING
        for pond, severities in [
            (text, [error, warning]),
            (dedent(text) + dedent(more), [error, error]),
            (dedent(text) + dedent(more) + opened, [warning, warning]),
        ]:
            program = Written(directory(self), pond=pond).read()
            hits = find(program, [allRules()["PBX103"]])
            self.assertEqual([hit.severity for hit in hits], severities)


class MainFrog(pb.Copyable):
    pass


MainFrog.__module__ = "__main__"


class StockTagged(stock.Copyable):
    typeToCopy = "pond.Frog"


class StockTaggedBelow(StockTagged):
    pass


class Tagged(pb.Copyable, pb.RemoteCopy):
    typeToCopy = "pond.Tagged"


class Pond:
    class State(stock.Copyable):
        pass


class Lake:
    class State(stock.Copyable):
        pass


class TagTests(SynchronousTestCase):
    """
    PBX104.
    """

    def test_meaningless(self) -> None:
        """
        Twisted's Copyable does not ask for typeToCopy; it is said once.
        """
        [message] = found("PBX104", StockTagged, StockTaggedBelow, Tagged)
        self.assertIn("StockTagged says typeToCopy", message)

    def test_nested(self) -> None:
        """
        Two nested classes of one name have one tag.
        """
        [message] = found("PBX104", Pond.State, Lake.State)
        self.assertEqual(
            message,
            f"Lake.State and Pond.State are both sent as {__name__}.State",
        )
        self.assertEqual(found("PBX104", Pond.State), [])

    def test_unasked(self) -> None:
        """
        Twisted's function makes a tag of its own of a class.
        """
        byTwisted = entry(f"{__name__}.Tagged", Tagged, sender=Tagged)
        [message] = found("PBX104", Tagged, registrations=[byTwisted])
        self.assertEqual(
            message,
            f"Twisted's own function registers {__name__}.Tagged for Tagged, which "
            f"is sent as pond.Tagged",
        )
        ours = entry("pond.Tagged", Tagged, sender=Tagged)
        self.assertEqual(found("PBX104", Tagged, registrations=[ours]), [])

    def test_twice(self) -> None:
        """
        What was registered first is named.
        """
        one, other = entry("x.Newt", Frog), entry("x.Newt", Toad, line=2)
        [finding] = findings("PBX104", Frog, Toad, registrations=[one, other])
        self.assertEqual(finding.place.line, 2)
        self.assertIn("and no longer", finding.message)
        self.assertIn("Frog as registering.py:1 says", finding.message)
        for harmless in (
            entry("x.Newt", Frog, line=2),
            entry("x.Newt", Toad, line=2, replaces=True),
            entry("x.Newt", Toad, line=2, shared=False),
        ):
            self.assertEqual(
                found("PBX104", Frog, Toad, registrations=[one, harmless]), []
            )

    def test_near(self) -> None:
        """
        A tag that is nearly that of the one class of this name.
        """
        near = entry("class_rules.StockFrog", Copied)
        far = entry("lakes.StockFrog", Copied, module=__name__)
        [finding] = findings("PBX104", StockFrog, Copied, registrations=[far])
        self.assertEqual(finding.severity, Severity.WARNING)
        self.assertIn(f"sent as {__name__}.StockFrog", finding.message)
        self.assertIn("registered as lakes.StockFrog", finding.message)
        close = entry("test_class_rules.StockFrog", Copied)
        [finding] = findings("PBX104", StockFrog, Copied, registrations=[close])
        self.assertEqual(finding.severity, Severity.ERROR)
        other = entry("lakes.StockFrog", Copied)
        self.assertEqual(found("PBX104", StockFrog, Copied, registrations=[other]), [])
        right = entry(f"{__name__}.StockFrog", Copied)
        self.assertEqual(
            found("PBX104", StockFrog, Copied, registrations=[right, near, far]), []
        )

    def test_B1_atoms(self) -> None:
        """
        A word of jelly's own is no tag.
        """
        for tag in ("list", "unicode", "remote", ""):
            [message] = found("PBX104", Frog, registrations=[entry(tag, Frog)])
            self.assertIn("one of jelly's own words", message)

    def test_B3_main(self) -> None:
        """
        A class of a script.
        """
        [message] = found("PBX104", MainFrog)
        self.assertIn("MainFrog is sent as __main__.MainFrog", message)
        known = entry("__main__.MainFrog", Copied)
        self.assertEqual(found("PBX104", MainFrog, registrations=[known]), [])


class Plain:
    pass


class NeedsName(stock.RemoteCache):
    def __init__(self, name: str) -> None:
        pass


@dataclass(frozen=True)
class Ice(pb.RemoteCache):
    depth: int


class Hides(pb.RemoteCopy):
    copyFields = ("size",)

    @property
    def size(self) -> int:
        return 0


class Taken(pb.RemoteCache):
    luid: int  # type: ignore[assignment]  # which is what this is about


class Nonsense(pb.RemoteCopy):
    copyUnknown = "perhaps"
    colour: str


class StockHidden(stock.RemoteCopy):
    @property
    def size(self) -> int:
        return 0


@dataclass
class StockSized(stock.Copyable):
    size: int


class ReceivingTests(SynchronousTestCase):
    """
    PBX105, PBX205, PBX207, PBX208.
    """

    def test_B2_unreceivable(self) -> None:
        """
        What cannot receive is found, and said once.
        """
        for cls, why in [
            (Plain, "Plain has no unjellyFor"),
            (NeedsName, "NeedsName needs arguments to be constructed"),
            (Ice, "Ice is frozen"),
            (Taken, "Taken cannot have what is called luid"),
            (Nonsense, "Nonsense cannot receive: its copyUnknown has to be one of"),
        ]:
            [message] = found("PBX105", cls, registrations=[entry("x.X", cls)])
            self.assertTrue(message.startswith(why), message)
            self.assertEqual(found("PBX105", cls), [])
        self.assertEqual(found("PBX105", Frog, registrations=[entry("x", Frog)]), [])

    def test_B2d_properties(self) -> None:
        """
        A property in the way of what arrives.
        """
        [message] = found("PBX105", Hides, registrations=[entry("x.X", Hides)])
        self.assertIn("properties in the way of what arrives: size", message)
        known = entry(f"{__name__}.StockSized", StockHidden)
        [message] = found("PBX105", StockSized, StockHidden, registrations=[known])
        self.assertIn("StockHidden has properties", message)

    def test_flavors(self) -> None:
        """
        A Cacheable that becomes a RemoteCopy, and the reverse.
        """
        for sender, target, wrong in [
            (StockPond, Copied, True),
            (StockFrog, Followed, True),
            (StockPond, Followed, False),
            (StockFrog, Copied, False),
        ]:
            known = entry(_name(sender), target, sender=sender)
            messages = found("PBX105", sender, target, registrations=[known])
            self.assertEqual(bool(messages), wrong, messages)

    def test_B2_slots(self) -> None:
        """
        Slots and frozen classes are another rule's, which speaks of Twisted's
        flavors alone.
        """
        known = [entry("x.1", Slotted), entry("x.2", Frozen)]
        classes = (Slotted, Frozen, OurSlotted)
        self.assertEqual(found("PBX105", *classes, registrations=known), [])
        frozen, slotted = sorted(found("PBX205", *classes))
        self.assertIn("Frozen is frozen", frozen)
        self.assertIn("Slotted arrives empty", slotted)
        self.assertIn("behind its slots colour", slotted)

    def test_B5_factories(self) -> None:
        """
        A factory for a Cacheable.
        """
        known = entry(_name(StockPond), None, sender=StockPond, kind="factory")
        [message] = found("PBX207", StockPond, registrations=[known])
        self.assertIn("StockPond, which is a Cacheable", message)
        known = entry(_name(StockFrog), None, sender=StockFrog, kind="factory")
        self.assertEqual(found("PBX207", StockFrog, registrations=[known]), [])

    def test_B9_published(self) -> None:
        """
        A RemotePublished that is registered is refused.
        """
        known = entry("x.X", RemotePond)
        [finding] = findings("PBX208", RemotePond, Followed, registrations=[known])
        self.assertEqual(finding.severity, Severity.ERROR)
        self.assertIn("lets whoever sends it choose a file", finding.message)
        self.assertEqual(found("PBX105", RemotePond, registrations=[known]), [])


@attrs.define
class Slotted(stock.RemoteCopy):
    colour: str


@attrs.frozen(slots=False)
class Frozen(stock.RemoteCopy):
    colour: str


@attrs.define
class OurSlotted(pb.RemoteCopy):
    colour: str


class RemotePond(publish.RemotePublished):
    pass


@dataclass
class StockAccount(stock.Copyable):
    name: str
    password: str
    _balance: int = 0


@dataclass
class Account(pb.Copyable):
    name: str
    apiToken: str
    password: LocalOnly[str] = ""
    _balance: int = 0


class Duck(TypedDict):
    name: str


@dataclass
class Kept(pb.Copyable, pb.RemoteCopy):
    id: uuid.UUID
    lock: threading.Lock
    callback: Callable[[], None] | None = None
    quiet: LocalOnly[threading.Lock] = field(default_factory=threading.Lock)


@dataclass
class StockKept(stock.Copyable):
    id: uuid.UUID
    name: str


@dataclass
class Lax(pb.Copyable, pb.RemoteCopy):
    ducks: collections.abc.Sequence[str]
    duck: Duck
    missing: Away  # type: ignore[name-defined]  # noqa: F821  # which is what this is about
    either: uuid.UUID | str
    names: list[str]


class Undeclared(pb.RemoteCopy):
    pass


class StateTests(SynchronousTestCase):
    """
    PBX106, PBX107, PBX201, PBX203, PBX204.
    """

    def test_B8_names(self) -> None:
        """
        Names of what travels; of pbext's classes, public ones only.
        """
        self.assertEqual(
            sorted(found("PBX107", StockAccount, Account)),
            [
                "Account sends apiToken",
                "StockAccount sends password",
                "StockAccount sends what is private: _balance",
            ],
        )

    def test_returning(self) -> None:
        """
        A class that becomes itself may need there what it has here.
        """
        known = [entry(f"{__name__}.StockAccount", StockAccount)]
        for registrations, severity in [
            ([], Severity.WARNING),
            (known, Severity.NOTE),
        ]:
            hits = findings("PBX107", StockAccount, registrations=registrations)
            self.assertEqual([hit.severity for hit in hits], [severity] * 2)

    def test_noSources(self) -> None:
        """
        What hooks return, nobody knows without their sources.
        """
        self.assertEqual(found("PBX106", StockPond, StockFrog, StockAccount), [])

    def test_B2b_fields(self) -> None:
        """
        What the types of fields say.
        """
        self.assertEqual(
            [(f.message, f.severity) for f in findings("PBX203", Kept, StockKept)],
            [
                ("Kept sends lock, which holds a lock", Severity.ERROR),
                ("Kept sends callback, which holds a function", Severity.WARNING),
                ("StockKept sends id, which holds a UUID", Severity.ERROR),
            ],
        )

    def test_unchecked(self) -> None:
        """
        What is not checked, since it is abstract, is not there, or may be two
        things.
        """
        messages = found("PBX204", Lax)
        self.assertEqual(
            [message.partition(" ")[0] for message in messages],
            ["Lax.ducks", "Lax.duck", "Lax.missing", "Lax.either"],
        )
        self.assertIn("is not there when the program runs", messages[2])

    def test_B7_undeclared(self) -> None:
        """
        A class of pbext's that takes anything.
        """
        known = [entry("x.1", Undeclared), entry("x.2", Frog), entry("x.3", Copied)]
        [finding] = findings("PBX201", Undeclared, Frog, Copied, registrations=known)
        self.assertEqual(finding.severity, Severity.NOTE)
        self.assertIn("Undeclared declares no fields", finding.message)
        self.assertEqual(found("PBX201", Undeclared), [])


class GuideTests(SynchronousTestCase):
    """
    What the guide's rules ask of the audit, on programs that are only read.
    """

    def read(self, *rules: str, **files: str) -> list[str]:
        program = Written(directory(self), **files).read()
        return [f.message for f in find(program, [allRules()[r] for r in rules])]

    def test_rule02_mismatches(self) -> None:
        """
        A tag that is not what the sender says: of a script, and of a module that
        is known by two names.
        """
        script = """\
            from twisted.internet.task import react
            from twisted.spread import pb
            class CopyPond(pb.Copyable): pass
            def main(reactor):
                return connect(reactor).callRemote("take", CopyPond())
            if __name__ == "__main__":
                react(main)
            """
        receiver = """\
            from twisted.spread import pb
            import copy_sender
            class ReceiverPond(pb.RemoteCopy): pass
            pb.setUnjellyableForClass(copy_sender.CopyPond, ReceiverPond)
            """
        [message] = self.read("PBX104", copy_sender=script, receiver=receiver)
        self.assertIn("CopyPond is sent as __main__.CopyPond", message)
        right = script.replace(
            "def main(reactor):",
            "def main(reactor):\n                from copy_sender import CopyPond",
        )
        self.assertEqual(self.read("PBX104", copy_sender=right, receiver=receiver), [])
        messages = self.read(
            "PBX104",
            zoo__init="",
            zoo__sender=script,
            receiver=receiver.replace("import copy_sender", "").replace(
                "copy_sender.CopyPond", "'sender.CopyPond'"
            ),
        )
        known = "CopyPond is sent as zoo.sender.CopyPond, and registered as sender."
        self.assertIn(f"{known}CopyPond", messages)

    def test_rule02_canonical(self) -> None:
        """
        Classes in one module that both ends import are as they should be.
        """
        classes = """\
            from twisted.spread import pb
            class SenderPond(pb.Copyable): pass
            class ReceiverPond(pb.RemoteCopy): pass
            pb.setUnjellyableForClass(SenderPond, ReceiverPond)
            """
        sender = """\
            from twisted.internet import reactor
            from copy2_classes import SenderPond
            def main():
                ref.callRemote("take", SenderPond())
                reactor.run()
            if __name__ == "__main__":
                main()
            """
        rules = [r for r in allRules() if r in ("PBX103", "PBX104", "PBX105")]
        self.assertEqual(
            self.read(*rules, copy2_classes=classes, copy2_sender=sender), []
        )

    def test_rule21_publish(self) -> None:
        """
        What caches across sessions is refused; HTTP requests are not.
        """
        messages = self.read(
            "PBX208",
            client="from twisted.spread.publish import RemotePublished\n"
            "class Pond(RemotePublished): pass\n",
            waits="from twisted.spread import publish\npublish.whenReady(d)\n",
            web="from twisted.web import distrib\nfrom twisted.spread import pb\n"
            "pb.PBServerFactory(distrib.ResourcePublisher(site))\n",
        )
        self.assertEqual(len(messages), 2, messages)
        self.assertIn("Pond lets whoever sends it choose a file", messages[0])
        self.assertEqual(messages[1], "waits uses twisted.spread.publish")

    def test_B3_locals(self) -> None:
        """
        A class of a function is another one with each call.
        """
        [message] = self.read(
            "PBX104",
            pond="""\
            from twisted.spread import pb
            def make():
                class Frog(pb.Copyable, pb.RemoteCopy): pass
                pb.setUnjellyableForClass(Frog, Frog)
                return Frog
            """,
        )
        self.assertIn("make.<locals>.Frog is another class each time", message)

    def test_odd(self) -> None:
        """
        Whatever can be written, no rule fails.
        """
        mine = [rule for rule in allRules() if int(rule[3:]) in _MINE]
        self.assertEqual(len(mine), len(_MINE))
        odd = """\
            from twisted.spread import pb, publish
            import attrs, dataclasses
            pb.setUnjellyableForClass()
            pb.setUnjellyableForClass(*far)
            pb.setUnjellyableForClass("", lambda *a: None)
            pb.setUnjellyableForClass("\\udcff.x", Odd, **far)
            pb.setUnjellyableFactoryForClass(Odd)
            class Empty(pb.Copyable): ...
            class Itself(Itself, pb.Copyable): pass
            class Odd(pb.Cacheable, pb.RemoteCache, metaclass=far):
                __slots__ = [*far]
                typeToCopy = copyVersion = far
                a: "x..y" = 1
                b: "list[" = 2
                c: [int] = 3
                d: lambda: 0
                def getStateToCopy(): return self.__dict__
                async def getStateToCopyFor(self, p): return self.__dict__
                def getStateToCacheAndObserveFor(*args):
                    args[0].x, y = y, *z = 1, 2
                    self[0].x = self.x.y = args
                    for self.x in ("a", b): del self[self.x], self.x.y
                    with far as self.y, far() as (z, self.q): pass
                    while (state := vars(*args)): state[...] = {**state, None: 0}
                    return dict(state, *args, **far) | {} if far else (yield)
                def __init__(*, self=None):
                    far().x = Odd(far().x, *self, **self)
                    [].append(); [].append(Odd)
                    self.x.append(Odd(self))
                @staticmethod
                def upgradeStateToVersion1(): pass
                upgradeStateToVersion99999999999999999999 = upgradeStateToVersion1
                def remote_x(self, x: "Odd[") -> "a..Odd":
                    return Odd(), (lambda: x)(), self.x(), *[Odd() for _ in x]
                class Odd(pb.Copyable): pass
            Odd().callRemote(); Odd().callRemote("x", *Odd(), **Odd())
            (lambda self: self.callRemote("x", self))(Odd)
            pb.setUnjellyableForClass(Odd.Odd, Odd)
            pb.setUnjellyableForClass(Odd, Odd())
            if __name__ == "__main__": Odd()
            """
        written = Written(directory(self), odd=odd, empty="", other__odd=odd).read()
        self.assertEqual(written.unread, [])
        found = find(written, [allRules()[rule] for rule in mine])
        self.assertTrue(all(one.place.line for one in found), found)

    def test_A10b_cycles(self) -> None:
        """
        An attribute that refers back; pbext resolves it.
        """
        text = """\
            from twisted.spread import pb
            class Child(pb.Copyable, pb.RemoteCopy):
                def __init__(self, parent):
                    self.parent = parent
            class Parent(pb.Copyable, pb.RemoteCopy):
                def __init__(self):
                    self.child = Child(self)
            """
        [message] = self.read("PBX206", pond=text)
        self.assertIn("Parent sends child", message)
        self.assertIn("by parent, which will not be resolved", message)
        ours = text.replace("from twisted.spread", "from pbext")
        self.assertEqual(self.read("PBX206", pond=ours), [])
