import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from minisocial import trace
from minisocial.cache import Entry, Kind, LocalCache
from minisocial.cache.leases import Lease
from minisocial.errors import ReplicaBehind
from tests.cache.world import POST, SHARD, Load, World
from tests.fakes import ManualClock
from tests.impatient import impatiently, would_wait


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """The results of these calls, made at the same time; an exception is a result too."""
    results: list[Any] = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def run(place: int) -> None:
        together.wait(10)
        try:
            results[place] = calls[place]()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return results


class SlowLoad:
    """A load that has read its rows and is held up until it is let go."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.began = threading.Event()
        self.go = threading.Event()

    def __call__(self, ids: list[Any], at_least: int) -> tuple[dict[Any, int], int]:
        answer = self._load(ids, at_least)
        self.began.set()
        assert self.go.wait(20)
        return answer


class Reader(threading.Thread):
    """A fetch in a thread of its own."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        super().__init__()
        self._fetch = fetch
        self._result: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._fetch()
        except Exception as error:
            self._result = error

    def result(self) -> Any:
        self.join(30)
        assert not self.is_alive()
        return self._result


@pytest.fixture
def slow(world: World) -> SlowLoad:
    return SlowLoad(world.load)


# --- what is asked of whom


def test_missing_keys_are_loaded_in_one_call_and_then_remembered(world: World):
    world.shard.write(1, 2)
    world.shard.replicate()
    assert world.fetch(1, 2, 3) == {1: 1, 2: 1}
    assert world.fetch(3, 2, 1) == {1: 1, 2: 1}
    assert [ids for ids, _ in world.loads] == [[1, 2, 3]]


def test_only_what_is_missing_is_loaded(world: World):
    world.fetch(1, 2)
    world.fetch(1, 2, 3)
    assert [ids for ids, _ in world.loads] == [[1, 2], [3]]


def test_what_is_not_there_is_remembered_as_absent_in_both_tiers(world: World):
    assert world.fetch(1) == {}
    world.nodes[0].local.clear()
    assert world.fetch(1) == world.fetch(1, node=1) == {}
    assert len(world.loads) == 1


def test_another_node_finds_it_in_the_global_cache_and_then_in_its_own(world: World):
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1)
    world.fetch(1, node=1)
    world.shared.clear()
    assert world.fetch(1, node=1) == {1: 1}
    assert len(world.loads) == 1
    assert world.nodes[1].local.snapshot().hits == 1


def test_an_id_asked_for_twice_is_loaded_once(world: World):
    world.shard.write(1)
    assert world.fetch(1, 1) == {1: 1}
    assert [ids for ids, _ in world.loads] == [[1]]


def test_nothing_asked_nothing_done(world: World):
    assert world.fetch() == {}
    assert not world.loads and world.nodes[0].local.snapshot().misses == 0


def test_one_value_or_none(world: World):
    world.shard.write(1)
    assert world.nodes[0].one(POST, SHARD, 1, world.load) == 1
    assert world.nodes[0].one(POST, SHARD, 2, world.load) is None


def test_kinds_and_shards_are_kept_apart(world: World):
    other = Kind("account", encode=int, decode=int)
    node = world.nodes[0]
    assert node.one(POST, "0", 1, lambda ids, at_least: ({1: 10}, 0)) == 10
    assert node.one(other, "0", 1, lambda ids, at_least: ({1: 20}, 0)) == 20
    assert node.one(POST, "1", 1, lambda ids, at_least: ({1: 30}, 0)) == 30  # the row has moved there


def test_keys_read_well():
    assert POST.key(123) == "post:123"
    assert POST.key((1, "two")) == "post:1:two"
    assert POST.key("ada") == "post:ada"


def test_values_are_encoded_for_the_global_cache_only(world: World):
    pair: Kind[tuple[int, str]] = Kind("pair", encode=list, decode=tuple)
    value = (1, "ü")

    def load(ids: list[int], at_least: int) -> tuple[dict[int, tuple[int, str]], int]:
        return {1: value}, 0

    assert world.nodes[0].one(pair, SHARD, 1, load) is value
    assert world.nodes[0].one(pair, SHARD, 1, load) is value
    assert world.shared.get_many(["pair:1"])["pair:1"].value == [1, "ü"]
    assert world.nodes[1].one(pair, SHARD, 1, load) == value


