"""
Which imports are changed, and which stay as they are, since more would change.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit.fixing._fix import Plan, planFixes
from tests.audit.ponds_written import Way
from tests.audit.test_fix_kept import finding
from tests.audit.written import Written
from tests.processes import directory

#: Imports, and what becomes of them.
CHANGED = {
    ("from twisted.spread import pb", "pb"): "from pbext import pb",
    ("from twisted.spread import pb  # see below", "pb"): (
        "from pbext import pb  # see below"
    ),
    ("from twisted.spread import pb as P", "P"): "from pbext import pb as P",
    ("from twisted.spread import (pb)", "pb"): "from pbext import (pb)",
    ("import twisted.spread.pb as pb", "pb"): "import pbext.pb as pb",
    ("import os, twisted.spread.pb as pb, sys", "pb"): (
        "import os, pbext.pb as pb, sys"
    ),
    ("from twisted.spread import pb; import os", "pb"): (
        "from pbext import pb; import os"
    ),
    ("from twisted.spread import jelly, pb", "pb"): (
        "from twisted.spread import jelly\nfrom pbext import pb"
    ),
    ("from twisted.spread import pb as P, jelly as j  # both", "P"): (
        "from twisted.spread import jelly as j  # both\nfrom pbext import pb as P"
    ),
    ("from twisted.spread import (\n    banana,\n    jelly,\n    pb,\n)", "pb"): (
        "from twisted.spread import (\n    banana,\n    jelly,\n)\nfrom pbext import pb"
    ),
    ("from twisted.spread import (\n    banana,\n    pb,\n    jelly\n)", "pb"): (
        "from twisted.spread import (\n    banana,\n    jelly\n)\nfrom pbext import pb"
    ),
    ("from twisted.spread.pb import Cacheable", ""): "from pbext.pb import Cacheable",
    ("from twisted.spread.flavors import Cacheable, Root", ""): (
        "from pbext.pb import Cacheable, Root"
    ),
    ("from twisted.spread.pb import Cacheable, banana, Root", ""): (
        "from twisted.spread.pb import banana\nfrom pbext.pb import Cacheable, Root"
    ),
    ("from twisted.spread.flavors import Cacheable as Root", "/Root"): (
        "from pbext.pb import Cacheable as Root"
    ),
}

#: Files that keep Twisted's, and why.
REFUSED: dict[str, tuple[Way, str]] = {
    "under a condition": (
        Way(
            imports="if not None:\n    from twisted.spread import pb",
        ),
        "pb is imported under a condition",
    ),
    "twice": (
        Way(
            imports="""\
try:
    from twisted.spread import pb
except ImportError:
    pb = None"""
        ),
        "pb is bound more than once, or not in the module",
    ),
    "the whole path": (
        Way(imports="import twisted.spread.pb", base="twisted.spread.pb.Cacheable"),
        "twisted does not come from twisted.spread.pb",
    ),
    "the flavors": (
        Way(imports="from twisted.spread import flavors", base="flavors.Cacheable"),
        "flavors does not come from twisted.spread.pb",
    ),
    "all names": (
        Way(imports="from twisted.spread.pb import *", base="Cacheable"),
        "Cacheable is bound more than once, or not in the module",
    ),
    "another line's": (
        Way(imports="from twisted.spread import pb, jelly; import os"),
        "the line of the import says more",
    ),
    "what pbext has not": (
        Way(more="\n\ndef make():\n    return pb._newInstance(Pond)\n"),
        "pbext.pb has no _newInstance",
    ),
    "the module": (
        Way(more="\n\ndef patch(test):\n    test.patch(pb, 'portno', 1)\n"),
        "pb itself is used",
    ),
    "an assignment": (
        Way(more="\n\npb.MAX_BROKER_REFS = 4096\n"),
        "MAX_BROKER_REFS is set",
    ),
    "instances": (
        Way(more="\n\ndef shows(x):\n    return isinstance(x, pb.Copyable)\n"),
        "who is not a Copyable of Twisted's alone would be told apart here",
    ),
    "instances of several": (
        Way(more="\n\ndef shows(x):\n    return isinstance(x, (int, pb.Root))\n"),
        "who is not a Root of Twisted's alone would be told apart here",
    ),
    "the class": (
        Way(more="\n\ndef shows(x):\n    return type(x) is pb.RemoteReference\n"),
        "who is not a RemoteReference of Twisted's alone would be told apart here",
    ),
    "settings": (
        Way(more="\n    copyFields = ()\n"),
        "pond.Pond says copyFields, which would mean something to pbext",
    ),
    "a cache that sets its broker": (
        Way(
            more="""


class Distant(pb.RemoteCache):
    def setCopyableState(self, state):
        self.broker = state.pop("broker")
"""
        ),
        "pond.Distant sets broker, which pbext's RemoteCache has for itself",
    ),
    "private state": (
        Way(
            more="""


class Account(pb.Copyable):
    def __init__(self, name):
        self.name = self._key = name
"""
        ),
        "pond.Account would no longer send _key: say what it sends, or "
        "getStateToCopy = twisted.spread.pb.Copyable.getStateToCopy",
    ),
    "the state without them, in a loop": (
        Way(
            enters="""\
