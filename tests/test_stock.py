"""
The environment of the stock peer.
"""

from __future__ import annotations

import shutil
import sys

from twisted.trial.unittest import TestCase

from tests import stock
from tests.processes import Child, directory, environment

#: Asks twice, the second time as a machine does that tests for all of us.
ASK = """\
import os, stock
for ci in "", "1":
    os.environ["CI"] = ci
    try:
        print("made:", stock.stockPython())
    except BaseException as error:
        print(type(error).__name__ + ":", str(error).splitlines()[0])
"""


class StockTests(TestCase):
    """
    What becomes of the test when there is no stock peer.
    """

    timeout = 120

    def ask(self, **more: str) -> Child:
        top = directory(self)
        (top / "tests").mkdir()
        shutil.copy(stock.__file__, top / "tests")
        env = environment(**more)
        env.pop("PBEXT_STOCK_PYTHON", None)
        return Child.start(self, [sys.executable, "-c", ASK], top / "tests", env)

    async def test_noIndex(self) -> None:
        """
        Where nothing can be downloaded, the tests that need it are skipped
        and say so; on the machine that tests for all of us, they fail.
        """
        child = self.ask(
            PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_CONFIG_FILE="/dev/null"
        )
        code, output = await child.ended()
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"SkipTest: no stock Twisted \S+ in \S+:")
        self.assertRegex(output, r"RuntimeError: no stock Twisted \S+ in \S+:")
        self.assertNotIn("made:", output)
