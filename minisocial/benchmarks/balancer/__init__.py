"""The benchmark `balancer`: what is left of a site at twice its capacity, and of its reads beside slow writes."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from minisocial.benchmarks.balancer import overload, services
from minisocial.benchmarks.database.figures import Table, missed


@dataclass(frozen=True, slots=True)
class Size:
    """How long is measured, and how many people there are to read and write."""

    rounds: int = 3
    seconds: float = 4.0
    people: int = 300


QUICK = Size(rounds=1, seconds=0.5, people=300)


def run(quick: bool = False) -> None:
    """Measure, and print the tables."""
    with tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch:
        report(Path(scratch), QUICK if quick else Size())


def report(scratch: Path, size: Size) -> list[Table]:
    """Measures in a folder, prints the tables and returns them."""
    pairs, waits = zip(
        *(overload.measure(load, size.rounds, size.seconds, scratch / "log") for load in overload.LOADS), strict=True
    )
    tables = [
        Table("at twice the capacity", ("good/s", "capacity", "  ratio", "to reach"), pairs),
        Table("and meanwhile, ms", ("median", "p95"), waits),
        Table(
            "reads beside writes of 200 ms", ("quiet", "meanwhile", "  ratio", "to reach"),
            [*services.measure(scratch, size.people, size.rounds, size.seconds)],
        ),
    ]  # fmt: skip
    for table in tables:
        for line in table.lines():
            click.echo(line)
    for name in missed(tables):
        click.echo(f"✗ below its mark: {name}")
    return tables
