"""
Objects and containers that contain themselves, and things that are in a message
more than once: A10b and A10c where the end that receives is to blame, whoever
sends.  What is arbitrary is seen in L{tests.test_contract_property}.
"""

from __future__ import annotations

import collections.abc
import gc
import pathlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import attrs

from twisted.persisted.crefutil import NotKnown
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import Registry, pb
from pbext.errors import BadValue, RefusedField, RefusedObject
from pbext.testing import connectedPair

REGISTRY = Registry()


class Plain(pb.Copyable, pb.RemoteCopy):
    """
    Declares nothing.
    """


class Slotted(pb.Copyable, pb.RemoteCopy):
    __slots__ = ("links",)


class HandMade(pb.Copyable, pb.RemoteCopy):
    copyConstruct = True
    copyFields = ("links",)

    def __init__(self, links: Any) -> None:
        self.links = links


@dataclass(eq=False)
class Data(pb.Copyable, pb.RemoteCopy):
    links: Any

    def __post_init__(self) -> None:
        # Nobody is handed what is not known.
        assert not isinstance(self.links, NotKnown)


@attrs.frozen(eq=False)
class Frozen(pb.Copyable, pb.RemoteCopy):
    links: Any


@attrs.define(eq=False)
class Converting(pb.Copyable, pb.RemoteCopy):
    """
    Has one tuple of whatever it is given.
    """

    links: collections.abc.Sequence[Any] = attrs.field(
        converter=lambda links: links if isinstance(links, tuple) else tuple(links)
    )


class Sent(stock.Copyable):
    """
    What a stock sender sends for any of them.
    """

    def __init__(self, cls: Any, **state: Any) -> None:
        self._tag = cls.typeToCopy.encode()
        self.state = state

    def getTypeToCopy(self) -> bytes:
        return self._tag  # type: ignore[no-any-return]

    def getStateToCopy(self) -> Any:
        return self.state


MAKES: list[Any] = [Plain, Slotted, HandMade, Data, Frozen]


@dataclass(eq=False)
class Tree(pb.Copyable, pb.RemoteCopy):
    """
    Checks what it has.
    """

    name: str
    parent: Tree | None = None
    children: list[Tree] = field(default_factory=list)
    paths: list[pathlib.PurePosixPath] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    table: dict[str, list[pathlib.PurePosixPath] | Tree] = field(default_factory=dict)


@attrs.frozen
class Leaf(pb.Copyable, pb.RemoteCopy):
    """
    Is asked for its name when it is put into a set.
    """

    name: str
    links: Any = attrs.field(default=None, eq=False)


for _cls in (*MAKES, Converting, Tree, Leaf):
    _cls.typeToCopy = f"tests.test_contract_cycles.{_cls.__name__}"
    REGISTRY.setUnjellyableForClass(_cls, _cls)


class Desk(pb.Root):
    def remote_take(self, *things: Any) -> None:
        self.taken = things


class CycleCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.desk = Desk()

    def connect(self, sender: Any = None) -> Any:
        pair = connectedPair(
            self.desk,
            serverFactory=partial(pb.PBServerFactory, registry=REGISTRY),
            clientFactory=sender,
        )
        self.addCleanup(pair.close)
        return pair

    def receive(self, *things: Any) -> Any:
        """
        @return: what arrives, from a stock sender's factory and from pbext's.
        """
        for sender in (stock.PBClientFactory, pb.PBClientFactory):
            pair = self.connect(sender)
            pair.result(pair.root.callRemote("take", *things))
            yield self.desk.taken

    def refusal(self, kind: Any, *sexps: Any) -> Any:
        """
        @return: the error that reading a tuple of jellies ends in.
        """
        broker = self.connect().server
        return self.assertRaises(kind, broker.unserialize, [b"tuple", *sexps])


def text(string: str) -> list[Any]:
    return [b"unicode", string.encode()]


def jellied(cls: Any, **state: Any) -> list[Any]:
    """
    @return: the jelly of an object.
    """
    pairs = [[text(name), value] for name, value in state.items()]
    return [cls.typeToCopy.encode(), [b"dictionary", *pairs]]


def numbered(number: int, value: Any) -> list[Any]:
    return [b"reference", number, value]


def again(number: int) -> list[Any]:
    return [b"dereference", number]


#: What may be around an object, and how to get back to it.
AROUND: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda n: n, lambda links: links),
    (lambda n: [n], lambda links: links[0]),
    (lambda n: (n, 1), lambda links: links[0]),
    (lambda n: {n}, lambda links: next(iter(links))),
    (lambda n: frozenset([n]), lambda links: next(iter(links))),
    (lambda n: {"it": n}, lambda links: links["it"]),
    (lambda n: [({"it": (n,)},)], lambda links: links[0][0]["it"][0]),
    (lambda n: ([n], (n, 2)), lambda links: links[1][0]),
    (lambda n: {"it": [{n}]}, lambda links: next(iter(links["it"][0]))),
]


