"""
Of any two versions of a program, a comparison of their manifests says that what one
sends breaks at the other if, and only if, it does.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit.manifest._diff import compare
from pbext.audit.manifest._differences import Direction, Level
from tests.audit.evolutions import Pond
from tests.audit.kinds import TABLE
from tests.processes import directory

#: No path is empty, which its type does not say.
KINDS = [annotation for annotation in TABLE if annotation != "pathlib.Path"]

#: A field: its annotation, and whether it has a default.
FIELD = st.tuples(st.sampled_from(KINDS), st.booleans())
FIELDS = st.dictionaries(st.sampled_from("abc"), FIELD, max_size=3)


@st.composite
def programs(draw: Any) -> str:
    """
    @return: the text of one that understands itself.
    """
    sent: dict[str, tuple[str, bool]] = draw(FIELDS)
    forbids = draw(st.booleans())
    taken = sent if forbids else {n: f for n, f in sent.items() if draw(st.booleans())}
    made = draw(st.sampled_from(["@dataclass", "@attrs.define", "@attrs.frozen", ""]))
    version = draw(st.sampled_from([None, None, 0, 1, 2]))

    def cls(name: str, base: str, fields: dict[str, tuple[str, bool]]) -> str:
        # Those without a default come first.
        order = sorted(fields.items(), key=lambda item: item[1][1])
        lines = [
            f"{field}: {annotation}" + (" = None" if default and made else "")
            for field, (annotation, default) in order
        ]
        if version is not None:
            lines.append(f"copyVersion = {version}")
        if base == "Copyable":
            lines.append("typeToCopy = 'pond.Frog'")
            if not made:
                lines.append("def __init__(self, **kw): vars(self).update(kw)")
        else:
            lines.append(f"copyUnknown = {'forbid' if forbids else 'ignore'!r}")
            lines.append(f"copyNewer = {draw(st.sampled_from(['refuse', 'read']))!r}")
        if not fields:  # or it would declare nothing, and be open
            lines.append("copyFields = ()")
        body = "".join(f"    {line}\n" for line in lines)
        return f"{made}\nclass {name}(pb.{base}):\n{body}"

    values = "".join(f"{n!r}: [{TABLE[kind]}], " for n, (kind, _) in sent.items())
    return (
        cls("Sent", "Copyable", sent)
        + cls("Taken", "RemoteCopy", taken)
        + "registry.setUnjellyableForClass('pond.Frog', Taken)\n"
        + f"VALUES = {{{values}}}\n"
        + "def samples():\n"
        + "    most = max(map(len, VALUES.values()), default=1)\n"
        + "    return [Sent(**{name: each[at % len(each)] "
        + "for name, each in VALUES.items()}) for at in range(most)]\n"
    )


class PropertyTests(SynchronousTestCase):
    @settings(deadline=None, max_examples=30)
    @given(programs(), programs())
    def test_truth(self, before: str, after: str) -> None:
        old, new = Pond(directory(self), before), Pond(directory(self), after)
        self.assertEqual(old.sendsTo(old) + new.sendsTo(new), [])
        changes = compare([*old.manifests()][1], [*new.manifests()][1])
        for direction, truth in {
            Direction.OLD_TO_NEW: old.sendsTo(new),
            Direction.NEW_TO_OLD: new.sendsTo(old),
        }.items():
            levels = {c.level for c in changes if c.direction is direction}
            if not truth:
                self.assertNotIn(Level.BREAKS, levels, changes)
            else:
                self.assertTrue(levels & {Level.BREAKS, Level.UNKNOWN}, truth)
        # A comparison with itself finds nothing.
        self.assertEqual(compare(*[[*new.manifests()][1]] * 2), [])