self.observers.append(observer)
state = self.getStateToCopyFor(perspective).copy()
for name in ("observers", "ducks"):
    del state[name]
return state"""
        ),
        "it speaks of what would not be in the state",
    ),
    "undeclared state": (
        Way(
            more="""


class Account(pb.Copyable):
    name: str

    def __init__(self, name):
        self.name = self.mail = name
"""
        ),
        "pond.Account would no longer send mail: say what it sends, or "
        "getStateToCopy = twisted.spread.pb.Copyable.getStateToCopy",
    ),
}

#: What is no reason to leave an import alone.
ALLOWED = {
    "failures": "\n\ndef gone(f):\n    return f.check(pb.DeadReferenceError)\n",
    "errors": "\n\ndef told(x):\n    return isinstance(x, pb.Error)\n",
    "another pb": "\n\ndef show(pb):\n    return pb.whatever, pb\n",
    "says what it sends": """


class Account(pb.Copyable):
    def __init__(self, name):
        self._key = name

    def getStateToCopy(self):
        return {"_key": self._key}
""",
    "compares names of the state": """


class Other(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        state = self.getStateToCopyFor(perspective)
        state.pop("observers", None)
        return {name: state[name] for name in state if name not in ("observers", "x")}

    def tell(self, observer):
        observer.callRemote("observers", 1)
""",
    "has a state of its own, without them": """


class Other(pb.Cacheable):
    def getStateToCacheAndObserveFor(self, perspective, observer):
        state = dict(self.__dict__)
        for name in ("observers", "ducks"):
            del state[name]
        return state
""",
    "has stock's state": """


from twisted.spread.pb import Copyable


class Account(pb.Copyable):
    getStateToCopy = Copyable.getStateToCopy

    def __init__(self, name):
        self._key = name
""",
    "a cacheable with a state of its own": """


class Other(pb.Cacheable):
    def __init__(self):
        self._key = 1

    def getStateToCacheAndObserveFor(self, perspective, observer):
        return {"key": self._key}
""",
}


class ImportsTests(SynchronousTestCase):
    def planned(self, way: Way, **more: str) -> tuple[Written, Plan]:
        written = Written(str(directory(self)), pond=way.text, **more)
        program = written.read()
        self.assertEqual(program.unread, [])
        return written, planFixes(program, [finding(program, "pond.Pond")])

    def test_changed(self) -> None:
        """
        The import of the class becomes one of pbext's; what else the line
        imports, stays.
        """
        for (before, name), after in CHANGED.items():
            base = name[1:] if name.startswith("/") else ""
            base = base or (f"{name}.Cacheable" if name else "Cacheable")
            way = Way(imports=before, base=base)
            written, plan = self.planned(way)
            self.assertEqual(plan.remarks, (), before)
            plan.write()
            text = (written.directory / "pond.py").read_text("utf-8")
            self.assertEqual(text[: len(after) + 3], f"{after}\n\n\n", before)

    def test_refused(self) -> None:
        """
        If a file does something with the names that would come out otherwise,
        nothing in it is changed.
        """
        for name, (way, why) in REFUSED.items():
            _, plan = self.planned(way)
            self.assertEqual(plan.files, {}, name)
            [remark] = plan.remarks
            self.assertEqual(remark.text, f"it is left as it is: {why}", name)
            self.assertTrue(remark.place.line)

    def test_allowed(self) -> None:
        """
        What comes out the same is none.
        """
        for name, more in ALLOWED.items():
            _, plan = self.planned(Way(more=more))
            self.assertEqual((plan.remarks, len(plan.files)), ((), 1), name)

    def test_takers(self) -> None:
        """
        Nor is an import changed that others import from.
        """
        for taker, why in {
            "from pond import pb\n\nx = pb\n": "it is imported from pond",
            "from pond import Pond, pb as P\n": "it is imported from pond",
            "from pond import *\n": "it is imported from pond",
            "import pond\n\nx = pond.pb.Cacheable\n": "it is used by way of pond",
        }.items():
            _, plan = self.planned(Way(), taker=f"# callRemote\n{taker}")
            self.assertEqual(plan.files, {}, taker)
            [remark] = plan.remarks
            self.assertEqual(remark.text, f"it is left as it is: {why}")
        _, plan = self.planned(
            Way(), taker="from pond import Pond\n\nx = Pond.callRemote, Pond.pb\n"
        )
        self.assertEqual(len(plan.files), 1)

    def test_other(self) -> None:
        """
        A class whose Cacheable comes from elsewhere is left alone.
        """
        way = Way(
            imports="from twisted.spread.publish import Publishable", base="Publishable"
        )
        _, plan = self.planned(way)
        self.assertEqual(plan.files, {})
        [remark] = plan.remarks
        self.assertEqual(
            remark.text, "it is left as it is: it is no Cacheable by itself"
        )

    def test_ours(self) -> None:
        """
        A class that is pbext's already keeps its import.
        """
        way = Way(imports="from pbext import pb")
        written, plan = self.planned(way)
        self.assertEqual(plan.remarks, ())
        plan.write()
        text = (written.directory / "pond.py").read_text("utf-8")
        self.assertIn("from pbext import pb\n", text)
        self.assertNotIn("self.observers = []", text)
