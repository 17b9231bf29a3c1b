"""
What a comparison of manifests says agrees with what becomes of what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit.manifest._diff import compare
from pbext.audit.manifest._differences import CHANGES, Direction, Level
from pbext.audit.manifest._manifest import (
    Manifest,
    Received,
    ReceivedField,
    Sent,
    SentField,
    Tag,
)
from pbext.audit.manifest._takes import Given
from tests.audit.evolutions import EVOLUTIONS, Evolution, Pond
from tests.processes import directory


class TruthTests(SynchronousTestCase):
    def check(self, name: str, evolution: Evolution) -> Iterator[str]:
        old, new = (Pond(directory(self), t) for t in (evolution.old, evolution.new))
        for wrong in (*old.sendsTo(old), *new.sendsTo(new)):
            yield f"{name}: {wrong}"
        truths = {
            Direction.OLD_TO_NEW: old.sendsTo(new),
            Direction.NEW_TO_OLD: new.sendsTo(old),
        }
        for before, after in zip(old.manifests(), new.manifests(), strict=True):
            if evolution.hidden and before.mode == "static":
                continue
            changes = compare(before, after)
            said = {
                (level, direction): {
                    c.kind.id
                    for c in changes
                    if c.level is level and c.direction is direction
                }
                for level in Level
                for direction in Direction
            }
            covered = said[Level.COVERED, Direction.OLD_TO_NEW]
            covered |= said[Level.COVERED, Direction.NEW_TO_OLD]
            if covered != evolution.covered:
                yield f"{name}, {before.mode}: {sorted(covered)} covered"
            for direction, truth in truths.items():
                breaks = said[Level.BREAKS, direction]
                if (
                    bool(truth) != bool(breaks)
                    or breaks != evolution.breaks(direction)
                    or said[Level.UNKNOWN, direction]
                ):
                    yield (
                        f"{name}, {before.mode}, {direction.value}: "
                        f"{sorted(breaks)}, {truth}"
                    )

    def test_evolutions(self) -> None:
        """
        A comparison says that something breaks if, and only if, it does.
        """
        wrong = [
            text
            for name, evolution in EVOLUTIONS.items()
            for text in self.check(name, evolution)
        ]
        self.flushLoggedErrors()
        self.assertFalse(wrong, "\n".join(wrong))

    def test_table(self) -> None:
        """
        Each kind of change of what travels that breaks something is among them.
        """
        found = {
            id
            for evolution in EVOLUTIONS.values()
            for id in evolution.oldToNew | evolution.newToOld
        }
        breaks = {
            id
            for id, kind in CHANGES.items()
            if kind.level is Level.BREAKS and id < "PBD4"
        }
        self.assertEqual(found, breaks)


def sent(flavor: str = "copy", **more: Any) -> Tag:
    """
    @return: a tag that is sent, and received elsewhere.
    """
    fields = more.pop("fields", None)
    if fields is not None:
        more["fields"] = {name: SentField(kind) for name, kind in fields.items()}
    return Tag({"a.Sent": Sent(flavor=flavor, **more)})


def received(flavor: str = "copy", **more: Any) -> Tag:
    """
    @return: a tag that is received, and sent elsewhere; of the fields, those with a
        question mark are not required.
    """
    fields = more.pop("fields", None)
    if fields is not None:
        more["fields"] = {
            name.rstrip("?"): ReceivedField(kind, name[-1] != "?")
            for name, kind in fields.items()
        }
    return Tag({}, {"a.Taken": Received(flavor=flavor, **more)})


def both(one: Tag, other: Tag) -> Tag:
    return Tag({**one.sent, **other.sent}, {**one.received, **other.received})


class CompareTests(SynchronousTestCase):
    def ids(self, old: Tag, new: Tag, *levels: Level) -> list[tuple[str, str]]:
        """
        @return: the kinds of changes, and in which direction.
        """
        changes = compare(
            Manifest(mode="import", tags={"a": old}),
            Manifest(mode="import", tags={"a": new}),
        )
        chosen = levels or (Level.BREAKS, Level.UNKNOWN, Level.COVERED)
        return [
            (c.kind.id, c.direction.value[:3]) for c in changes if c.level in chosen
        ]

    def test_receivedAlone(self) -> None:
        """
        What is sent elsewhere is taken to be what is received.
        """
        old = received(fields={"x": "int", "y?": "str"})
        self.assertEqual(self.ids(old, old), [])
        new = received(fields={"x": "int | None", "z": "str"})
        self.assertEqual(self.ids(old, new), [("PBD202", "old"), ("PBD206", "new")])
        new = received(fields={"x": "int", "y?": "str"}, forbids=True)
        self.assertEqual(self.ids(old, new), [])
        new = received(fields={"x": "int"}, forbids=True)
        self.assertEqual(self.ids(old, new), [("PBD204", "old")])
        new = received(fields={"x": "int"}, version=1, upgrades=(1,))
        self.assertEqual(self.ids(old, new), [("PBD210", "old")])

    def test_sentAlone(self) -> None:
        """
        What is received elsewhere is taken to want what is sent, and to take no
        notice of more.
        """
        old = sent(fields={"x": "int", "y": "str"})
        new = sent(fields={"x": "int", "z": "str"})
        self.assertEqual(self.ids(old, new), [("PBD201", "new")])
        new = sent(fields={"x": "float", "y": "str", "z": "str"})
        self.assertEqual(self.ids(old, new), [("PBD205", "new")])
        self.assertEqual(self.ids(new, old), [("PBD201", "new")])

    def test_announcedAlone(self) -> None:
        """
        The same holds for what a cache announces.
        """
        old = sent("cache", open=True, messages={"add": (Given(1), Given(2, ("x",)))})
        for call, ids in [
            (Given(1), []),
            (Given(2), []),
            (Given(1, ("x",)), []),
            (Given(0), [("PBD303", "new")]),
            (Given(3), [("PBD303", "new")]),
            (Given(1, ("y",)), [("PBD303", "new")]),
        ]:
            new = sent("cache", open=True, messages={"add": (call,)})
            self.assertEqual(self.ids(old, new), ids, call)
        new = sent("cache", open=True, messages={"drop": (Given(0),)})
        self.assertEqual(self.ids(old, new), [("PBD301", "new")])

    def test_observedAlone(self) -> None:
        old = received("cache", open=True, messages={"add": "(x, y=...)"})
        for takes, ids in [
            ("(x, y=..., z=...)", []),
            ("(*x, **y)", []),
            ("(x)", [("PBD303", "old")]),
            ("(x=..., y=...)", []),
            ("(x, y)", [("PBD303", "old")]),
        ]:
            new = received("cache", open=True, messages={"add": takes})
            found = [each for each in self.ids(old, new) if each[1] == "old"]
            self.assertEqual(found, ids, takes)
        new = received("cache", open=True, messages={})
        self.assertEqual(self.ids(old, new), [("PBD302", "old")])

    def test_notKnown(self) -> None:
        """
        What is not known of an old sender is taken to be what was received; what is
        not known of a new one stays so, and is said if it was.
        """
        unknown = sent(unknown={"fields": "it is computed"})
        taken = received(fields={"x": "int"})
        more = received(fields={"x": "int", "y": "int"})
        old = both(unknown, taken)
        self.assertEqual(self.ids(old, old), [])
        self.assertEqual(self.ids(old, both(unknown, more)), [("PBD202", "old")])
        known = both(sent(fields={"x": "int"}), taken)
        self.assertEqual(self.ids(known, both(unknown, taken)), [("PBD213", "new")])
        self.assertEqual(self.ids(old, known), [])
        wrong = both(sent(fields={"x": "str"}), taken)
        self.assertEqual(self.ids(old, wrong), [("PBD205", "new")])

    def test_notKnownMessages(self) -> None:
        unknown = sent("cache", open=True, unknown={"messages": "it is computed"})
        taken = received("cache", open=True, messages={"add": "(x)"})
        old = both(unknown, taken)
        self.assertEqual(self.ids(old, old), [])
        less = received("cache", open=True, messages={})
        self.assertEqual(self.ids(old, both(unknown, less)), [("PBD302", "old")])
        known = both(sent("cache", open=True, messages={"add": (Given(1),)}), taken)
        self.assertEqual(self.ids(known, both(unknown, taken)), [("PBD304", "new")])

    def test_notKnownReceiver(self) -> None:
        """
        A receiver of which nothing is known any more may break anything.
        """
        known = both(sent(fields={"x": "int"}), received(fields={"x": "int"}))
        hidden = both(
            sent(fields={"x": "int"}), received(unknown={"fields": "it is computed"})
        )
        self.assertEqual(self.ids(known, hidden), [("PBD213", "old")])
        factory = both(sent(fields={"x": "int"}), Tag({}, {"f": Received(flavor=None)}))
        self.assertEqual(self.ids(known, factory), [("PBD213", "old")])
        self.assertEqual(self.ids(hidden, hidden), [])

    def test_unregistered(self) -> None:
        """
        A tag is not known to be gone if there are registrations for tags that are not
        known.
        """
        old = Manifest(mode="import", tags={"a": received(open=True)})
        new = Manifest(mode="import", unknownReceivers=("a.Taken, by a",))
        [change] = compare(old, new)
        self.assertEqual(change.kind.id, "PBD106")
        self.assertIs(change.level, Level.UNKNOWN)
        [change] = compare(old, Manifest(mode="import"))
        self.assertEqual(change.kind.id, "PBD101")

    def test_before(self) -> None:
        """
        What was not understood before is no change; what was in part is one, if it
        is less now.
        """
        old = both(sent(fields={"x": "str"}), received(fields={"x": "int"}))
        new = both(sent(fields={"x": "str"}), received(fields={"x": "float"}))
        self.assertEqual(self.ids(old, old), [])
        self.assertEqual(self.ids(old, new), [])
        two = received(fields={"x": "Enum['A', 'B']"})
        one = received(fields={"x": "Enum['A']"})
        name = sent(fields={"x": "str"})
        self.assertEqual(self.ids(both(name, two), both(name, two)), [])
        self.assertEqual(
            self.ids(both(name, two), both(name, one)), [("PBD206", "old")]
        )
        self.assertEqual(self.ids(both(name, one), both(name, two)), [])

    def test_registries(self) -> None:
        """
        A tag may become several classes, each of which is compared with itself.
        """
        mine = received(fields={"x": "int"})
        other = Tag({}, {"b.Taken": Received(flavor="copy", open=True)})
        stricter = Tag(
            {},
            {
                "b.Taken": Received(
                    flavor="copy", fields={"y": ReceivedField("int", True)}
                )
            },
        )
        start = both(sent(fields={"x": "int"}), mine)
        self.assertEqual(
            self.ids(both(start, other), both(start, stricter)), [("PBD202", "old")]
        )
        self.assertEqual(self.ids(both(start, other), start), [])

    def test_renamed(self) -> None:
        """
        A tag that is sent in place of another is told from one that is new.
        """
        fields = {"x": "int"}
        old = Manifest(mode="import", tags={"a": sent(fields=fields)})
        for tags, id in [
            ({"b": sent(fields=fields)}, "PBD102"),
            ({"a": sent(fields=fields), "b": sent(fields=fields)}, "PBD104"),
            ({"b": Tag({"a.B": Sent(flavor="copy", open=True)})}, "PBD104"),
            (
                {
                    "b": Tag(
                        {"b.B": Sent(flavor="copy", fields={"x": SentField("int")})}
                    )
                },
                "PBD102",
            ),
        ]:
            found = compare(old, Manifest(mode="import", tags=tags))
            self.assertIn(id, {c.kind.id for c in found if c.subject == "b"})

    def test_notes(self) -> None:
        """
        What breaks nothing is worth knowing.
        """
        old = both(
            sent(fields={"x": "int", "z": "int"}, local=("y",)),
            received(fields={"x": "int"}),
        )
        new = both(sent(fields={"x": "int", "y": "int"}), received(fields={"x": "int"}))
        self.assertEqual(
            self.ids(old, new, Level.NOTE),
            [("PBD211", "new"), ("PBD212", "new"), ("PBD214", "new")],
        )
        self.assertEqual(
            self.ids(sent(open=True), Tag(), Level.NOTE), [("PBD105", "new")]
        )

    def test_modes(self) -> None:
        """
        Manifests that were made in different ways are no pair.
        """
        changes = compare(Manifest(mode="import"), Manifest(mode="static"))
        self.assertEqual({c.kind.id for c in changes}, {"PBD001"})

    def test_directions(self) -> None:
        """
        Each kind of change is found in no direction that the table does not name.
        """
        for evolution in EVOLUTIONS.values():
            for direction in Direction:
                for id in evolution.breaks(direction):
                    self.assertIn(direction, CHANGES[id].directions)