def test_the_trace_tells_hits_of_asked_per_tier(world: World):
    world.fetch(1, 2)
    tracer = trace.Tracer()
    with tracer.begin("id", "GET /") as seen:
        world.fetch(1, 2, 3)
        world.fetch(1, 2, node=1)
    told = [(span.box, span.what) for span in seen.spans]
    assert told == [
        ("local", "2/3"),
        ("global", "0/1"),
        ("local", "0/2"),
        ("global", "2/2"),
    ]


def test_entries_grow_too_old_in_the_end(tmp_path: Path):
    clock = ManualClock()
    world = World(tmp_path, clock=clock)
    world.fetch(1)
    clock.advance(3599)
    world.fetch(1, node=1)
    assert len(world.loads) == 1
    clock.advance(2)
    world.fetch(1)
    world.fetch(1, node=1)
    assert len(world.loads) == 2
    assert world.shared.snapshot().outdated == world.nodes[1].local.snapshot().outdated == 1
    world.shared.stop()


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_each_cache_can_be_off_and_costs_loads_only(world: World, local: bool, shared: bool):
    world.shard.write(1)
    world.shard.replicate()
    world.shared.enabled = shared
    for node in world.nodes:
        node.local.enabled = local
    for _ in range(3):
        assert world.fetch(1) == {1: 1}
    assert len(world.loads) == (1 if local or shared else 3)
    world.shard.write(1)
    assert world.fetch(1) == {1: 2}
    world.shared.enabled = True
    for node in world.nodes:
        node.local.enabled = True
    assert world.fetch(1) == world.fetch(1, node=1) == {1: 2}


def test_a_load_from_a_copy_that_is_behind_is_refused(world: World):
    world.shard.write(1)
    with pytest.raises(ReplicaBehind):
        world.fetch(1, load=lambda ids, at_least: ({}, at_least - 1))
    assert world.fetch(1) == {1: 1}


# --- leases


def test_fifty_misses_at_once_load_once(world: World, slow: SlowLoad):
    world.shard.write(1)
    slow.go.set()
    results = in_threads(*[lambda node=node: world.fetch(1, node=node % 2, load=slow) for node in range(50)])
    assert results == [{1: 1}] * 50
    assert len(world.loads) == 1
    assert world.invalidation.snapshot().leases == 0


def test_fifty_misses_at_once_load_once_without_any_cache(world: World, slow: SlowLoad):
    world.shard.write(1)
    world.shared.enabled = False
    for node in world.nodes:
        node.local.enabled = False
    leader = Reader(lambda: world.fetch(1, load=slow))
    assert slow.began.wait(10)
    waiters = [Reader(lambda node=node: world.fetch(1, node=node % 2)) for node in range(49)]
    until_waiting(world, 49)
    slow.go.set()
    assert [reader.result() for reader in (leader, *waiters)] == [{1: 1}] * 50
    assert len(world.loads) == 1


def until_waiting(world: World, number: int) -> None:
    """Until so many readers wait for the lease of post 1."""
    lease = world.invalidation.leases._taken["post:1"]
    limit = threading.Event()
    for _ in range(1000):
        if len(lease._finished._cond._waiters) >= number:  # type: ignore[attr-defined]
            return
        limit.wait(0.005)
    raise AssertionError("they do not wait")


def test_a_change_during_the_load_is_not_buried_under_it(world: World, slow: SlowLoad):
    world.shard.write(1)
    world.shard.replicate()
    leader = Reader(lambda: world.fetch(1, load=slow))
    assert slow.began.wait(10)
    world.shard.write(1)
    world.shard.replicate()
    world.invalidation.snapshot()  # even the floor has gone
    slow.go.set()
    assert leader.result() == {1: 1}  # it began before
    assert world.fetch(1) == world.fetch(1, node=1) == {1: 2}
    assert world.invalidation.snapshot().voided == 1


def test_a_change_during_the_load_leaves_its_other_keys_alone(world: World, slow: SlowLoad):
    world.shard.write(1, 2)
    world.shard.replicate()
    leader = Reader(lambda: world.fetch(1, 2, load=slow))
    assert slow.began.wait(10)
    world.shard.write(1)
    slow.go.set()
    leader.result()
    assert world.fetch(1, 2) == {1: 2, 2: 1}
    assert [ids for ids, _ in world.loads] == [[1, 2], [1]]


