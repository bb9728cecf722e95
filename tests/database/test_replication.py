"""Replicas follow their primary: late, new, replaced or held."""

import sqlite3
from contextlib import closing

import pytest

from minisocial.database import Cluster, log
from minisocial.database.connection import Replaced
from minisocial.errors import InDoubt, ReplicaBehind
from tests.database.conftest import Make
from tests.database.world import (
    POST,
    assert_copies_equal,
    content,
    file_of,
    person,
    post,
    texts,
    together,
    until,
)


def snapshots(cluster: Cluster, copy: str, shard: str = "0") -> int:
    found = next(s for s in cluster.snapshot().shards if s.name == shard)
    return next(c.snapshots for c in found.copies if c.name == copy)


def test_a_write_reaches_every_replica(cluster: Cluster) -> None:
    post(cluster, person(cluster))
    assert_copies_equal(cluster)
    assert len(content(file_of(cluster, "0", "c"))["posts"]) == 1


def test_late_replica_catches_up_without_a_snapshot(cluster: Cluster) -> None:
    before = snapshots(cluster, "b")
    cluster.hold("0", "b")
    ada = person(cluster)
    for number in range(200):
        post(cluster, ada, str(number))
    cluster.settle()
    assert content(file_of(cluster, "0", "b"))["posts"] == []
    cluster.release("0", "b")
    assert_copies_equal(cluster)
    assert snapshots(cluster, "b") == before


def test_new_replica_gets_a_snapshot(make: Make) -> None:
    alone = make(shards=1, replicas=0)
    post(alone, person(alone), "from before")
    alone.stop()
    more = make(shards=1, replicas=2)
    assert_copies_equal(more)
    assert [row[2] for row in content(file_of(more, "0", "c"))["posts"]] == ["from before"]


def test_replica_that_the_log_no_longer_reaches_gets_a_snapshot(cluster: Cluster) -> None:
    before = snapshots(cluster, "b")
    cluster.hold("0", "b")
    ada = person(cluster)
    for number in range(20):
        post(cluster, ada, str(number))
    with cluster.write("0") as block:
        log.trim(block.execute, 2**62, 1000)
    cluster.release("0", "b")
    assert_copies_equal(cluster)
    assert snapshots(cluster, "b") == before + 1


def test_replica_whose_file_was_deleted_is_rebuilt(cluster: Cluster) -> None:
    post(cluster, person(cluster), "kept")
    cluster.settle()
    path = file_of(cluster, "0", "b")
    path.unlink()
    until(lambda: file_of(cluster, "0", "b") not in (path, cluster.root.parent), "the new file")
    assert_copies_equal(cluster)


def test_what_a_replica_wrote_to_a_file_that_lost_its_name_counts_for_nothing(cluster: Cluster) -> None:
    """Else a replicated commit would be acknowledged on the word of a file that is gone."""
    shard = cluster._shards["0"]
    copy, primary = shard.copy_named("b"), shard.copy_named("a")
    post(cluster, person(cluster), "so that it follows")
    cluster.settle()
    with copy.busy:
        _, position = post(cluster, person(cluster), "more")
        file_of(cluster, "0", "b").unlink()
        with pytest.raises(Replaced):
            shard.follower_of(copy).follow(primary)
        assert copy.position < position


