"""
What hooks say that they send.
"""

from __future__ import annotations

import textwrap

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._model import Program
from pbext.audit.following._gathering import statesOf
from pbext.audit.following._states import State, namesIn
from pbext.audit.rules._secrets import isPrivate, isSecret
from tests.audit.written import Written
from tests.processes import directory


class GatheringTests(SynchronousTestCase):
    def read(self, text: str) -> Program:
        return Written(directory(self), pond=text).read()

    def states(self, body: str, base: str = "Copyable") -> list[State | None]:
        """
        @return: the states of a class with a hook of this body.
        """
        hook = textwrap.indent(textwrap.dedent(body), " " * 8)
        program = self.read(
            "import copy\nfrom twisted.spread import pb\n"
            f"class Pond(pb.{base}):\n"
            "    def __init__(self):\n        self.a = self.b = 1\n"
            f"    def getStateToCopy(self):\n{hook}\n"
            "    def told(self):\n        return {'told': 1}\n"
            "    def given(self, state):\n        return state\n"
        )
        return statesOf(program, program.classes["pond.Pond"])

    def only(self, body: str) -> State | None:
        [state] = self.states(body)
        return state

    def test_live(self) -> None:
        """
        The object's own dict, however it is called.
        """
        for body in (
            "return self.__dict__",
            "return vars(self)",
            "state = self.__dict__\nreturn state",
            "return super().getStateToCopy()",
            "return pb.Copyable.getStateToCopy(self)",
        ):
            state = self.only(body)
            assert state is not None, body
            self.assertTrue(state.whole and state.live, body)
            self.assertEqual(state.place.line > 0, True)
            written = "getStateToCopy" not in body
            self.assertEqual(state.gathered, "" if written else "twisted", body)

    def test_copies(self) -> None:
        """
        Another dict with the same.
        """
        for body in (
            "return self.__dict__.copy()",
            "return dict(vars(self))",
            "return copy.copy(self.__dict__)",
            "return {**self.__dict__}",
            "return self.__dict__ | {}",
            "return {k: v for k, v in self.__dict__.items()}",
            "return super().getStateToCopy().copy()",
        ):
            state = self.only(body)
            assert state is not None, body
            self.assertEqual((state.whole, state.live), (True, False), body)

    def test_changed(self) -> None:
        """
        What is taken out and put in.
        """
        for body, without, named in [
            ("d = self.__dict__.copy()\ndel d['a']\nreturn d", "a", ""),
            ("d = dict(vars(self))\nd.pop('a', None)\nreturn d", "a", ""),
            (
                "d = dict(vars(self))\nfor n in ('a', 'b'):\n    del d[n]\nreturn d",
                "ab",
                "",
            ),
            (
                "d = dict(vars(self))\nfor n in ['a']:\n    d.pop(n)\nreturn d",
                "a",
                "",
            ),
            ("d = self.__dict__.copy()\nd['c'] = 1\nreturn d", "", "c"),
            ("d = dict(self.__dict__, c=1)\nreturn d", "", "c"),
            ("d = {**vars(self), 'c': 1}\nd.update(e=2)\nreturn d", "", "ce"),
            ("d = vars(self).copy()\nif d:\n    del d['a']\nreturn d", "a", ""),
        ]:
            state = self.only(body)
            assert state is not None, body
            self.assertEqual("".join(sorted(state.without)), without, body)
            self.assertEqual("".join(sorted(state.named)), named, body)
            self.assertTrue(state.whole, body)

    def test_named(self) -> None:
        """
        A dict of its own.
        """
        for body, named in [
            ("return {'a': self.a, 'c': 1}", "ac"),
            ("d = {}\nd['a'] = self.a\nreturn d", "a"),
            ("return dict(a=1)", "a"),
            ("return self.told()", "told"),
            ("d = {'a': 1, 'c': 2}\ndel d['a']\nreturn d", "c"),
        ]:
            state = self.only(body)
            assert state is not None, body
            self.assertFalse(state.whole, body)
            self.assertEqual("".join(sorted(state.named)), named, body)

    def test_unknown(self) -> None:
        """
        What cannot be followed is not guessed.
        """
        for body in (
            "return self.make()",
            "return {k: v for k, v in vars(self).items() if k != 'a'}",
            "d = vars(self).copy()\nfor k in self.names:\n    del d[k]\nreturn d",
            "d = vars(self).copy()\ndel d[self.name]\nreturn d",
            "d = vars(self).copy()\nd.update(self.make())\nreturn d",
            "d = vars(self).copy()\nd.clear()\nreturn d",
            "d = vars(self).copy()\nd[self.name] = 1\nreturn d",
            "return self.a",
            "return getattr(self, 'a')",
            "pass",
            "return dict(**self.make())",
            "return self.getStateToCopy()",  # for ever
        ):
            self.assertEqual(self.only(body), None, body)

    def test_several(self) -> None:
        """
        Each return is a state.
        """
        one, other = self.states("if self.a:\n    return vars(self)\nreturn {}")
        assert one is not None and other is not None
        self.assertEqual((one.whole, other.whole), (True, False))

    def test_defaults(self) -> None:
        """
        Without a hook, it is the framework's; a chain of hooks is followed.
        """
        program = self.read(
            """\
            from twisted.spread import pb as stock
            from pbext import pb
            import far
            class A(stock.Cacheable):
                def getStateToCopyFor(self, perspective):
                    return {"a": 1}
            class B(pb.Copyable): pass
            class C(pb.Copyable):
                getStateToCopy = stock.Copyable.getStateToCopy
            class D(far.Away, stock.Copyable): pass
            class E(A):
                def getStateToCacheAndObserveFor(self, perspective, observer):
                    state = super().getStateToCacheAndObserveFor(perspective, observer)
                    state["e"] = 1
                    return state
            """
        )

        def only(name: str) -> State | None:
            [state] = statesOf(program, program.classes[f"pond.{name}"])
            return state

        for name, named in [("A", {"a"}), ("E", {"a", "e"})]:
            state = only(name)
            assert state is not None
            self.assertEqual({*state.named}, named)
        ours, stock = only("B"), only("C")
        assert ours is not None and stock is not None
        self.assertEqual((ours.gathered, ours.live), ("pbext", False))
        self.assertEqual((stock.gathered, stock.live), ("twisted", True))
        self.assertEqual(only("D"), None)

    def test_names(self) -> None:
        """
        The attributes that are in a state.
        """
        program = self.read(
            """\
            from dataclasses import dataclass
            from twisted.spread import pb as stock
            from pbext import pb
            class A(stock.Copyable):
                __slots__ = ("slot",)
                def __init__(self):
                    self.a, self._b, self.slot, self.size = 1, 2, 3, 4
                @property
                def size(self): pass
                @size.setter
                def size(self, value): pass
            class B(pb.Copyable):
                localFields = ["c"]
                def __init__(self):
                    self.a, self._b, self.c, self.observers = 1, 2, 3, []
            @dataclass
            class C(pb.Copyable):
                a: int
                _b: int
                def __post_init__(self):
                    self.more = 1
            """
        )
        for name, names in [("A", {"a", "_b"}), ("B", {"a"}), ("C", {"a"})]:
            cls = program.classes[f"pond.{name}"]
            [state] = statesOf(program, cls)
            assert state is not None
            self.assertEqual({*namesIn(cls, state)}, names, name)


class SecretTests(SynchronousTestCase):
    def test_secret(self) -> None:
        """
        Words that say it, also in part of a name, and not those that only look
        like them.
        """
        for name in (
            "password passwd db_password dbPassword DBPassword zSnmpAuthPassword "
            "apiKey api_key APIKey secret clientSecret credentials private_key "
            "accessToken _password passphrase sessionToken2 PASSWORD"
        ).split():
            self.assertTrue(isSecret(name), name)
        for name in (
            "token tokens key keys keyboard compass secretary name password_required "
            "hasPassword minPasswordLength passwordField passwordChanged apikeyboard "
            "accessKeys public_key session"
        ).split():
            self.assertFalse(isSecret(name), name)

    def test_private(self) -> None:
        self.assertTrue(isPrivate("_a"))
        self.assertTrue(isPrivate("__a"))
        self.assertFalse(isPrivate("a"))
        self.assertFalse(isPrivate("__a__"))
