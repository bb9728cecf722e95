"""A primary fails while the program runs."""

import os

import pytest

from minisocial.database import Cluster
from minisocial.errors import InDoubt, NoPrimary
from tests.database.conftest import Make
from tests.database.world import (
    Remembering,
    assert_copies_equal,
    file_of,
    person,
    post,
    primary_of,
    spoil,
    texts,
    until,
)


def failovers(cluster: Cluster) -> int:
    return cluster.snapshot().shards[1].failovers


def test_a_write_to_a_deleted_file_is_not_acknowledged_and_the_next_one_is(cluster: Cluster) -> None:
    ada = person(cluster)
    post(cluster, ada, "before")
    cluster.settle()
    with pytest.raises(InDoubt), cluster.write("0") as block:
        os.unlink(file_of(cluster, "0", "a"))
        block.execute("INSERT INTO likes VALUES (1, 1)")
    post(cluster, ada, "after")
    assert primary_of(cluster) in ("b", "c")
    assert_copies_equal(cluster)
    assert texts(cluster) == ["before", "after"]


def test_a_deleted_primary_is_noticed_though_nobody_writes(cluster: Cluster) -> None:
    post(cluster, person(cluster), "kept")
    cluster.settle()
    file_of(cluster, "0", "a").unlink()
    until(lambda: failovers(cluster) == 1, "the fail-over")
    until(lambda: primary_of(cluster) in ("b", "c"), "a new primary")
    assert_copies_equal(cluster)
    assert texts(cluster) == ["kept"]


def test_what_replicas_had_not_read_yet_is_read_from_the_deleted_file(cluster: Cluster) -> None:
    ada = person(cluster)
    post(cluster, ada, "first")
    cluster.settle()
    with cluster._shards["0"].copy_named("b").busy, cluster._shards["0"].copy_named("c").busy:
        post(cluster, ada, "not read yet")
        file_of(cluster, "0", "a").unlink()
    assert_copies_equal(cluster)
    until(lambda: primary_of(cluster) in ("b", "c"), "a new primary")
    assert_copies_equal(cluster)
    assert texts(cluster) == ["first", "not read yet"]


def test_consumers_hear_of_every_change_over_a_fail_over_once(cluster: Cluster) -> None:
    remembering = Remembering()
    cluster.subscribe(remembering)
    ada = person(cluster)
    ids = [post(cluster, ada)[0]]
    cluster.settle()
    file_of(cluster, "0", "a").unlink()
    until(lambda: failovers(cluster) == 1 and primary_of(cluster) in ("b", "c"), "the fail-over")
    ids += [post(cluster, ada)[0] for _ in range(3)]
    assert [change.key for change in remembering.changes] == [(id,) for id in ids]


def test_who_keeps_what_was_read_is_told_of_a_fail_over_once_the_old_file_is_read_no_more(cluster: Cluster) -> None:
    ada, found = person(cluster), []
    post(cluster, ada, "kept")
    cluster.settle()
    cluster.subscribe(Remembering(), on_loss=lambda: found.append(texts(cluster)))
    with cluster._shards["0"].copy_named("b").busy, cluster._shards["0"].copy_named("c").busy:
        post(cluster, ada, "lost")
        assert texts(cluster) in (["kept"], ["kept", "lost"])
        spoil(cluster, "a")
    until(lambda: bool(found), "the news")
    until(lambda: primary_of(cluster) in ("b", "c"), "a new primary")
    assert found == [texts(cluster)]


def test_positions_grow_over_a_fail_over_and_a_session_stays_valid(cluster: Cluster) -> None:
    ada = person(cluster)
    with cluster.session({}) as seen:
        _, before = post(cluster, ada, "one")
        cluster.settle()
        file_of(cluster, "0", "a").unlink()
        until(lambda: failovers(cluster) == 1 and primary_of(cluster) in ("b", "c"), "the fail-over")
        _, after = post(cluster, ada, "two")
        assert after > before
        assert texts(cluster) == ["one", "two"]
        assert seen["0"] == after


def test_without_any_replica_a_lost_file_means_no_primary(make: Make) -> None:
    cluster = make(shards=1, replicas=0)
    ada = person(cluster)
    file_of(cluster, "0", "a").unlink()
    until(lambda: failovers(cluster) == 1, "the loss")
    with pytest.raises(NoPrimary):
        post(cluster, ada)


def test_an_error_that_passed_lets_the_only_copy_go_on(make: Make) -> None:
    """No other can lead and the file is sound, so it is opened anew."""
    cluster = make(shards=1, replicas=0)
    ada = person(cluster)
    post(cluster, ada, "before")
    shard = cluster._shards["0"]
    with shard.commits.lock:
        shard.failed(OSError("passing"))
    post(cluster, ada, "after")
    assert texts(cluster) == ["before", "after"]
    assert cluster.snapshot().shards[1].term == 2


def test_replicated_loses_nothing_acknowledged_with_the_primarys_file(make: Make) -> None:
    cluster = make(shards=1, durability="replicated")
    ada = person(cluster)
    acknowledged = []
    for number in range(30):
        if number == 15:
            path = file_of(cluster, "0", "a")
            for suffix in ("", "-wal", "-shm"):
                os.unlink(f"{path}{suffix}")
        try:
            acknowledged.append(post(cluster, ada, str(number))[0])
        except (InDoubt, NoPrimary):
            until(lambda: primary_of(cluster) in ("b", "c"), "a new primary")
    assert len(acknowledged) >= 28
    assert_copies_equal(cluster)
    with cluster.read("0") as reader:
        assert set(acknowledged) <= {id for (id,) in reader.rows("SELECT id FROM posts")}
