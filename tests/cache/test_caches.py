from collections.abc import Iterator
from pathlib import Path

import pytest

from minisocial.cache import Caches
from tests.cache.world import POST, SHARD, FakeChange, FakeShard, keys_of


@pytest.fixture
def shard() -> FakeShard:
    return FakeShard()


@pytest.fixture
def caches(tmp_path: Path, shard: FakeShard) -> Iterator[Caches[FakeChange]]:
    caches = Caches(tmp_path / "cache", keys_of, shard.lowest, local_entries=10)
    shard.consumers.append(caches.invalidation)
    caches.start()
    yield caches
    caches.stop()


def test_nodes_share_the_global_cache_and_nothing_else(caches: Caches[FakeChange], shard: FakeShard):
    first, second = caches.for_node("read-1"), caches.for_node("read-2")
    shard.write(1)
    assert first.one(POST, SHARD, 1, shard.read) == second.one(POST, SHARD, 1, shard.read) == 1
    seen = caches.snapshot()
    assert [(local.name, local.entries, local.limit) for local in seen.local] == [("read-1", 1, 10), ("read-2", 1, 10)]
    assert (seen.shared.hits, seen.shared.misses, seen.invalidation.changes) == (1, 1, 1)


def test_a_node_that_has_gone_is_not_shown_any_more(caches: Caches[FakeChange]):
    gone, stays = caches.for_node("read-1"), caches.for_node("read-2")
    caches.without_node(gone)
    assert [local.name for local in caches.snapshot().local] == [stays.local.name]


def test_both_tiers_are_switched_while_running_also_for_nodes_to_come(caches: Caches[FakeChange], shard: FakeShard):
    node = caches.for_node("read-1")
    caches.local_enabled = False
    caches.shared.enabled = False
    node.one(POST, SHARD, 1, shard.read)
    late = caches.for_node("read-2")
    seen = caches.snapshot()
    assert not any(local.enabled or local.entries for local in seen.local)
    assert not seen.shared.enabled and not seen.shared.entries
    caches.local_enabled = True
    caches.shared.enabled = True
    assert late.local.enabled and caches.shared.enabled


def test_two_can_live_in_one_process(tmp_path: Path, caches: Caches[FakeChange], shard: FakeShard):
    others = Caches(tmp_path / "other", keys_of, FakeShard().lowest)
    others.start()
    shard.write(1)
    assert caches.for_node("read-1").one(POST, SHARD, 1, shard.read) == 1
    assert others.for_node("read-1").one(POST, SHARD, 1, FakeShard().read) is None
    others.stop()
    others.stop()
    assert caches.snapshot().shared.is_open and not others.snapshot().shared.is_open
