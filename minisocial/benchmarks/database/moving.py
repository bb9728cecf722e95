"""How long the move of a logical shard takes, and how long its writers wait."""

import time
from collections.abc import Iterator

from minisocial import ids
from minisocial.benchmarks.database.crew import Crew, wait
from minisocial.benchmarks.database.figures import Alone
from minisocial.benchmarks.database.stage import AT_ONCE, PATIENCE, POST, SHARD, TEXT, Stage, seconds_until
from minisocial.database import Cluster

WRITERS = 4
AROUND = 0.2  # seconds the writers write before it begins and after it ended
AWAY = "1"


def measure(stage: Stage) -> Iterator[Alone]:
    """One move between two shards, with writers on the rows that move."""
    stage.say("A move ...")
    with stage.cluster(replicas=1, shards=2) as cluster:
        account = next(id for id in iter(cluster.new_account_id, 0) if cluster.shard_of(id) == SHARD)
        rows = stage.size.behind // 5
        _write_posts(cluster, account, rows)
        with Crew(lambda: _write_post(cluster, account), WRITERS) as crew:
            wait(AROUND)
            began = time.perf_counter()
            cluster.move(ids.logical_shard(account), AWAY)
            seconds_until(lambda: cluster.shard_of(account) == AWAY, "a logical shard to move")
            seconds_until(lambda: not cluster.snapshot().moves, "a move to end")
            ended = time.perf_counter()
            wait(AROUND)
    pause = max(done.took for done in crew.done(began))
    yield Alone(f"move of a logical shard of {rows:,} posts, s", ended - began)
    yield Alone("longest wait of a writer there, ms", pause * 1000)


def _write_posts(cluster: Cluster, account: int, rows: int) -> None:
    for start in range(0, rows, AT_ONCE):
        with cluster.write(SHARD) as block:
            made = [cluster.new_id(account) for _ in range(min(AT_ONCE, rows - start))]
            block.executemany(POST, [(id, account, TEXT, id) for id in made])
    cluster.settle(PATIENCE)


def _write_post(cluster: Cluster, account: int) -> int:
    id = cluster.new_id(account)
    with cluster.write_home(account) as block:
        block.execute(POST, (id, account, TEXT, id))
    return block.position
