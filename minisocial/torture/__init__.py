"""Tortures a database, or all of it: hurt and killed at work, it must lose nothing that it acknowledged."""

from pathlib import Path


def run(rounds: int, seed: int | None = None, durability: str = "replicated", keep: Path | None = None) -> int:
    """So many rounds; prints how each went and a table, and gives the exit status: 1 if anything was found.

    `seed` makes the schedule of a run repeatable. All databases are made in `keep`, or in a folder
    that is removed afterwards; those in which something was found stay.
    """
    from minisocial.torture.running import run  # late: the tortured process lies in this package and must start light

    return run(rounds, seed, durability, keep)


def run_background(rounds: int, seed: int | None = None, keep: Path | None = None) -> int:
    """Kills the whole system at work so often, also in the middle of letters; 1 if anything was lost or doubled."""
    from minisocial.torture.background.rounds import run

    return run(rounds, seed, keep)
