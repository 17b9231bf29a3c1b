"""
What a process has used of the machine.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from pathlib import Path

__all__ = ["allowFiles", "cpu", "memory"]

_STATM = Path("/proc/self/statm")


def cpu() -> float:
    """
    @return: seconds of CPU, in user code and in the kernel, so far.
    """
    return time.process_time()


def memory() -> int:
    """
    @return: bytes of resident memory, with the garbage collected; where there
        is no C{/proc}, the most that there ever were.
    """
    gc.collect()
    if _STATM.exists():
        pages = int(_STATM.read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def allowFiles(number: int) -> None:
    """
    Let this process have so many files open, if the system permits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
