"""What the process itself uses: memory, processor, time."""

import ctypes
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ARENAS = 2  # of the C library's allocator; by default each thread may have one, up to eight a core
_M_ARENA_MAX = -8  # mallopt(3)
_STATM = Path("/proc/self/statm")  # Linux; its second number is the resident pages


@dataclass(frozen=True, slots=True)
class ProcessSnapshot:
    """`rss_bytes` is the resident memory; `cpu_seconds` user and system time of all threads."""

    rss_bytes: int
    cpu_seconds: float
    uptime_seconds: float
    threads: int


def read_process(began: float, now: float) -> ProcessSnapshot:
    """This process now; it began and is read at these monotonic seconds."""
    return ProcessSnapshot(
        rss_bytes=resident_bytes(),
        cpu_seconds=round(time.process_time(), 3),
        uptime_seconds=round(now - began, 3),
        threads=threading.active_count(),
    )


def share_memory_among_threads() -> None:
    """Has all threads allocate from a few arenas, where that can be set (glibc): what one gives back, another takes.

    Else each of dozens of threads keeps what it once needed, and a system under load grows for an hour. The
    interpreter lets one thread run at a time, so that they seldom wait for each other here.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library, which has no such thing
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def resident_bytes() -> int:
    """The resident memory in bytes; where the system only tells the highest it ever was, that; else 0."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return _highest_resident_bytes()


def _highest_resident_bytes() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
