"""
The peer on bare sockets, examples/barepeer.py, in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.processes import Child
from tests.test_examples import EXAMPLES, needExamples
from tests.test_receiver import ServiceCase

BARE = EXAMPLES / "barepeer.py"

#: What it prints.
SAID = r"""answer b'safe and sound'
answer b'safe and sound'
answer b"live bare\.Pond\(ducks=\['huey'\], deep=2\.5, full=None\)"
answer b'ignored'
"""


class BarePeerTests(ServiceCase):
    """
    Rule 22: what the wire page says is enough to write a peer from.
    """

    async def test_rule22_barePeer(self) -> None:
        """
        It copies an object to a pbreceiver, shares a cache with it and changes
        that; and it needs neither Twisted nor pbext for that.
        """
        needExamples(self)
        receiver, port = await self.start(
            "--allow", "bare.Frog", "--allow", "bare.Pond"
        )
        # Isolated, and without site-packages.
        command = [sys.executable, "-I", "-S", str(BARE), "127.0.0.1", str(port)]
        peer = Child.start(self, command)
        await peer.waitFor(SAID)
        for line in (
            r"took 'frog': bare\.Frog\(colour='green'\)$",
            r"'pond' changed: addDuck\('daisy', 1099511627776, False\)$",
            "ignored 'pond'$",
        ):
            await receiver.waitFor(line)

    def test_rule22_length(self) -> None:
        """
        It is a hundred lines or so, and imports only what is Python's.
        """
        needExamples(self)
        text = Path(BARE).read_text()
        self.assertLessEqual(len(text.splitlines()), 120)
        imported = {
            line.split()[1].partition(".")[0]
            for line in text.splitlines()
            if line.startswith(("import ", "from "))
        }
        self.assertLess(imported, sys.stdlib_module_names)
