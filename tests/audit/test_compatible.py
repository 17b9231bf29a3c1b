"""
What is said of types agrees with what becomes of values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.spread.jelly import jelly, unjelly
from twisted.trial.unittest import SynchronousTestCase

from pbext._annotations import kindOf
from pbext._kinds import Kind, Mismatch
from pbext.audit.manifest._annotated import Side, typeOf
from pbext.audit.manifest._compatible import Taken, taken
from pbext.audit.manifest._evaluated import Annotations
from pbext.audit.manifest._wiretypes import BadWireType, WireType, parseType
from tests.audit import kinds
from tests.audit.written import Written
from tests.processes import directory

SENDING = Side(True, lambda cls: ())
RECEIVING = Side(False, lambda cls: ())

#: Text that stands for something else, and a limit on text: whether it is kept
#: cannot be said.
_TEXTS = ("UUID", "Flag", "datetime(tz=True)")


def isRead(kind: Kind, value: Any) -> bool:
    try:
        kind.read(value)
    except Mismatch:
        return False
    return True


def mayBeUnknown(sent: str, received: str) -> bool:
    if received.startswith("str("):
        return sent.startswith(_TEXTS) or sent == "str(pattern='^a')"
    return (sent, received) == ("tuple[int, str]", "complex")


class CompatibleTests(SynchronousTestCase):
    def test_everyPair(self) -> None:
        """
        Of each type sent to each: if all are said to be taken, they are; if none
        are, none is; if some are, one is not.
        """
        wrong: list[str] = []
        receivers = []
        for text in kinds.TABLE:
            annotation, _ = kinds.evaluated(text)
            receivers.append((typeOf(annotation, RECEIVING), kindOf(annotation)))
        for text in kinds.TABLE:
            annotation, values = kinds.evaluated(text)
            sent, kind = typeOf(annotation, SENDING), kindOf(annotation)
            arrived = [unjelly(jelly(kind.writes(value))) for value in values]
            for receiver, reading in receivers:
                truth = {isRead(reading, value) for value in arrived}
                said = taken(receiver, sent)
                right = {
                    Taken.ALL: truth == {True},
                    Taken.NONE: truth == {False},
                    Taken.SOME: False in truth,
                    Taken.UNKNOWN: mayBeUnknown(str(sent), str(receiver)),
                }[said]
                if not right and not self._isMeantOtherwise(text, sent, receiver):
                    wrong.append(f"{sent} -> {receiver}: {said.value}, {truth}")
        self.assertEqual(wrong, [])

    def _isMeantOtherwise(self, text: str, sent: WireType, receiver: WireType) -> bool:
        """
        What is taken, but for something else than it was: said to be refused.
        And no path is empty, which its type does not say.
        """
        if text == "pathlib.Path" and str(receiver) == "str(min_length=1)":
            return True
        names = {("x", "y"), ("y", "x")}
        return {sent.names, receiver.names} == names

    def test_names(self) -> None:
        """
        Elements of a named tuple that have changed places are not what they were;
        those that only have other names are.
        """
        point, turned, pair = (
            typeOf(kinds.NAMES[name], RECEIVING) for name in ("Point", "Turned", "Pair")
        )
        self.assertIs(taken(turned, point), Taken.SOME)
        self.assertIs(taken(pair, point), Taken.ALL)
        self.assertIs(taken(point, point), Taken.ALL)

    def test_unknown(self) -> None:
        """
        What is not known is taken by what takes anything, and else not known to be.
        """
        for receiver, sent, said in [
            ("Any", "Unknown['a.B']", Taken.ALL),
            ("Unknown['a.B']", "Unknown['a.B']", Taken.UNKNOWN),
            ("int", "Unknown", Taken.UNKNOWN),
            ("Unknown", "int", Taken.UNKNOWN),
            ("int", "Unknown | int", Taken.UNKNOWN),
            ("int", "Unknown | str", Taken.SOME),
            ("Unknown | int", "int", Taken.ALL),
            ("list[int]", "list[Unknown]", Taken.UNKNOWN),
        ]:
            found = taken(parseType(receiver), parseType(sent))
            self.assertIs(found, said, (receiver, sent))

    def test_objects(self) -> None:
        """
        Objects are taken by their tags.
        """
        for receiver, sent, said in [
            ("Object['a', 'b']", "Object['a']", Taken.ALL),
            ("Object['a']", "Object['a', 'b']", Taken.SOME),
            ("Object['a']", "Object['b']", Taken.NONE),
            ("Object['a'] | None", "Object['a']", Taken.ALL),
            ("Object['a']", "Object['a'] | None", Taken.SOME),
            ("Object['a']", "dict", Taken.NONE),
            ("Reference", "Reference", Taken.ALL),
            ("Reference", "Object['a']", Taken.NONE),
        ]:
            found = taken(parseType(receiver), parseType(sent))
            self.assertIs(found, said, (receiver, sent))


class WireTypeTests(SynchronousTestCase):
    def test_text(self) -> None:
        """
        A type is read again from its text, whose parts have an order of their own.
        """
        for text in kinds.TABLE:
            annotation, _ = kinds.evaluated(text)
            for side in SENDING, RECEIVING:
                found = typeOf(annotation, side)
                # True is equal to 1, and its text is not.
                self.assertEqual(repr(parseType(str(found))), repr(found))
        self.assertEqual(str(parseType("None | str | int | str")), "int | str | None")
        self.assertEqual(
            str(parseType("Object['b'] | Object['a']")), "Object['a', 'b']"
        )

    def test_nonsense(self) -> None:
        """
        Other text is none.
        """
        for text in [
            "",
            "foo",
            "list[",
            "list[int, int]",
            "list[]",
            "int or str",
            "f()",
            "int(1)",
            "tuple[..., int]",
            "tuple[int, str, ...]",
            "tuple[a: int, str]",
            "Enum[A]",
            "Enum[__import__('os')]",
            "dict[int]",
            "(" * 500,
        ]:
            self.assertRaises(BadWireType, parseType, text)


class EvaluatedTests(SynchronousTestCase):
    def setUp(self) -> None:
        text = Path(kinds.__file__).read_text()
        # Only what has to do with Perspective Broker is read at all.
        program = Written(
            directory(self), kinds=f"{text}\nfrom pbext import pb\n"
        ).read()
        [self.source] = program.sources
        self.annotations = Annotations(program.sources)

    def test_asWhatTheyAre(self) -> None:
        """
        Of annotations that are only read as much is known as of those that are
        evaluated, but for what a module defines that is no enum.
        """
        own = {
            "Rights",
            "MoreRights",
            "Point",
            "Turned",
            "Pair",
            "Text",
            "Age",
            "Metres",
            "Items",
            "Table",
            "Typed",
            "Weight",
        }
        for text in kinds.TABLE:
            found = typeOf(
                self.annotations.evaluated(text, self.source.path), RECEIVING
            )
            if text in own:
                self.assertEqual(str(found), f"Unknown['kinds.{text}']")
            elif text == "Colours":  # its second name for A is one, too
                self.assertEqual(str(found), "Enum['A', 'Again', 'B', 'D']")
            else:
                annotation, _ = kinds.evaluated(text)
                self.assertEqual(str(found), str(typeOf(annotation, RECEIVING)), text)

    def test_unreadable(self) -> None:
        """
        What cannot be read is not known, under its own name; nothing is run.
        """
        for text, shown in {
            "Missing": "Unknown['Missing']",
            "list[Missing]": "list[Unknown['Missing']]",
            "list['Missing'] | None": "list[Unknown['Missing']] | None",
            "print('here')": """Unknown["print('here')"]""",
            "int if True else str": "Unknown['int if True else str']",
            "list[": "Unknown['list[']",
            "Literal[print()]": "Unknown['Literal[print()]']",
        }.items():
            found = self.annotations.evaluated(text, self.source.path)
            self.assertEqual(str(typeOf(found, RECEIVING)), shown)
        found = self.annotations.evaluated("int", "elsewhere.py")
        self.assertEqual(str(typeOf(found, RECEIVING)), "Unknown['int']")