class ResolvedTests(CycleCase):
    """
    What there is arrives as it was.
    """

    def test_A10b_itself(self) -> None:
        """
        An object of any make that is a part of itself, by whatever container.
        """
        for cls in MAKES:
            for around, back in AROUND:
                sent = Sent(cls)
                sent.state["links"] = around(sent)
                for [arrived] in self.receive(sent):
                    self.assertIs(cls, type(arrived))
                    self.assertIs(arrived, back(arrived.links))

    def test_A10b_oursSends(self) -> None:
        """
        So it is if it is sent by one of ours.
        """
        for cls in MAKES:
            for around, back in AROUND:
                node = cls.__new__(cls)
                object.__setattr__(node, "links", around(node))
                for [arrived] in self.receive(node):
                    self.assertIs(arrived, back(arrived.links))

    def test_A10b_ofTwo(self) -> None:
        """
        Two objects of any two makes that are parts of each other.
        """
        for cls in MAKES:
            for other in MAKES:
                for around, back in AROUND:
                    one, two = Sent(cls), Sent(other)
                    one.state["links"], two.state["links"] = around(two), [one]
                    for first, second in self.receive(one, two):
                        self.assertIs(second, back(first.links))
                        self.assertIs(first, second.links[0])

    def test_A10b_converted(self) -> None:
        """
        A converter is given what is in a container, and not what stands for
        it.
        """
        sent = Sent(Converting)
        sent.state["links"] = [sent, [sent]]
        for [arrived] in self.receive(sent):
            one, [two] = arrived.links
            self.assertIs(tuple, type(arrived.links))
            self.assertIs(arrived, one)
            self.assertIs(arrived, two)

    def test_A10b_tuplesInLists(self) -> None:
        """
        A tuple that is in a list which it contains, whatever else has it:
        Twisted leaves its own stand-in in all places but one.
        """
        for cls in MAKES:
            outer: list[Any] = []
            sent = Sent(cls)
            inner: list[Any] = []
            pair = (sent, outer, inner)
            sent.state["links"] = pair
            inner.append(pair)
            outer += [pair, sent]
            for arrived, node, first in self.receive(outer, sent, pair):
                found = arrived[0]
                self.assertIs(tuple, type(found))
                self.assertIs(node, arrived[1])
                self.assertIs(found, first)
                self.assertIs(found, node.links)
                self.assertIs(node, found[0])
                self.assertIs(arrived, found[1])
                self.assertIs(found, found[2][0])

    def test_A10b_plainData(self) -> None:
        """
        So it is without any object of a class.
        """
        outer: list[Any] = []
        pair = ([outer], outer)
        outer += [pair, {"it": pair}, pair]
        for arrived, found in self.receive(outer, pair):
            self.assertIs(found, arrived[0])
            self.assertIs(found, arrived[1]["it"])
            self.assertIs(found, arrived[2])
            self.assertIs(arrived, found[0][0])

    def test_A10b_checked(self) -> None:
        """
        What is checked is checked when it is known: children of a parent, and
        the parent of its children.
        """
        root, child, grandchild = (Tree(name) for name in "abc")
        root.children = [child]
        child.children = [grandchild]
        child.parent, grandchild.parent = root, child
        for tree, last in self.receive(root, grandchild):
            self.assertEqual(["a", "b", "c"], [n.name for n in _line(tree)])
            self.assertIs(last, _line(tree)[-1])
            self.assertIs(tree, last.parent.parent)

    def test_A10b_convertedOnce(self) -> None:
        """
        What has to be converted is, though it is looked at twice.
        """
        path = pathlib.PurePosixPath("a")
        sent = Sent(Tree, name="x")
        sent.state["table"] = {"paths": ["a"], "it": sent}
        for [tree] in self.receive(sent):
            self.assertEqual([path], tree.table["paths"])
            self.assertIs(tree, tree.table["it"])

    def test_A10c_collected(self) -> None:
        """
        A10c: who drops such an object is rid of it.
        """
        for cls in (Plain, HandMade, Data, Tree):
            sent = Sent(cls, name="x")
            sent.state["links" if cls is not Tree else "children"] = [sent]
            for [arrived] in self.receive(sent):
                gone = weakref.ref(arrived)
                del arrived
                self.desk.taken = ()
                gc.collect()
                self.assertIsNone(gone())

    def test_shared(self) -> None:
        """
        One object or container in two places is one in the two places.
        """
        for cls in MAKES:
            inner, both = Sent(cls, links=None), [3]
            one, two = Sent(cls, links=[inner, both]), Sent(cls, links=(both, inner))
            for first, second, third in self.receive(one, two, inner):
                self.assertIs(third, first.links[0])
                self.assertIs(third, second.links[1])
                self.assertIs(first.links[1], second.links[0])

    def test_sharedOfTwoKinds(self) -> None:
        """
        One list in two fields is, in each, of its kind.
        """
        path = pathlib.PurePosixPath("a")
        for order in (("paths", "names"), ("names", "paths")):
            both = ["a"]
            sent = Sent(Tree, name="x", **dict.fromkeys(order, both))
            other = Sent(Tree, name="y", paths=both)
            for tree, second, kept in self.receive(sent, other, both):
                self.assertEqual(([path], ["a"]), (tree.paths, tree.names))
                self.assertEqual([path], second.paths)
                self.assertEqual(["a"], kept)
                self.assertIs(kept, tree.names)