def test_who_comes_after_the_change_does_not_wait_for_the_old_load(world: World, slow: SlowLoad):
    world.shard.write(1)
    leader = Reader(lambda: world.fetch(1, load=slow))
    assert slow.began.wait(10)
    world.shard.write(1)
    assert world.fetch(1, node=1) == {1: 2}
    slow.go.set()
    leader.result()
    assert world.fetch(1) == {1: 2}


@pytest.mark.parametrize("has_gone", [False, True])
def test_one_who_waits_takes_no_value_from_before_a_change(world: World, slow: SlowLoad, has_gone: bool):
    world.shard.write(1)
    world.shard.replicate()
    leader = Reader(lambda: world.fetch(1, load=slow))
    assert slow.began.wait(10)
    waiter = Reader(lambda: world.fetch(1, node=1))
    until_waiting(world, 1)
    world.shard.write(1)
    if has_gone:
        world.shard.replicate()
        world.invalidation.snapshot()
    slow.go.set()
    assert waiter.result() == {1: 2}
    assert leader.result() == {1: 1}


class LateLease(Lease):
    """A lease whose loader finishes, whereupon something happens before the waiter wakes up."""

    def __init__(self, key: str, entry: Entry, meanwhile: Callable[[], object]) -> None:
        super().__init__(1e18)
        self._given = {key: entry}
        self._meanwhile = meanwhile

    def wait(self, seconds: float) -> None:
        self.entries = self._given
        self._meanwhile()


def test_nor_if_the_change_comes_between_the_end_of_the_load_and_waking_up(world: World):
    world.shard.write(1)
    lease = LateLease("post:1", Entry(SHARD, 1, 1e18, 1), lambda: world.shard.write(1))
    world.invalidation.leases._taken["post:1"] = lease
    assert world.fetch(1) == {1: 2}


def test_one_who_waited_takes_what_was_loaded(world: World):
    world.shard.write(1)
    lease = LateLease("post:1", Entry(SHARD, 1, 1e18, 1), lambda: None)
    world.invalidation.leases._taken["post:1"] = lease
    assert world.fetch(1) == {1: 1} and not world.loads


def test_nor_what_was_loaded_from_the_shard_where_it_was_before_it_moved(world: World):
    world.shard.write(1)
    lease = LateLease("post:1", Entry("where it was", 9, 1e18, 5), lambda: None)
    world.invalidation.leases._taken["post:1"] = lease
    assert world.fetch(1) == {1: 1}


