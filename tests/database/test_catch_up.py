"""A replica that was away for very long follows again, without a new copy of everything."""

from minisocial.database import Cluster
from minisocial.database.trimming import KEEP
from tests.database.conftest import Make
from tests.database.world import assert_copies_equal, person, post, until

ROWS = 1000  # changed in one write block


def write_very_much(cluster: Cluster, changes: int) -> None:
    ada = person(cluster)
    for _ in range(changes // ROWS):
        with cluster.write("0") as block:
            rows = [(cluster.new_id(ada), ada) for _ in range(ROWS)]
            block.executemany("INSERT INTO likes (post, account) VALUES (?, ?)", rows)


def snapshots(cluster: Cluster, name: str) -> int:
    return next(copy.snapshots for copy in cluster.snapshot().shards[1].copies if copy.name == name)


def test_a_hundred_thousand_changes_are_caught_up_with_from_the_log(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    made = snapshots(cluster, "b")
    cluster.hold("0", "b")
    write_very_much(cluster, KEEP)
    cluster.release("0", "b")
    ada = person(cluster)
    until(lambda: bool(post(cluster, ada)) and cluster.snapshot().shards[1].copies[1].lag_ms < 1000, "the replica")
    assert_copies_equal(cluster)
    assert snapshots(cluster, "b") == made


def test_a_replica_that_was_away_over_a_restart_catches_up_from_the_log(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    cluster.hold("0", "b")
    write_very_much(cluster, 20 * ROWS)
    cluster.stop()
    cluster.start()
    cluster.settle()
    assert_copies_equal(cluster)
    assert snapshots(cluster, "b") == 0, "counted from the start on"


def test_a_replica_far_behind_finds_its_own_position_in_the_trimmed_log(cluster: Cluster) -> None:
    """The last entry it has is the one that says where it goes on."""
    shard, made = cluster.named("0"), snapshots(cluster, "b")
    shard.trimming.keep, shard.trimming.keep_for_slow = 20, 200
    cluster.hold("0", "b")
    ada = person(cluster)
    for _ in range(60):
        post(cluster, ada)
    for _ in range(3):
        shard.trimming.trim(at_once=50)
    cluster.release("0", "b")
    assert_copies_equal(cluster)
    assert snapshots(cluster, "b") == made
