"""Another copy leads because somebody asks for it, or because the primary's disk is full."""

import threading

import pytest

from minisocial.database import Cluster
from minisocial.database.loss.promotion import leave_full_disk
from minisocial.errors import Refused
from tests.database.conftest import Make
from tests.database.world import Remembering, assert_copies_equal, person, post, primary_of, texts, together, until


def test_the_promoted_copy_leads_a_new_term_and_nothing_is_lost(cluster: Cluster) -> None:
    ada = person(cluster)
    _, before = post(cluster, ada, "before")
    cluster.promote("0", "c")
    assert primary_of(cluster) == "c"
    assert cluster.snapshot().shards[1].term == 2
    _, after = post(cluster, ada, "after")
    assert after > before
    assert_copies_equal(cluster)
    assert texts(cluster) == ["before", "after"]
    assert cluster.snapshot().shards[1].lost == 0


def test_it_leads_after_a_restart_too(cluster: Cluster) -> None:
    cluster.promote("0", "b")
    cluster.stop()
    cluster.start()
    assert primary_of(cluster) == "b"
    assert cluster.snapshot().shards[1].term == 2, "a restart begins no new term"


def test_promoting_the_one_that_leads_changes_nothing(cluster: Cluster) -> None:
    cluster.promote("0", "a")
    assert cluster.snapshot().shards[1].term == 1


def test_a_held_copy_is_refused_and_an_unknown_one(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    with pytest.raises(Refused, match="held"):
        cluster.promote("0", "b")
    with pytest.raises(Refused, match="no copy x"):
        cluster.promote("0", "x")


def test_a_copy_far_behind_catches_up_first(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    ada = person(cluster)
    ids = [post(cluster, ada)[0] for _ in range(50)]
    cluster.release("0", "b")
    cluster.promote("0", "b")
    with cluster.read("0", cluster.position("0")) as reader:
        assert [id for (id,) in reader.rows("SELECT id FROM posts ORDER BY id")] == ids


@pytest.mark.parametrize("durability", ["commit", "replicated"])
def test_writers_never_fail_while_copies_take_turns_to_lead(make: Make, durability: str) -> None:
    cluster = make(shards=1, durability=durability)
    cluster.settle()
    remembering = Remembering()
    cluster.subscribe(remembering)
    is_over = threading.Event()
    written: list[list[int]] = [[] for _ in range(5)]

    def work(number: int) -> None:
        if number == 4:
            try:
                for name in "bcabcabc":
                    cluster.promote("0", name)
            finally:
                is_over.set()
            return
        ada = person(cluster)
        while not is_over.is_set():
            written[number].append(post(cluster, ada)[0])

    together(5, work)
    expected = sorted(id for ids in written for id in ids)
    assert_copies_equal(cluster)
    with cluster.read("0", cluster.position("0")) as reader:
        assert [id for (id,) in reader.rows("SELECT id FROM posts ORDER BY id")] == expected
    assert sorted(change.key[0] for change in remembering.changes) == expected
    assert cluster.snapshot().shards[1].term == 9


def test_a_full_disk_hands_over_to_a_copy_with_room(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = cluster._shards["0"]
    free = {"a": 0, "b": 100 << 20, "c": 900 << 20}
    monkeypatch.setattr("minisocial.database.loss.promotion.room", lambda folder: free[folder.name])
    shard.full()
    until(lambda: primary_of(cluster) == "c", "the copy with the most room")
    assert not shard.is_full


def test_a_full_disk_that_all_share_changes_nothing(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = cluster._shards["0"]
    monkeypatch.setattr("minisocial.database.loss.promotion.room", lambda folder: 60 << 20)
    shard.is_full = True
    leave_full_disk(shard)
    assert primary_of(cluster) == "a"
