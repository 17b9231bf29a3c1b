"""
The messages that a Cacheable sends, as they are read.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit.following._sent import Message, sentBy
from tests.audit.written import Written
from tests.processes import directory

_HEAD = """\
from twisted.internet import reactor
from twisted.spread import pb


class Pond(pb.Cacheable):
    def __init__(self):
        self.observers = []

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {}

"""


class SentTests(SynchronousTestCase):
    def sent(self, body: str, name: str = "pond.Pond") -> list[Message]:
        written = Written(directory(self), pond=_HEAD + body)
        program = written.read()
        return sentBy(program, program.classes[name])

    def shapes(self, body: str, name: str = "pond.Pond") -> list[tuple[object, ...]]:
        return [
            (m.name, m.count, sorted(m.names), m.open) for m in self.sent(body, name)
        ]

    def test_plain(self) -> None:
        """
        Names and arguments, without what callRemote keeps for itself.
        """
        body = """\
    def change(self, given, more):
        for o in self.observers:
            o.callRemote("none")
            o.callRemote("some", 1, two=2, pbanswer=False)
            o.callRemote("open", 1, *given)
            o.callRemote("named", **more)
            o.callRemote(b"bytes", 1)
            o.remoteMethod("method")(1, 2)
"""
        self.assertEqual(
            self.shapes(body),
            [
                ("none", 0, [], False),
                ("some", 1, ["two"], False),
                ("open", 1, [], True),
                ("named", 0, [], True),
                ("bytes", 1, [], False),
                ("method", 2, [], False),
            ],
        )

    def test_through(self) -> None:
        """
        A name that a method takes stands where that is called.
        """
        body = """\
    def tell(self, change, *args, **kw):
        for o in self.observers:
            self.one(o, change, *args, **kw)

    def one(self, observer, what, *args, **kw):
        reactor.callLater(0, observer.callRemote, what, *args, **kw)

    def change(self, given):
        self.tell("plain", 1, 2)
        self.tell("named", size=1)
        self.tell(change="byName")
        self.tell("open", *given)
        self.tell(*given)
"""
        self.assertEqual(
            self.shapes(body),
            [
                ("plain", 2, [], False),
                ("named", 0, ["size"], False),
                ("byName", 0, [], False),
                ("open", 0, [], True),
                (None, 0, [], False),
            ],
        )

    def test_places(self) -> None:
        """
        Such a message stands in the line with its name.
        """
        body = """\
    def tell(self, change):
        for o in self.observers:
            o.callRemote(change)

    def change(self):
        self.tell("it")
"""
        [message] = self.sent(body)
        self.assertEqual(message.place.line, _HEAD.count("\n") + 6)

    def test_functions(self) -> None:
        """
        A function of the module may send as well.
        """
        body = """\
    def change(self):
        broadcast(self.observers, "it", 1)


def broadcast(observers, name, *args):
    for o in observers:
        o.callRemote(name, *args)
"""
        self.assertEqual(self.shapes(body), [("it", 1, [], False)])

    def test_computed(self) -> None:
        """
        What is computed, or given by nobody in sight, has no name.
        """
        body = """\
    def change(self, name):
        for o in self.observers:
            o.callRemote(name)
            o.callRemote("set" + name)
            o.callRemote("yes" if name else "no")
"""
        self.assertEqual([m.name for m in self.sent(body)], [None, None, "yes", "no"])

    def test_variables(self) -> None:
        """
        A variable that is a text, or one of several.
        """
        body = """\
    def change(self, grown):
        name = "grew"
        for o in self.observers:
            o.callRemote(name)

    def other(self, grown):
        if grown:
            name = "grew"
        else:
            name = "shrank"
        for o in self.observers:
            o.callRemote(name, 1)

    def third(self, grown):
        name = grown.name
        for o in self.observers:
            o.callRemote(name, 2)
"""
        self.assertEqual(
            [m.name for m in self.sent(body)], ["grew", "grew", "shrank", None]
        )

    def test_overridden(self) -> None:
        """
        A method that calls the one that it overrides passes on what it is given,
        and is not what a base of the base is told.
        """
        body = """\
    def tell(self, change, *args):
        for o in self.observers:
            o.callRemote(change, *args)


class Big(Pond):
    def tell(self, change, *args):
        super().tell(change, *args)

    def change(self):
        self.tell("it", 1)
        pb.Cacheable.tell(self, "other")
"""
        self.assertEqual(self.shapes(body, "pond.Big"), [("it", 1, [], False)])

    def test_others(self) -> None:
        """
        The observers of another object are none of its own, nor are references.
        """
        body = """\
    def change(self, pond, users):
        for o in pond.observers:
            o.callRemote("theirs")
        for user in users:
            user.callRemote("hello")
"""
        self.assertEqual(self.sent(body), [])

    def test_circles(self) -> None:
        """
        Methods that call each other come to an end.
        """
        body = """\
    def one(self, name):
        for o in self.observers:
            o.callRemote(name)
        self.two(name)

    def two(self, name):
        self.one(name)
"""
        self.assertEqual({m.name for m in self.sent(body)}, {None})
