"""
What is said of changes of remote methods agrees with what becomes of calls.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pbext import pb
from pbext.audit.manifest._differences import Change, Direction, Level
from pbext.audit.manifest._manifest import Remote
from pbext.audit.manifest._remotes import changedCalls
from pbext.audit.manifest._takes import Given, parseTakes, takes, takesOf
from pbext.testing import connectedPair

#: What methods may take.
SIGNATURES = [
    "",
    "x",
    "y",
    "x, y",
    "y, x",
    "x, y=1",
    "x=1, y=1",
    "x, *, y",
    "x, *, y=1",
    "*, x",
    "*x",
    "x, *more",
    "x, y=1, *more",
    "**more",
    "x, **more",
    "*x, **more",
    "x, /",
    "x, /, y",
    "x=1, /",
    "x, /, **more",
]

#: Calls of all sorts.
CALLS = [
    Given(count, names)
    for count in range(5)
    for number in range(4)
    for names in combinations(("x", "y", "z"), number)
]


def rootOf(signature: str) -> Any:
    names: dict[str, Any] = {"pb": pb}
    comma = ", " if signature else ""
    exec(
        "class Root(pb.Root):\n"
        f"    def remote_feed(self{comma}{signature}): return 'fed'\n",
        names,
    )
    return names["Root"]


def answered(root: Any) -> frozenset[Given]:
    """
    @return: the calls that succeed.
    """
    found = set()
    with connectedPair(root()) as pair:
        for given in CALLS:
            kw = dict.fromkeys(given.names, 0)
            calling = pair.root.callRemote("feed", *range(given.count), **kw)
            try:
                pair.result(calling)
            except pb.RemoteError as error:
                assert error.check(TypeError), error
            else:
                found.add(given)
    return frozenset(found)


def changed(old: Any, new: Any) -> list[Change]:
    def calls(root: Any) -> dict[str, Remote]:
        return {"pond.Root": Remote({"remote_feed": takesOf(root, "remote_feed")})}

    return [*changedCalls(calls(old), calls(new))]


class TruthTests(SynchronousTestCase):
    def test_everyPair(self) -> None:
        """
        A change of what a method takes breaks old clients if there is a call that was
        answered and is not any more; new ones, if no call is answered before and
        after.
        """
        roots = {text: rootOf(text) for text in SIGNATURES}
        answers = {text: answered(root) for text, root in roots.items()}
        wrong = []
        for old, before in answers.items():
            for new, after in answers.items():
                changes = changed(roots[old], roots[new])
                said = {c.direction for c in changes if c.level is Level.BREAKS}
                truth = set()
                if before - after:
                    truth.add(Direction.OLD_TO_NEW)
                if not before & after:
                    truth.add(Direction.NEW_TO_OLD)
                if said != truth or len(changes) != len(truth):
                    ids = [change.kind.id for change in changes]
                    wrong.append(f"({old}) -> ({new}): {ids}, {truth}")
        self.assertFalse(wrong, "\n".join(wrong))

    def test_text(self) -> None:
        """
        The text of what a method takes says which calls succeed.
        """
        for text in SIGNATURES:
            root = rootOf(text)
            shown = takesOf(root, "remote_feed")
            assert shown is not None
            signature = parseTakes(shown)
            self.assertEqual(
                answered(root), {given for given in CALLS if takes(signature, given)}
            )


class ChangedCallsTests(SynchronousTestCase):
    def ids(
        self, old: dict[str, Remote], new: dict[str, Remote]
    ) -> list[tuple[str, str, str]]:
        return sorted((c.kind.id, c.subject, c.name) for c in changedCalls(old, new))

    def test_names(self) -> None:
        """
        A parameter that has another name breaks those alone who give it by name, and
        is another kind of change.
        """
        for old, new, id in [
            ("(x)", "(y)", "PBD404"),
            ("(x, y)", "(x, y, z=...)", ""),
            ("(x)", "(x, y)", "PBD403"),
            ("(*, x)", "(*, y)", "PBD403"),
            ("(x)", "(x, /)", "PBD404"),
        ]:
            before = {"a.B": Remote({"remote_c": old})}
            after = {"a.B": Remote({"remote_c": new})}
            found = [
                i for i, _, _ in self.ids(before, after) if i in ("PBD403", "PBD404")
            ]
            self.assertEqual(found, [id] if id else [], (old, new))

    def test_methods(self) -> None:
        """
        A method that is gone breaks old clients; one that is new is worth knowing.
        """
        old = {"a.B": Remote({"remote_c": "()", "view_d": "()"})}
        new = {"a.B": Remote({"remote_c": "()", "remote_e": "()"})}
        self.assertEqual(
            self.ids(old, new),
            [("PBD402", "a.B", "view_d"), ("PBD406", "a.B", "remote_e")],
        )
        self.assertEqual(self.ids(old, old), [])

    def test_incomplete(self) -> None:
        """
        A class that may have others does not lack a method for certain, nor is one
        new.
        """
        old = {"a.B": Remote({"remote_c": "()"}, complete=False)}
        new = {"a.B": Remote({"remote_d": "()"}, complete=False)}
        self.assertEqual(self.ids(old, new), [("PBD407", "a.B", "remote_c")])

    def test_unknown(self) -> None:
        """
        Of a method that cannot be followed, it is said if that is new.
        """
        known = {"a.B": Remote({"remote_c": "()"})}
        unknown = {"a.B": Remote({"remote_c": None})}
        self.assertEqual(self.ids(unknown, unknown), [])
        both = [("PBD407", "a.B", "remote_c")] * 2
        self.assertEqual(self.ids(known, unknown), both)
        self.assertEqual(self.ids(unknown, known), both)

    def test_classes(self) -> None:
        """
        No peer sees the name of a class: one that has all the methods of one that is
        gone has taken its place.
        """
        old = {"a.B": Remote({"remote_c": "(x)"})}
        moved = {"a.New": Remote({"remote_c": "()", "remote_d": "()"})}
        self.assertEqual(
            self.ids(old, moved),
            [
                ("PBD403", "a.B", "remote_c"),
                ("PBD405", "a.B", "remote_c"),
                ("PBD406", "a.B", "remote_d"),
            ],
        )
        other = {"a.New": Remote({"remote_d": "()"})}
        self.assertEqual(
            self.ids(old, other),
            [("PBD401", "a.B", ""), ("PBD406", "a.New", "remote_d")],
        )
        [gone] = changedCalls(old, {})
        self.assertIn("remote_c", gone.message)
