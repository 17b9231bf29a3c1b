"""
Twisted's own tests of Perspective Broker, with our broker and factories in
place of Twisted's, and once more with one line changed, as a program changes
it: C{from pbext import pb}; and its tests of Banana and of Jelly, with each of
our codecs in their place.

They run in a process of their own, on copies made for the purpose, because
importing them allows classes process-wide.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from twisted.spread import test as twistedTests
from twisted.trial.unittest import SynchronousTestCase

import pbext
from tests.processes import directory

#: What replaces C{pb} in the line that imports it.
BROKER = """\
import types
from twisted.spread import pb as stock
import pbext
ours = {name: getattr(pbext, name)
        for name in ("Broker", "PBClientFactory", "PBServerFactory")}
pb = types.SimpleNamespace(**{**vars(stock), **ours})
"""
EVERYTHING = "from pbext import pb\n"

#: The tests of a broker, and those of what it speaks.
BROKERS = ("test_pb", "test_pbfailure")
CODECS = ("test_banana", "test_jelly")

#: What is imported besides.
CODEC = """\
from twisted.spread import banana, jelly
from tests import twistedwire
print("the codec is", twistedwire.CODEC)
"""

#: What is used of it, instead of Twisted's.
_USED = re.compile(
    r"\bjelly\.(?=(jelly|unjelly)\b)|\bbanana\.(?=(Banana|encode|decode)\b)"
)

#: Which tests differ, and why each of them is meant to.
DIFFERENT: dict[str, str] = {
    "test_pb.NewCredTests.test_deadReferenceError": (
        "A call by a connection that is lost fails, and does not raise (A1c)."
    ),
    "test_pbfailure.PBFailureTests.test_noSuchMethodFailure": (
        "A call of a method that is not there is one line in the log, and no "
        "traceback (C4b)."
    ),
    "test_pbfailure.PBFailureUnsafeTests.test_noSuchMethodFailure": "The same.",
}

#: Likewise, with either codec.
DIFFERENT_CODEC: dict[str, str] = {
    "test_banana.DialectTests.test_dialectNotSet": (
        "All that is not Banana is one kind of error, a BadMessage, and not one "
        "of three (C1)."
    ),
    "test_banana.DialectTests.test_receiveIllegalPb": "The same.",
    "test_jelly.JellyTests.test_classSecurity": (
        "What the policy does not allow is an error at the sender, with its "
        "path, and not an Unpersistable that arrives (A4b)."
    ),
    "test_jelly.JellyTests.test_lotsaTypes": (
        "For a method, jelly has words that Banana does not take: this is an "
        "error where it is made, with its path, and not where it is sent (A4b)."
    ),
    "test_jelly.JellyTests.test_methodsNotSelfIdentity": "The same.",
}

#: Where C{pbext} is found, and C{tests}.
_PATHS = [str(Path(place).parent.parent) for place in (pbext.__file__, __file__)]

#: Seconds; they take two.
PATIENCE = 120

#: Where C{test_pbfailure} has asked and been answered.
_ASKED = re.compile(r"rootDeferred\.addCallback\(gotRootObj\)\n +self\.pump\.flush\(\)")
_COLLECT = r"\g<0>; del rootDeferred, gotRootObj; __import__('gc').collect()"

#: Where C{test_pb} registers a class that lets its peer choose a file.
_PUBLISHED = re.compile(r"\bpb\.(setUnjellyableForClass\(DumbPublishable, DumbPub\))")

_IMPORT = re.compile(r"^from twisted\.spread import (.*)$", re.MULTILINE)


class TwistedSpreadTests(SynchronousTestCase):
    """
    C{twisted.spread.test.test_pb}, C{test_pbfailure}, C{test_banana} and
    C{test_jelly}.
    """

    def judge(
        self,
        modules: Collection[str],
        replaced: Collection[str],
        replacement: str,
        **environment: str,
    ) -> tuple[set[str], set[str], str]:
        """
        @param replaced: the names of C{twisted.spread} that are not imported
            from there, if they are.
        @param replacement: what imports them instead.
        @return: the tests that passed, those that did not, and what was said.
        """
        place = directory(self)
        home = Path(twistedTests.__file__).parent

        def replace(match: re.Match[str]) -> str:
            names = {name.strip() for name in match[1].split(",")}
            self.assertTrue(names.intersection(replaced))
            left = [f"from twisted.spread import {n}" for n in names - set(replaced)]
            return "\n".join([*left, replacement])

        for name in modules:
            text = (home / f"{name}.py").read_text()
            text, count = _IMPORT.subn(replace, text)
            self.assertEqual(1, count)
            # A Deferred that nobody keeps reports its error when it is garbage:
            # in the test that it is of.
            text = _ASKED.sub(_COLLECT, text)
            # Ours registers nothing of the kind (B9).
            text = _PUBLISHED.sub(r"jelly.\1", text)
            if name in CODECS:
                text, count = _USED.subn("twistedwire.", text)
                self.assertGreater(count, 5)
            # They know their own name.
            text = text.replace(f"twisted.spread.test.{name}", name)
            (place / f"{name}.py").write_text(text)
        command = [sys.executable, "-m", "twisted.trial", "--reporter=verbose"]
        done = subprocess.run(
            [*command, *modules],
            cwd=place,
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(_PATHS)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        outcomes = _outcomes(done.stdout)
        passed = {test for test, how in outcomes.items() if how == "OK"}
        return passed, set(outcomes) - passed, done.stdout

    def assertJudged(self, replacement: str, different: set[str]) -> None:
        passed, failed, output = self.judge(BROKERS, ["pb"], replacement)
        self.assertEqual(different, failed, output)
        # None was lost on the way; there are 75 in Twisted 24.10 and 26.10.
        self.assertGreaterEqual(len(passed) + len(failed), 70, output)

    def test_broker(self) -> None:
        """
        With our broker and our factories, those fail that are meant to, and
        no others.
        """
        self.assertJudged(BROKER, set(DIFFERENT))

    def test_everything(self) -> None:
        """
        With all that is ours, those fail that are meant to, and no others.
        """
        self.assertJudged(EVERYTHING, set(DIFFERENT))

    def assertCodecJudged(self, codec: str, **environment: str) -> None:
        passed, failed, output = self.judge(
            CODECS, ["banana", "jelly"], CODEC, **environment
        )
        self.assertEqual(set(DIFFERENT_CODEC), failed, output)
        # There are 59 in Twisted 24.10 and 26.10.
        self.assertGreaterEqual(len(passed) + len(failed), 55, output)
        self.assertIn(f"the codec is {codec}", output)

    def test_codecInPython(self) -> None:
        """
        With our codec in Python, those fail that are meant to, and no others.
        """
        self.assertCodecJudged("pure Python", PBEXT_PURE="1")

    def test_codecCompiled(self) -> None:
        """
        Likewise with the compiled one.
        """
        self.assertCodecJudged("compiled", PBEXT_PURE="")

    if find_spec("pbext.wire._fast") is None:
        del test_codecCompiled


def _outcomes(output: str) -> dict[str, str]:
    """
    @return: the names of the tests as far as the module, and how each ended.
    """
    found: dict[str, str] = {}
    module = case = test = ""
    for line in output.splitlines():
        words = line.split()
        if not words:
            if found:
                break  # the rest is the errors
        elif not line.startswith(" "):
            module = words[0]
        elif len(words) == 1 and not line.startswith("    "):
            case = words[0]
        else:
            if words[0].startswith("test_"):
                test = f"{module}.{case}.{words[0]}"
            found[test] = "OK" if words[-1] == "[OK]" else words[-1]
    return found
