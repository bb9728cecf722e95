"""Memory under a mixed load, minute after minute: how much it is, and whether it goes on growing."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from minisocial.benchmarks import children
from minisocial.benchmarks.children import Server
from minisocial.benchmarks.client import Job
from minisocial.benchmarks.report import MIB
from minisocial.benchmarks.scenarios import HOST, Requests

TOTAL = 150 * MIB
SLOPE = 1.0  # MB in ten minutes
SLICE = 10.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident memory at moments: (seconds since the begin, bytes)."""

    moments: Sequence[tuple[float, int]]

    @property
    def most(self) -> int:
        return max(size for _, size in self.moments)

    @property
    def slope(self) -> float:
        """MB in ten minutes, over the second half: by then every cache is as full as it gets."""
        late = self.moments[len(self.moments) // 2 :]
        if len({at for at, _ in late}) < 2:
            return 0.0
        line = statistics.linear_regression([at for at, _ in late], [size for _, size in late])
        return line.slope * 600 / 1e6


def measure(system: Server, requests: Requests, minutes: float, slice: float = SLICE) -> Growth:
    """Loads the system for so long, looking at its memory now and then."""
    began = time.monotonic()
    moments: list[tuple[float, int]] = []
    while (at := time.monotonic() - began) < minutes * 60:
        children.generate(Job(HOST, system.port, slice, requests(len(moments))))
        moments.append((at + slice, system.memory))
    return Growth(moments)
