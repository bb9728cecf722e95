"""What the database says of itself: the console, the metrics and the tests read this."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CopySnapshot:
    """One file: where it is, what it is for, how far it is."""

    name: str  # of the place: a, b, …
    role: str  # primary, replica
    file: str  # relative to the data folder; "" if there is none
    position: int
    lag_ms: int
    state: str  # up, held, down, copying, missing, suspect
    reads: int  # read blocks it served
    snapshots: int  # how often it was copied from the primary as a whole


@dataclass(frozen=True, slots=True)
class ShardSnapshot:
    """One shard: its copies, and what was written."""

    name: str
    term: int
    copies: tuple[CopySnapshot, ...]
    commits: int  # write blocks
    groups: int  # SQLite transactions they took
    failovers: int
    consumer_errors: int


@dataclass(frozen=True, slots=True)
class DatabaseSnapshot:
    """The whole database."""

    shards: tuple[ShardSnapshot, ...]
    commits: int
    groups: int