class OvertakenLocal(LocalCache):
    """Between a miss here and the lease somebody else loads and finishes."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = [meanwhile]

    def get_many(self, keys: Collection[str]) -> list[Entry | None]:
        answer = super().get_many(keys)
        if self._meanwhile:
            self._meanwhile.pop()()
        return answer


def test_what_was_loaded_between_look_and_lease_is_not_loaded_again(world: World):
    world.shared.enabled = False
    world.nodes[0].local = OvertakenLocal(lambda: world.fetch(1))
    world.invalidation.join(world.nodes[0].local, world.nodes[0].leases)
    world.shard.write(1)
    assert world.fetch(1) == {1: 1}
    assert len(world.loads) == 1


def test_what_is_forgotten_during_the_load_is_not_filled_in_again(world: World, slow: SlowLoad):
    leader = Reader(lambda: world.fetch(1, load=slow))
    assert slow.began.wait(10)
    world.invalidation.forget_everything()
    slow.go.set()
    leader.result()
    assert world.shared.snapshot().entries == world.nodes[0].local.snapshot().entries == 0


def test_a_failing_load_fails_its_own_caller_only(world: World, slow: SlowLoad):
    def fail(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        slow(ids, at_least)
        raise OSError("this copy is gone")

    world.shard.write(1)
    leader = Reader(lambda: world.fetch(1, load=fail))
    assert slow.began.wait(10)
    waiters = [Reader(lambda: world.fetch(1, node=1)) for _ in range(5)]
    until_waiting(world, 5)
    slow.go.set()
    assert isinstance(leader.result(), OSError)
    assert [waiter.result() for waiter in waiters] == [{1: 1}] * 5
    assert world.invalidation.snapshot().leases == 0


def test_where_every_load_fails_everybody_is_told(world: World):
    def fail(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        raise OSError("no copy")

    results = in_threads(*[lambda: world.fetch(1, load=fail)] * 20)
    assert all(isinstance(result, OSError) for result in results)
    assert world.invalidation.snapshot().leases == 0


def test_a_loader_that_hangs_is_not_waited_for_for_ever(tmp_path: Path):
    world = World(tmp_path, lease_seconds=0.05)
    slow = SlowLoad(world.load)
    world.shard.write(1)
    hanging = Reader(lambda: world.fetch(1, load=slow))
    assert slow.began.wait(10)
    assert in_threads(*[lambda: world.fetch(1, node=1)] * 10) == [{1: 1}] * 10
    assert world.invalidation.snapshot().expired == 1
    world.shard.write(1)
    slow.go.set()  # it wakes up after all
    hanging.result()
    assert world.fetch(1) == world.fetch(1, node=1) == {1: 2}
    world.shared.stop()


def test_readers_of_overlapping_keys_do_not_wait_in_a_circle(world: World):
    first, second = SlowLoad(world.load), SlowLoad(world.load)
    world.shard.write(1, 2, 3)
    one = Reader(lambda: world.fetch(1, 2, load=first))
    assert first.began.wait(10)
    other = Reader(lambda: world.fetch(3, 2, 1, load=second))
    assert second.began.wait(10)  # it loads its own before it waits
    third = Reader(lambda: world.fetch(2, 3, 1, node=1))
    second.go.set()
    first.go.set()
    assert one.result() == {1: 1, 2: 1}
    assert other.result() == third.result() == {1: 1, 2: 1, 3: 1}
    assert sorted(sorted(ids) for ids, _ in world.loads) == [[1, 2], [3]]


def test_many_readers_of_many_overlapping_keys(world: World):
    world.shard.write(*range(30))
    calls = [
        lambda start=start, step=step: world.fetch(*((start * step + each) % 30 for each in range(20)), node=start % 2)
        for step in (7, 11)
        for start in range(8)
    ]
    assert all(set(result.values()) == {1} for result in in_threads(*calls))
    assert world.invalidation.snapshot().expired == 0


def test_a_fetch_inside_a_load_works_and_waits_for_nobody(world: World, slow: SlowLoad):
    world.shard.write(1, 2)
    other = Reader(lambda: world.fetch(2, load=slow))
    assert slow.began.wait(10)

    def load(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        assert world.fetch(1, 2) == {1: 1, 2: 1}  # its own key, and one that another holds
        return world.load(ids, at_least)

    assert world.fetch(1, load=load) == {1: 1}
    assert world.invalidation.snapshot().expired == 0  # or it would have waited for that
    slow.go.set()
    assert other.result() == {2: 1}
    world.loads.clear()
    world.fetch(3)  # and afterwards the thread is as it was
    world.fetch(3)
    assert len(world.loads) == 1


def test_a_key_changed_without_end_is_served_all_the_same(world: World):
    world.shard.write(1)

    def change_and_load(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        answer = world.load(ids, at_least)
        world.shard.write(1)
        return answer

    for _ in range(10):
        before = world.shard.copies[0]
        assert world.fetch(1, load=change_and_load)[1] >= before
    assert all(result[1] >= 11 for result in in_threads(*[lambda: world.fetch(1, load=change_and_load)] * 10))


def test_a_kind_that_is_not_shared_stays_in_its_node(world: World) -> None:
    own = Kind("post", encode=int, decode=int, is_shared=False)
    world.shard.write(1)
    for node in world.nodes:
        for _ in range(2):
            assert node.fetch(own, SHARD, [1], world.load) == {1: 1}
    assert len(world.loads) == len(world.nodes)
    assert world.shared.snapshot().entries == 0
    world.shard.write(1)
    assert world.nodes[0].fetch(own, SHARD, [1], world.load) == {1: 2}


def test_a_thread_that_must_not_wait_gets_what_is_in_memory_and_leaves_the_rest(world: World):
    node = world.nodes[0]
    assert would_wait(lambda: world.fetch(1))
    assert not world.loads
    assert node.local.snapshot().misses == 0  # it comes back, and is counted then
    world.shard.write(1)
    world.shard.replicate()
    assert world.fetch(1) == impatiently(lambda: world.fetch(1)) == {1: 1}

    def page() -> str:
        return str(world.fetch(1))

    assert would_wait(lambda: node.derive("page", page, len))
    assert node.derive("page", page, len) == impatiently(lambda: node.derive("page", page, len)) == "{1: 1}"
    assert node.local.snapshot().derived_misses == 1
