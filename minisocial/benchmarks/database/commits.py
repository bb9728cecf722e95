"""Commits a second: alone, in a crowd, and on a slow disk; beside plain sqlite3."""

from collections.abc import Iterator

from minisocial.benchmarks.database.crew import alternating, rate
from minisocial.benchmarks.database.figures import Pair
from minisocial.benchmarks.database.stage import SHARD, Stage, primary
from minisocial.database import Cluster

MARKS = {("FULL", 1): 0.5, ("FULL", 32): 1.5}  # (synchronous, threads) → ratio to reach
SLOW_MARK = 6.0


def measure(stage: Stage) -> Iterator[Pair]:
    """All of it."""
    stage.say("Commits ...")
    for sync in "NORMAL", "FULL":
        yield from _commits(stage, sync)
    yield _on_slow_disk(stage)


def _commits(stage: Stage, sync: str) -> Iterator[Pair]:
    size = stage.size
    with stage.cluster(replicas=0) as cluster, stage.plain(sync) as plain:
        synchronous(cluster, sync)
        ours = stage.writing(cluster)
        for threads in size.threads:
            values = alternating(
                size.rounds,
                lambda threads=threads: rate(ours, threads, size.seconds),  # type: ignore[misc]
                lambda threads=threads: rate(plain, threads, size.seconds),  # type: ignore[misc]
            )
            writers = "1 writer" if threads == 1 else f"{threads} writers"
            yield Pair(f"commits/s, {writers}, {sync}", *values, MARKS.get((sync, threads)))


def _on_slow_disk(stage: Stage) -> Pair:
    size, threads = stage.size, stage.size.slow_threads
    with stage.cluster(replicas=0) as cluster, stage.plain(commit_takes=size.slow_commit) as plain:
        cluster.slow_down(SHARD, primary(cluster).name, size.slow_commit)
        ours = stage.writing(cluster)
        values = alternating(
            size.rounds, lambda: rate(ours, threads, size.seconds), lambda: rate(plain, threads, size.seconds)
        )
    return Pair(f"commits/s, {threads} writers, sync of {size.slow_commit * 1000:g} ms", *values, SLOW_MARK)


def synchronous(cluster: Cluster, sync: str) -> None:
    """Sets how carefully the primary commits. Durability “replicated” has NORMAL there, and FULL on its replicas."""
    connection = cluster.named(SHARD).commits._connection
    assert connection is not None
    connection.execute(f"PRAGMA synchronous={sync}")