def _line(tree: Any) -> list[Any]:
    return [tree, *(_line(tree.children[0]) if tree.children else ())]


class RefusedTests(CycleCase):
    """
    What cannot be, or is not as it is declared.
    """

    def test_late(self) -> None:
        """
        What is wrong with a part of a cycle is said of the object that it is
        wrong in, by its path and its tag.
        """
        child = jellied(Tree, name=again(2))
        tree = jellied(Tree, name=text("a"), children=[b"list", child])
        leaf = jellied(Leaf, name=text("x"))
        error = self.refusal(RefusedField, numbered(1, leaf), numbered(2, tree))
        self.assertEqual("$[1].children[0].name", error.path)
        self.assertEqual(Tree.typeToCopy, error.tag)
        self.assertEqual("tests.test_contract_cycles.Tree", error.got)

    def test_lateByItself(self) -> None:
        """
        So it is if the object itself is the value of a wrong field.
        """
        inner = jellied(Tree, name=again(1))
        error = self.refusal(RefusedField, [b"list", 0, numbered(1, inner)])
        self.assertEqual("$[0][1].name", error.path)
        self.assertEqual(Tree.typeToCopy, error.tag)

    def test_lateMissing(self) -> None:
        """
        And if something else is missing from it, or it cannot be constructed.
        """
        inner = jellied(Tree, parent=again(1))
        error = self.refusal(
            RefusedField, [b"dictionary", [text("it"), numbered(1, inner)]]
        )
        self.assertEqual(("$[0].it.name", "nothing"), (error.path, error.got))
        inner = jellied(Converting, links=numbered(2, 7), x=again(1))
        error = self.refusal(RefusedObject, [b"list", numbered(1, inner)])
        self.assertEqual("$[0][0]", error.path)

    def test_ofNothing(self) -> None:
        """
        What is nothing but itself is refused, and so is the object that has
        it: nothing would ever be known of it.
        """
        for word in (b"tuple", b"set", b"frozenset"):
            itself = numbered(1, [word, again(1)])
            self.refusal(BadValue, itself)
            self.refusal(BadValue, [b"list", itself])
            for cls in MAKES:
                self.refusal(BadValue, jellied(cls, links=itself))
        self.refusal(BadValue, numbered(1, again(1)))
        self.refusal(BadValue, numbered(1, again(2)), numbered(2, again(1)))
        self.refusal(BadValue, [b"list", again(7)])
        for cls in MAKES:
            self.refusal(BadValue, jellied(cls, links=again(7)))

    def test_twoOfOneNumber(self) -> None:
        """
        A number is of one thing.
        """
        for value in (5, [b"list"], jellied(Plain)):
            self.refusal(BadValue, numbered(1, value), numbered(1, 6))

    def test_beforeItIsNamed(self) -> None:
        """
        A number may be used before the value that it is of, wherever that is.
        """
        broker = self.connect().server
        sexp = [b"tuple", [b"tuple", again(1), numbered(1, text("x"))], again(1)]
        self.assertEqual((("x", "x"), "x"), broker.unserialize(sexp))
        sexp = [b"tuple", again(1), numbered(1, text("x"))]
        self.assertEqual(("x", "x"), broker.unserialize(sexp))
        leaf = jellied(Leaf, name=again(1))
        sexp = [b"list", [b"set", leaf], numbered(1, text("x"))]
        self.refusal(BadValue, sexp)  # it has no name when it is put there

    def test_askedTooEarly(self) -> None:
        """
        An object that is part of a cycle has no values when it is put into a
        set, or is to be a key; where it is asked for them, that is refused.
        """
        for word in (b"set", b"frozenset"):
            inner = jellied(Leaf, name=text("b"), links=again(1))
            sexp = jellied(Leaf, name=text("a"), links=[word, inner])
            self.refusal(BadValue, numbered(1, sexp))
            sexp = jellied(Leaf, name=text("a"), links=[word, again(1)])
            self.refusal(BadValue, numbered(1, sexp))
        sexp = jellied(Leaf, name=text("a"), links=[b"dictionary", [again(1), 1]])
        self.refusal(BadValue, numbered(1, sexp))

    def test_nothingIsLeft(self) -> None:
        """
        After such a message the connection goes on, and nothing of it was
        handed to the application.
        """
        pair = self.connect()
        itself = numbered(1, [b"tuple", again(1)])
        call = pair.root.callRemote("take", 1)
        [number] = pair.client.waitingForAnswers
        pair.client.transport.clear()
        arguments = [b"tuple", jellied(Data, links=itself)]
        pair.client.sendCall(
            b"message", number, b"root", b"take", 1, arguments, [b"dictionary"]
        )
        pair.flush()
        self.failureResultOf(call, "pbext.errors.BadValue")
        self.assertFalse(hasattr(self.desk, "taken"))
        pair.result(pair.root.callRemote("take", 2))
        self.assertEqual((2,), self.desk.taken)
