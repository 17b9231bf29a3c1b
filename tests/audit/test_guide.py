"""
The three examples of the classic guide (copy, copy2, cache), as the guide writes
them, and with the mistakes that people make in them.
"""

from __future__ import annotations

from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from pbext.audit._rules import find
from pbext.audit.reading._reader import readProgram
from tests.processes import directory

COPY = {
    "copy_classes.py": """\
        from twisted.spread import pb

        class LilyPond:
            def setStuff(self, color, numFrogs):
                self.color = color
                self.numFrogs = numFrogs

            def countFrogs(self):
                return self.numFrogs

        class CopyPond(LilyPond, pb.Copyable):
            pass

        class ReceiverPond(LilyPond, pb.RemoteCopy):
            pass

        pb.setUnjellyableForClass(CopyPond, ReceiverPond)
        """,
    "copy_sender.py": """\
        from copy_classes import CopyPond

        class Sender:
            def __init__(self, pond):
                self.pond = pond

            def got_obj(self, remote):
                d = remote.callRemote("takePond", self.pond)
                d.addCallback(self.ok).addErrback(self.notOk)

            def ok(self, response):
                print("pond arrived", response)

            def notOk(self, failure):
                if failure.check("twisted.spread.jelly.InsecureJelly"):
                    print("InsecureJelly")
                return failure

        def main():
            pond = CopyPond()
            pond.setStuff("green", 7)
            return Sender(pond)
        """,
    "copy_receiver.py": """\
        import copy_classes
        from twisted.spread import pb

        class Receiver(pb.Root):
            def remote_takePond(self, pond):
                return "safe and sound"
        """,
}

COPY2 = {
    "copy2_classes.py": """\
        from twisted.spread import pb

        class FrogPond:
            def __init__(self, numFrogs, numToads):
                self.numFrogs = numFrogs
                self.numToads = numToads

            def count(self):
                return self.numFrogs + self.numToads

        class SenderPond(FrogPond, pb.Copyable):
            def getStateToCopy(self):
                d = self.__dict__.copy()
                d["frogsAndToads"] = d["numFrogs"] + d["numToads"]
                del d["numFrogs"]
                del d["numToads"]
                return d

        class ReceiverPond(pb.RemoteCopy):
            def setCopyableState(self, state):
                self.__dict__ = state

            def count(self):
                return self.frogsAndToads

        pb.setUnjellyableForClass(SenderPond, ReceiverPond)
        """,
}

CACHE = {
    "cache_classes.py": """\
        from pbext import pb

        class MasterDuckPond(pb.Cacheable):
            def __init__(self, ducks):
                self.observers = []
                self.ducks = ducks

            def addDuck(self, duck):
                self.ducks.append(duck)
                for o in self.observers:
                    o.callRemote("addDuck", duck)

            def removeDuck(self, duck):
                self.ducks.remove(duck)
                for o in self.observers:
                    o.callRemote("removeDuck", duck)

            def getStateToCacheAndObserveFor(self, perspective, observer):
                self.observers.append(observer)
                return self.ducks

            def stoppedObserving(self, perspective, observer):
                self.observers.remove(observer)

        class SlaveDuckPond(pb.RemoteCache):
            def setCopyableState(self, state):
                self.cacheducks = state

            def observe_addDuck(self, newDuck):
                self.cacheducks.append(newDuck)

            def observe_removeDuck(self, deadDuck):
                self.cacheducks.remove(deadDuck)

        pb.setUnjellyableForClass(MasterDuckPond, SlaveDuckPond)
        """,
}

_STOCK = ("from pbext import pb", "from twisted.spread import pb")

#: An example, what is replaced in it, by what, and what is found then.
MISTAKES = [
    ("the guide's own loop and list, on stock", CACHE, *_STOCK, {"PBX101", "PBX102"}),
    (
        "nobody registers it",
        COPY,
        "pb.setUnjellyableForClass(CopyPond, ReceiverPond)",
        "",
        {"PBX103"},
    ),
    (
        "registered under another module's name",
        COPY,
        "setUnjellyableForClass(CopyPond,",
        "setUnjellyableForClass('ponds.CopyPond',",
        {"PBX104"},
    ),
    (
        "what receives is no RemoteCopy",
        COPY,
        "class ReceiverPond(LilyPond, pb.RemoteCopy)",
        "class ReceiverPond(LilyPond)",
        {"PBX105"},
    ),
    (
        "the type of a remote error is compared",
        COPY,
        'failure.check("twisted.spread.jelly.InsecureJelly")',
        'failure.type == "twisted.spread.jelly.InsecureJelly"',
        {"PBX216"},
    ),
    (
        "the live state is changed while it is sent",
        COPY2,
        "self.__dict__.copy()",
        "self.__dict__",
        {"PBX202"},
    ),
    (
        "the password travels",
        COPY2,
        "self.numToads = numToads",
        "self.numToads = numToads; self.password = numToads",
        {"PBX107"},
    ),
    (
        "an update that nobody observes",
        CACHE,
        "def observe_removeDuck",
        "def observe_dropDuck",
        {"PBX108"},
    ),
    (
        "an update with an argument too many",
        CACHE,
        'o.callRemote("addDuck", duck)',
        'o.callRemote("addDuck", duck, 1)',
        {"PBX108"},
    ),
]


class GuideTests(SynchronousTestCase):
    def rules(self, files: dict[str, str], old: str = "", new: str = "") -> set[str]:
        """
        @return: the ids of the rules that find something, of the graver kinds.
        """
        place = directory(self)
        texts = {name: dedent(text) for name, text in files.items()}
        self.assertTrue(any(old in text for text in texts.values()), old)
        for name, text in texts.items():
            (place / name).write_text(text.replace(old, new) if old else text)
        program = readProgram([str(place)])
        self.assertEqual([*program.unread], [])
        return {finding.rule for finding in find(program) if finding.severity > 1}

    def test_right(self) -> None:
        """
        As they are, they are right, the cache with pbext.
        """
        for files in (COPY, COPY2, CACHE):
            self.assertEqual(self.rules(files), set(), [*files])

    def test_mistakes(self) -> None:
        """
        Each mistake is found, and nothing else.
        """
        for title, files, old, new, expected in MISTAKES:
            self.assertEqual(self.rules(files, old, new), expected, title)
