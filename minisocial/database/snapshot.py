"""What the database says of itself: the console, the metrics and the tests read this."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from minisocial.database.log import term_of
from minisocial.database.loss.verification import NOTHING_YET, VerificationSnapshot

if TYPE_CHECKING:
    from minisocial.database.replication import Follower
    from minisocial.database.shard import Shard


@dataclass(frozen=True, slots=True)
class CopySnapshot:
    """One file: where it is, what it is for, how far it is."""

    name: str  # of the place: a, b, …
    role: str  # primary, replica
    file: str  # relative to the data folder; "" if there is none
    position: int
    lag_ms: int
    state: str  # up, joining, held, down, copying, missing, suspect
    reads: int  # read blocks it served
    snapshots: int  # how often it was copied from the primary as a whole
    problem: str  # of its place or its file; "" if all is well


@dataclass(frozen=True, slots=True)
class ShardSnapshot:
    """One shard: its copies, and what was written."""

    name: str
    term: int
    copies: tuple[CopySnapshot, ...]
    commits: int  # write blocks
    groups: int  # SQLite transactions they took
    failovers: int
    lost: int  # changes that only a failed primary had
    consumer_errors: int


@dataclass(frozen=True, slots=True)
class Report:
    """Something an operator should know of."""

    at: int  # milliseconds since 1970
    shard: str
    text: str


@dataclass(frozen=True, slots=True)
class Move:
    """A logical shard on its way to another shard."""

    logical: int
    source: str
    target: str
    state: str  # waiting, copying, catching up, clearing
    rows: int  # copied so far
    attempts: int  # that failed
    problem: str  # why the last one did; "" if all is well
    pause_ms: int  # how long its writers waited for the switch

    def __str__(self) -> str:
        trouble = f"; {self.problem}" if self.problem else ""
        return f"logical shard {self.logical} from {self.source} to {self.target}, {self.state}{trouble}"


@dataclass(frozen=True, slots=True)
class DatabaseSnapshot:
    """The whole database."""

    shards: tuple[ShardSnapshot, ...]
    commits: int
    groups: int
    reports: tuple[Report, ...] = ()  # the newest, oldest first
    moves: tuple[Move, ...] = ()  # those on record, the one under way first
    verification: VerificationSnapshot = NOTHING_YET


def describe_shard(shard: "Shard", data: Path) -> ShardSnapshot:
    """A shard's state; file names relative to the data folder."""
    return ShardSnapshot(
        name=shard.name,
        term=term_of(shard.head()),
        copies=tuple(describe_copy(shard, follower, data) for follower in shard.followers),
        commits=shard.commits.blocks,
        groups=shard.commits.groups,
        failovers=shard.failovers,
        lost=shard.lost,
        consumer_errors=shard.stream.errors,
    )


def describe_copy(shard: "Shard", follower: "Follower", data: Path) -> CopySnapshot:
    """One copy's state."""
    copy, path = follower.copy, follower.copy.path
    return CopySnapshot(
        name=copy.name,
        role="primary" if copy is shard.primary else "replica",
        file=Path(os.path.relpath(path, data)).as_posix() if path else "",
        position=copy.position,
        lag_ms=round(shard.lag(copy) * 1000),
        state=state(follower),
        reads=copy.reads,
        snapshots=follower.snapshots,
        problem=copy.place.problem() or str(copy.error or ""),
    )


def state(follower: "Follower") -> str:
    """One word for how a copy is."""
    copy = follower.copy
    words = {
        "copying": follower.is_copying,
        "missing": copy.path is None,
        "suspect": copy.error is not None,
        "down": copy.is_down,
        "held": copy.is_held,
        "joining": not copy.has_joined,
    }
    return next((word for word, is_so in words.items() if is_so), "up")
