"""Opens the database as any start does, and waits until all is as it should be."""

import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from minisocial.database import Cluster, DatabaseSnapshot
from minisocial.database.loss.verification import EQUAL, REPLACED
from minisocial.database.snapshot import ShardSnapshot
from minisocial.errors import MinisocialError

SETTLE_SECONDS = 30.0

Files = dict[str, dict[str, Path]]  # shard → place → file; the primary's first


@dataclass(frozen=True, slots=True)
class Settled:
    """A database that was opened, came to rest, and was stopped."""

    files: Files
    homes: dict[int, str]  # account → shard
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Expected:
    """What was done to the database that an audit must know of."""

    may_lose: frozenset[str] = frozenset()  # shards whose primary was lost with what no replica had
    outside: frozenset[str] = frozenset()  # keys of rows that another program wrote
    altered: tuple[str, str] | None = None  # shard and place of a copy that was changed behind everybody's back
    away: frozenset[str] = frozenset()  # places whose disk is not there; elsewhere, nobody makes another one


NOTHING = Expected()


def database(folder: Path, durability: str) -> Cluster:
    """The database of a world, as it is opened by all who open it."""
    return Cluster(folder / "data" / "database", shards=2, replicas=2, durability=durability)


def open_and_settle(folder: Path, durability: str, accounts: list[int], expected: Expected = NOTHING) -> Settled:
    """Starts the database, waits until every copy has everything, and stops it; raises MinisocialError."""
    cluster = database(folder, durability)
    cluster.start()
    try:
        problems = settle(cluster, expected.away)
        if expected.altered:
            problems += verify(cluster, *expected.altered) + settle(cluster, expected.away)
        homes = {account: cluster.shard_of(account) for account in accounts}
        return Settled(files_of(cluster.snapshot(), cluster.root.parent), homes, problems)
    finally:
        cluster.stop()


def settle(cluster: Cluster, away: Collection[str]) -> list[str]:
    """Waits until all copies are up and no move is under way; what is still missing after a time."""
    with suppress(MinisocialError):
        cluster.settle(SETTLE_SECONDS)
    pause = threading.Event()
    for _ in range(int(SETTLE_SECONDS / 0.01)):
        if is_well(snapshot := cluster.snapshot(), away):
            return []
        pause.wait(0.01)
    return [f"after {SETTLE_SECONDS} s not every copy is up: {snapshot.shards} {snapshot.moves} {snapshot.reports}"]


def verify(cluster: Cluster, shard: str, place: str) -> list[str]:
    """Verification must find the altered copy and replace it; what it says if it can not.

    The copy may be equal again: replaced by a snapshot, or brought up to date. If not, the audit will see that.
    """
    found = next(one for one in cluster.snapshot().shards if one.name == shard)
    others = [copy.name for copy in found.copies if copy.name != place]
    if next(copy.role for copy in found.copies if copy.name == place) == "primary":
        cluster.promote(shard, others[0])  # a promotion was under way when it was killed
    (verdict,) = cluster.verify(shard, place)
    return [] if verdict.outcome in (REPLACED, EQUAL) else [f"an altered copy was not replaced: {verdict}"]


def is_well(snapshot: DatabaseSnapshot, away: Collection[str]) -> bool:
    """True if nothing moves, every shard has a primary, and every copy is up and has all that there is."""
    return not snapshot.moves and all(is_complete(shard, away) for shard in snapshot.shards)


def is_complete(shard: ShardSnapshot, away: Collection[str]) -> bool:
    copies = [copy for copy in shard.copies if copy.file or copy.name not in away]
    return (
        any(copy.role == "primary" for copy in copies)
        and len({copy.position for copy in copies}) == 1
        and all(copy.state == "up" for copy in copies)
    )


def files_of(snapshot: DatabaseSnapshot, data: Path) -> Files:
    """The files in use."""
    return {
        shard.name: {
            copy.name: data / copy.file
            for copy in sorted(shard.copies, key=lambda copy: copy.role != "primary")
            if copy.file
        }
        for shard in snapshot.shards
    }