def test_replica_that_contradicts_its_primary_is_replaced(cluster: Cluster) -> None:
    """A row that only the replica has is in the way of one that the log brings."""
    ada = person(cluster)
    with cluster.write("0") as block:
        block.execute("CREATE TABLE badges (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    cluster.settle()
    cluster.hold("0", "b")
    with closing(sqlite3.connect(file_of(cluster, "0", "b"))) as connection, connection:
        connection.execute("INSERT INTO badges VALUES (99, 'first')")
    with cluster.write("0") as block:
        block.execute("INSERT INTO badges VALUES (?, 'first')", (ada,))
    cluster.release("0", "b")
    until(lambda: snapshots(cluster, "b") >= 3, "the new copy")
    assert_copies_equal(cluster)


def test_a_new_table_reaches_the_replicas_with_its_rows(cluster: Cluster) -> None:
    with cluster.write("0") as block:
        block.execute("CREATE TABLE later (id INTEGER PRIMARY KEY, x)")
        block.execute("INSERT INTO later VALUES (1, 'in the same block')")
    with cluster.write("0") as block:
        block.execute("INSERT INTO later VALUES (2, 'after it')")
    assert_copies_equal(cluster)
    assert len(content(file_of(cluster, "0", "b"))["later"]) == 2


def test_a_replica_has_no_triggers(cluster: Cluster) -> None:
    """Else it would log the changes it copies."""
    with closing(sqlite3.connect(file_of(cluster, "0", "b"))) as connection:
        assert log.installed(connection) == {}


def test_copies_are_equal_after_many_writers(make: Make) -> None:
    cluster = make(shards=2)
    people = [person(cluster, shard) for shard in ("0", "1", "0", "1", "0", "1")]

    def work(number: int) -> None:
        for i in range(40):
            id, _ = post(cluster, people[number], f"{number} {i}")
            if i % 3 == 0:
                with cluster.write(cluster.shard_of(id)) as block:
                    block.execute("DELETE FROM posts WHERE id = ?", (id,))
            elif i % 3 == 1:
                with cluster.write(cluster.shard_of(id)) as block:
                    block.execute("UPDATE posts SET likes = likes + 1 WHERE id = ?", (id,))

    together(6, work)
    assert_copies_equal(cluster)
    assert len(texts(cluster, "0")) + len(texts(cluster, "1")) == 6 * 26


def test_bulk_load_leaves_no_log_and_reaches_the_replicas(cluster: Cluster) -> None:
    seen: list[object] = []
    cluster.subscribe(seen.extend)
    ada = person(cluster)
    with cluster.load("0") as block:
        block.executemany(POST, [(id, ada, "loaded", id) for id in range(1, 2001)])
    post(cluster, ada, "after")
    assert_copies_equal(cluster)
    assert len(content(file_of(cluster, "0", "b"))["posts"]) == 2001
    assert len(content(file_of(cluster, "0", "a"))["_log"]) < 10
    assert len(seen) == 1
    assert cluster.snapshot().reports == (), "that replicas take a snapshot then is nothing to report"


def test_bulk_load_that_fails_leaves_everything_as_it_was(cluster: Cluster) -> None:
    ada = person(cluster)
    with pytest.raises(ZeroDivisionError), cluster.load("0") as block:
        block.execute(POST, (1, ada, "no", 1))
        raise ZeroDivisionError
    seen: list[object] = []
    cluster.subscribe(seen.extend)
    post(cluster, ada, "yes")
    cluster.settle()
    assert texts(cluster) == ["yes"]
    assert len(seen) == 1


def test_replicated_is_acknowledged_only_when_a_replica_has_it(make: Make) -> None:
    cluster = make(shards=1, durability="replicated")
    _, position = post(cluster, person(cluster), "twice")
    found = next(shard for shard in cluster.snapshot().shards if shard.name == "0")
    assert any(copy.position >= position for copy in found.copies if copy.role == "replica")


def test_replicated_without_a_replica_that_follows_is_in_doubt(make: Make) -> None:
    cluster = make(shards=1, durability="replicated", confirm_seconds=0.2)
    cluster.settle()
    cluster.hold("0", "b")
    post(cluster, person(cluster), "c still has it")
    cluster.hold("0", "c")
    with pytest.raises(InDoubt):
        post(cluster, person(cluster), "nobody else has it")


def test_settle_says_when_a_replica_does_not_come(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    post(cluster, person(cluster))
    cluster.settle()  # one that is held is not waited for
    with cluster._shards["0"].copy_named("b").busy:
        cluster._shards["0"].copy_named("b").is_held = False
        with pytest.raises(ReplicaBehind):
            cluster.settle(timeout=0.05)


def test_the_log_is_trimmed_but_not_beyond_a_slow_replica(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    shard = cluster._shards["0"]
    shard.trimming.keep, shard.trimming.keep_for_slow = 20, 200
    ada = person(cluster)
    cluster.hold("0", "b")
    for number in range(60):
        post(cluster, ada, str(number))
    shard.trimming.trim(at_once=50)
    assert log_length(cluster) >= 60
    cluster.release("0", "b")
    cluster.settle()
    for _ in range(3):
        shard.trimming.trim(at_once=50)
    assert 20 <= log_length(cluster) < 40
    assert_copies_equal(cluster)


def test_the_log_is_bounded_even_when_a_replica_never_comes(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    shard = cluster._shards["0"]
    shard.trimming.keep, shard.trimming.keep_for_slow = 20, 40
    cluster.hold("0", "b")
    ada = person(cluster)
    for number in range(100):
        post(cluster, ada, str(number))
    for _ in range(3):
        shard.trimming.trim(at_once=50)
    assert log_length(cluster) < 50
    cluster.release("0", "b")
    assert_copies_equal(cluster)


def log_length(cluster: Cluster) -> int:
    return len(content(file_of(cluster, "0", "a"))["_log"])
