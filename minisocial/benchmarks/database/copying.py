"""A large database: how fast a copy of it is made, and what writers notice of it."""

import time

from minisocial.benchmarks.client import percentile
from minisocial.benchmarks.database.crew import Crew, p99, wait
from minisocial.benchmarks.database.figures import Alone, Pair
from minisocial.benchmarks.database.stage import PATIENCE, POST, SHARD, Stage, replicas, seconds_until
from minisocial.database import Cluster
from minisocial.database.connection import remove

GIB = 1 << 30
WRITERS = 4
ROW_BYTES = 2000


def measure(stage: Stage) -> tuple[list[Alone], list[Pair]]:
    """Seconds for a gibibyte, and the writers' p99 beside that of a quiet moment."""
    stage.say("Snapshots ...")
    seconds, meanwhile, before = list[float](), list[float](), list[float]()
    with stage.cluster(replicas=1) as cluster:
        _grow(stage, cluster)
        for _ in range(stage.size.copies):
            with Crew(stage.writing(cluster), WRITERS) as crew:
                began = time.perf_counter()
                wait(stage.size.seconds)
                quiet = time.perf_counter()
                seconds.append(_snapshot(cluster))
                ended = time.perf_counter()
            before.append(p99(crew.done(began, quiet)))
            meanwhile.append(p99(crew.done(quiet, ended)))
            cluster.settle(PATIENCE)
    seconds.sort()
    per_gib = Alone("snapshot of a primary, s per GiB", percentile(seconds, 0.5), seconds[-1], "slowest")
    return [per_gib], [Pair("p99 of a write while a snapshot is made, ms", meanwhile, before)]


def _grow(stage: Stage, cluster: Cluster) -> None:
    """Fills a shard until its file is large."""
    rows = stage.size.big_bytes // ROW_BYTES
    with cluster.load(SHARD) as block:
        for _ in range(rows):
            id, author, _text, root = stage.row()
            block.execute(POST, (id, author, "x" * ROW_BYTES, root))
    cluster.settle(PATIENCE)


def _snapshot(cluster: Cluster) -> float:
    """The seconds for each gibibyte, from the loss of a replica's file until it has a new one."""
    (copy,), shard = replicas(cluster), cluster.named(SHARD)
    follower, old = shard.follower_of(copy), copy.path
    made = follower.snapshots
    assert old is not None
    began = time.perf_counter()
    remove(old)
    shard.watch()
    seconds_until(lambda: follower.snapshots > made, "a snapshot")
    took = time.perf_counter() - began
    assert copy.path is not None
    return took * GIB / copy.path.stat().st_size
