"""The benchmark `background`: tasks beside plain Huey, from commit to notification, fan-out, letters now or later.

All that can be is measured in rounds: one half here, the other beside it, right after each other, so
that a machine which is busy with other things slows both. Ratios are taken within a round.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from minisocial.benchmarks.background import fan_out, mailing, queueing, visible
from minisocial.benchmarks.background.size import QUICK, Size
from minisocial.benchmarks.database.figures import Table, missed


def run(quick: bool = False) -> None:
    """Measure, and print the tables."""
    with tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch:
        report(Path(scratch), QUICK if quick else Size())


def report(scratch: Path, size: Size) -> list[Table]:
    """Measures in a folder, prints the tables and returns them."""
    began = time.perf_counter()
    tables = []
    for table in measured(scratch, size):  # each is printed when it is there: a slow machine takes minutes
        tables.append(table)
        for line in table.lines():
            click.echo(line)
    click.echo("")
    click.echo(f"Medians of the rounds. All this took {time.perf_counter() - began:.0f} s.")
    for name in missed(tables):
        click.echo(f"✗ below its mark: {name}")
    return tables


def measured(scratch: Path, size: Size) -> Iterator[Table]:
    """One table after the other."""
    yield Table("beside plain Huey", ("minisocial", "plain", "  ratio", "to reach"), queueing.measure(scratch, size))
    yield Table("letters, later or at once", ("later", "at once", "  ratio"), mailing.measure(scratch, size))
    yield Table("by itself", ("median", "worst"), [*visible.measure(scratch, size), *fan_out.measure(scratch, size)])
