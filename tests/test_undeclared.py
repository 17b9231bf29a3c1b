"""
L{pbext._undeclared}: the names that have travelled before.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.persisted.crefutil import NotKnown
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext._fields import fieldsOf, forgetFields
from pbext._state import gatherState
from pbext._undeclared import _LONGEST, _MOST_NAMES, Undeclared
from pbext.wire._readers import readClass
from tests.states import blank
from tests.test_copyable import PONDS

#: What a class or one of its bases may get while it is in use.
ATTRIBUTES: list[Any] = [
    [],
    lambda self: 8,
    property(lambda self: 9),
    classmethod(int),
    int,
]

#: States, of which a class takes some as they are.
STATES: list[Any] = [
    {},
    {"frogs": 3},
    {"frogs": 3, "sum": 4, "perspective": 5},
    {"toads": 3, "perspective": 4, "remote_x": 5},
    {"frogs": 3, "_newts": 4},
    {"sum": 3, "postUnjelly": 4, b"frogs": 5, "a b": 6, 7: 8},
]


def makes() -> list[Any]:
    """
    @return: new classes that declare nothing, of many makes.
    """

    class Plain:
        pass

    class Copied(pb.RemoteCopy):
        frogs = 0

    class Slotted:
        __slots__ = ("__dict__", "frogs")

    class Called(stock.Referenceable):
        pass

    class Own(pb.RemoteCopy):
        def __setattr__(self, name: str, value: object) -> None:
            raise AssertionError("called")

    class Hidden:
        __dict__ = property(lambda self: {})  # type: ignore[assignment]

    return [
        type("Child", (base,), {"localFields": ("toads",)} if local else {})
        for base in (Plain, Copied, Slotted, Called, Own, Hidden)
        for local in (False, True)
    ]


def outcome(cls: Any, state: Any) -> Any:
    instance = blank(cls, state)
    frogs = getattr(instance, "frogs", None)  # which may be in a slot
    return list(vars(instance).items()), frogs if type(frogs) is int else None


class RestoreTests(SynchronousTestCase):
    def test_asAtFirst(self) -> None:
        """
        Whatever has arrived before, and whatever has become of the class since,
        a state does what it does when it is the first.
        """
        for index in range(len(makes())):
            for attribute in ATTRIBUTES:
                for name in ("frogs", "sum", "perspective"):
                    for ofBase in (False, True):
                        with self.subTest(index, name=name, ofBase=ofBase):
                            self.change(makes()[index], ofBase, name, attribute)

    def change(self, cls: Any, ofBase: bool, name: str, attribute: Any) -> None:
        changed = cls.__base__ if ofBase else cls
        for put in (True, False):
            first = []
            for state in STATES:
                forgetFields(cls)
                first.append(outcome(cls, state))
            for _ in range(2):  # then they are known
                self.assertEqual(first, [outcome(cls, state) for state in STATES])
            if put:
                setattr(changed, name, attribute)
            else:
                delattr(changed, name)
            known = [outcome(cls, state) for state in STATES]
            for state, found in zip(STATES, known, strict=True):
                forgetFields(cls)
                self.assertEqual(outcome(cls, state), found)

    def test_notKnownYet(self) -> None:
        """
        A part of a cycle is waited for, be its name known or not.
        """
        for cls in makes()[::2][:2]:
            for _ in range(3):
                part = NotKnown()
                instance = blank(cls, {"toads": part, "newts": 3})
                self.assertEqual({"newts": 3}, vars(instance))
                part.resolveDependants(4)
                self.assertEqual({"newts": 3, "toads": 4}, vars(instance))

    def test_ownDict(self) -> None:
        """
        The state is the object's own: neither two objects nor the message has
        it too.
        """
        cls, state = makes()[0], {"frogs": 3}
        one, two, three = [blank(cls, state) for _ in range(3)]
        three.frogs = 4
        self.assertEqual([3, 3, {"frogs": 3}], [one.frogs, two.frogs, state])

    def test_bounded(self) -> None:
        """
        A peer decides how many names there are and how long, but not how many
        are remembered.
        """
        cls = makes()[0]
        plan = Undeclared(cls, fieldsOf(cls), None)
        for n in range(3 * _MOST_NAMES):
            plan.restore(object.__new__(cls), {f"n{n}": 1, "n" * (_LONGEST + n): 2})
            self.assertLessEqual(len(plan._accepted), _MOST_NAMES)
            self.assertTrue(all(len(name) <= _LONGEST for name in plan._accepted))


class GatherTests(SynchronousTestCase):
    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(0, 11),
        st.lists(
            st.dictionaries(
                st.sampled_from(["frogs", "toads", "_newts", "été"]),
                st.integers(),
                max_size=4,
            ),
            max_size=5,
        ),
    )
    def test_asAtFirst(self, index: int, states: Any) -> None:
        """
        What has been sent of a class changes nothing in what is; each is a fresh
        dict.
        """
        cls = makes()[index]
        for state in states:
            instance = cls.__new__(cls)
            for name, value in state.items():
                object.__setattr__(instance, name, value)
            gatherState(instance)
            known = gatherState(instance)
            forgetFields(cls)
            self.assertEqual(list(gatherState(instance).items()), list(known.items()))
            self.assertIs(dict, type(known))
            known["more"] = 1
            self.assertNotIn("more", vars(instance))
            self.assertNotIn("more", gatherState(instance))
            self.assertNotIn("_newts", known)

    def test_oddDict(self) -> None:
        """
        An object whose C{__dict__} is of a subclass sends a plain one.
        """

        class Ordered(dict):  # type: ignore[type-arg]
            pass

        class Pond:
            pass

        pond = Pond()
        pond.__dict__ = Ordered(frogs=3)
        for _ in range(3):
            state = gatherState(pond)
            self.assertIs(dict, type(state))
            self.assertEqual({"frogs": 3}, state)


class SimpleTests(SynchronousTestCase):
    """
    Objects that are made of their state at once.
    """

    def test_asByTheHook(self) -> None:
        """
        It is what the hook makes of a blank object.
        """
        for cls in PONDS:
            simple = readClass(cls).simple
            assert simple is not None
            for state in (
                {"frogs": 3, "toads": [4]},
                {"frogs": 3, "toads": [], "_hidden": 1, "setCopyableState": 2},
                {b"frogs": 3, "toads": []},
            ):
                for _ in range(2):
                    made = simple(state)
                    other = cls.__new__(cls)
                    other.setCopyableState(dict(state))
                    self.assertIs(cls, type(made))
                    self.assertEqual(gatherState(other), gatherState(made))
