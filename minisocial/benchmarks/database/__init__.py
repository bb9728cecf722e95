"""The benchmark `database`: commits, reads, replicas, fail-overs and moves, beside plain sqlite3 in the same run.

All that can be is measured in rounds: one half here, the other beside it, right after each other, so
that a machine which is busy with other things slows both. Ratios are taken within a round.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from minisocial import database
from minisocial.benchmarks.client import percentile
from minisocial.benchmarks.database import commits, copying, failing, following, moving, reads
from minisocial.benchmarks.database.figures import Table, missed
from minisocial.benchmarks.database.size import QUICK, Size
from minisocial.benchmarks.database.stage import Stage
from minisocial.system import SWITCH_INTERVAL

SYNCS = 50


def run(quick: bool = False) -> None:
    """Measure, and print the tables."""
    with (
        _threads_as_in_the_system(),
        _failures_are_meant(),
        tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch,
    ):
        report(Path(scratch), QUICK if quick else Size())


def report(scratch: Path, size: Size) -> list[Table]:
    """Measures in a folder, prints the tables and returns them."""
    began = time.perf_counter()
    with _threads_as_in_the_system(), _failures_are_meant():
        tables = measure(Stage(scratch, size))
    for table in tables:
        for line in table.lines():
            click.echo(line)
    click.echo("")
    click.echo(
        f"Medians of the rounds. A sync takes {sync_ms(scratch):.2f} ms here, without anything around it. "
        f"All this took {time.perf_counter() - began:.0f} s."
    )
    for name in missed(tables):
        click.echo(f"✗ below its mark: {name}")
    return tables


def measure(stage: Stage) -> list[Table]:
    """Everything, in three tables."""
    against_plain = [*commits.measure(stage)]
    with stage.cluster(replicas=2) as cluster:
        reads.fill_feeds(stage, cluster)
        against_plain.append(reads.measure(stage, cluster))
        alone, at_rest = [*following.alone(stage, cluster)], [*following.beside_itself(stage, cluster)]
    snapshots, writers = copying.measure(stage)
    alone += [*failing.measure(stage), *snapshots, *moving.measure(stage)]
    return [
        Table("beside plain sqlite3", ("minisocial", "plain", "  ratio", "to reach"), against_plain),
        Table("beside itself at rest", ("meanwhile", "at rest", "  ratio", "to reach"), [*at_rest, *writers]),
        Table("by itself", ("median", "worst"), alone),
    ]


def sync_ms(folder: Path) -> float:
    """The median of a few syncs of four kilobytes, so that figures of two disks can be told apart."""
    took = list[float]()
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"." * 4096)
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return percentile(sorted(took), 0.5) * 1000


@contextmanager
def _threads_as_in_the_system() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _failures_are_meant() -> Iterator[None]:
    """What the database reports of the files it loses here would only frighten."""
    logger = logging.getLogger(database.__name__)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
