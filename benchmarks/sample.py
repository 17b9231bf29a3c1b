"""
One sample: C{python -m benchmarks.sample FAR_PB [--smoke] JOB...}.  Does jobs
with the C{pb} of this process at one end, prints their figures as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.internet.task import react

from benchmarks.jobs import find
from benchmarks.profiles import profiled
from benchmarks.stage import setUp


async def main(reactor: Any, farPB: str, *argv: str) -> None:
    """
    Do each of the jobs once.
    """
    smoke = "--smoke" in argv
    found = {}
    async with setUp(reactor, farPB) as stage:
        for name in argv[smoke:]:
            job = find(name)
            sizes = {**job.sizes, **(job.tiny if smoke else {})}
            found[name] = await job.work(stage, **sizes)
    print(json.dumps(found))


if __name__ == "__main__":
    with profiled("near"):
        react(main, sys.argv[1:])
