"""
What a process has used of the machine.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from pathlib import Path

__all__ = ["allowFiles", "alsoCount", "cpu", "memory", "peak", "resetPeak"]

_STATM = Path("/proc/self/statm")
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")

_others: list[int] = []


def cpu() -> float:
    """
    @return: seconds of CPU, in user code and in the kernel, so far.
    """
    return time.process_time() + sum(map(_cpuOf, _others))


def _cpuOf(process: int) -> float:
    # clock_getcpuclockid(3), which Python has for threads alone.
    return time.clock_gettime((~process << 3) | 2)


def alsoCount(process: int) -> None:
    """
    Let the CPU of another process count as this one's; Linux alone has it.
    """
    _others.append(process)


def memory() -> int:
    """
    @return: bytes of resident memory, with the garbage collected; where there
        is no C{/proc}, the most that there ever were.
    """
    gc.collect()
    if _STATM.exists():
        pages = int(_STATM.read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return peak()


def peak() -> int:
    """
    @return: bytes of resident memory, the most that there were since
        L{resetPeak}, or ever where there is no C{/proc}.
    """
    if _STATUS.exists():
        found = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(found["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resetPeak() -> None:
    """
    Begin anew.
    """
    gc.collect()
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def allowFiles(number: int) -> None:
    """
    Let this process have so many files open, if the system permits.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
