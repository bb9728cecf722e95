"""The benchmark `path`: whole requests through the whole system, each beside bare Waitress.

A round measures bare Waitress and a page one right after the other, so that a machine which is busy
with other things slows both; ratios are taken within a round.
"""

import tempfile
import threading
from pathlib import Path

import click

from minisocial.benchmarks import children
from minisocial.benchmarks.children import Server
from minisocial.benchmarks.report import MIB, Memory, lines_of
from minisocial.benchmarks.scenarios import QUICK, Size
from minisocial.benchmarks.stage import Stage, ended_by_signals, threads

QUIET_SECONDS = 1.5  # after the start, before memory is read
IDLE_MEMORY = 80 * MIB


def run(quick: bool = False) -> None:
    """Measure, and print the tables."""
    size = QUICK if quick else Size()
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch:
        PathBenchmark(Path(scratch), size).run()


class PathBenchmark:
    """Memory first, then all scenarios, round after round."""

    def __init__(self, scratch: Path, size: Size) -> None:
        self._stage = Stage(scratch, size)
        self._empty = scratch / "empty"
        self._memory: list[Memory] = []

    def run(self) -> None:
        """Measure, and print the tables."""
        stage = self._stage
        self._measure_empty()
        stage.seed()
        with children.system(stage.data, stage.log) as system, children.bare(threads(self._empty), stage.log) as bare:
            self._remember("idle, with all these people", system)
            scenarios = stage.scenarios(system).of_path()
            lines = stage.measure(scenarios, system, bare)
            self._remember("after all this", system)
        for line in lines_of(lines, self._memory):
            click.echo(line)

    def _measure_empty(self) -> None:
        click.echo("Starting on an empty folder ...")
        with children.system(self._empty, self._stage.log) as system:
            self._remember("idle, empty folder", system, IDLE_MEMORY)

    def _remember(self, name: str, system: Server, mark: int | None = None) -> None:
        threading.Event().wait(QUIET_SECONDS)
        self._memory.append(Memory(name, system.memory, mark))
