"""What the process itself uses: memory, processor, time."""

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

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
