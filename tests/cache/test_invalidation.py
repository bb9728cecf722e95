import threading
from collections.abc import Collection, Iterable

from tests.cache.world import SHARD, FakeChange, World


class Subscriber:
    def __init__(self) -> None:
        self.purged: list[str] = []
        self.purged_all = 0

    def purge(self, keys: Collection[str]) -> None:
        self.purged += keys

    def purge_all(self) -> None:
        self.purged_all += 1


def test_a_change_is_seen_by_every_node_at_once(world: World):
    world.shard.write(1)
    world.shard.replicate()
    assert world.fetch(1, node=0) == world.fetch(1, node=1) == {1: 1}
    world.shard.write(1)
    assert world.fetch(1, node=0) == world.fetch(1, node=1) == {1: 2}


def test_it_happens_in_both_tiers_even_without_a_floor(world: World):
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1)
    world.fetch(1, node=1)
    world.shard.commit(1)
    world.shard.replicate()  # all copies have it before anybody is told
    world.shard.deliver()
    assert world.invalidation.snapshot().floors == 0
    assert world.fetch(1) == world.fetch(1, node=1) == {1: 2}


def test_a_load_after_a_change_is_asked_for_a_copy_that_has_it(world: World):
    position = world.shard.write(1)
    assert world.fetch(1) == {1: position}
    assert world.loads == [([1], position)]


def test_other_keys_are_not_touched(world: World):
    world.shard.write(1, 2)
    world.shard.replicate()
    world.fetch(1, 2)
    world.shard.write(1)
    world.fetch(1, 2)
    assert [ids for ids, _ in world.loads] == [[1, 2], [1]]


def test_what_was_absent_and_is_inserted_is_found(world: World):
    assert world.fetch(1) == {}
    world.shard.write(1)
    assert world.fetch(1) == {1: 1}


def test_subscribers_are_told_after_the_caches_have_forgotten(world: World):
    held = []
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1)
    world.invalidation.subscribe(
        lambda keys: held.append(
            (set(keys), world.nodes[0].local.get_many(["post:1"]), world.shared.get_many(["post:1"]))
        ),
        lambda: None,
    )
    world.shard.write(1)
    assert held == [({"post:1"}, [None], {})]


def test_a_failing_subscriber_is_counted_and_holds_nobody_up(world: World):
    def fail(keys: Collection[str]) -> None:
        raise OSError("no page cache")

    subscriber = Subscriber()
    world.invalidation.subscribe(fail, lambda: None)
    world.invalidation.subscribe(subscriber.purge, subscriber.purge_all)
    world.shard.write(1)
    assert subscriber.purged == ["post:1"]
    assert world.invalidation.snapshot().errors == 1


def test_a_change_whose_keys_cannot_be_told_empties_everything(world: World):
    def broken(change: FakeChange) -> Iterable[str]:
        raise KeyError("logged")

    subscriber = Subscriber()
    world.invalidation.subscribe(subscriber.purge, subscriber.purge_all)
    world.shard.write(1, 2)
    world.shard.replicate()
    world.fetch(1, 2)
    world.fetch(1, 2, node=1)
    world.invalidation._keys_of = broken
    world.shard.write(1)
    assert world.fetch(1) == world.fetch(1, node=1) == {1: 2}
    assert subscriber.purged_all == 1
    assert world.invalidation.snapshot().errors == 1


def test_everything_can_be_forgotten(world: World):
    subscriber = Subscriber()
    world.invalidation.subscribe(subscriber.purge, subscriber.purge_all)
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1)
    world.fetch(1, node=1)
    world.invalidation.forget_everything()
    assert world.nodes[0].local.snapshot().entries == world.nodes[1].local.snapshot().entries == 0
    assert world.shared.snapshot().entries == 0 and subscriber.purged_all == 1


def test_the_cache_of_a_node_that_left_is_not_told_any_more(world: World):
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1)
    world.invalidation.leave(world.nodes[0].local, world.nodes[0].leases)
    world.shard.write(1)
    assert world.nodes[0].local.get_many(["post:1"]) != [None]
    assert world.invalidation.locals == (world.nodes[1].local,)


def test_floors_go_when_all_copies_have_caught_up(world: World):
    world.shard.write(1)
    world.shard.write(2)
    world.shard.replicate(1)
    assert world.invalidation.snapshot().floors == 2
    world.shard.replicate(2)
    assert world.invalidation.snapshot().floors == 0


def test_floors_stay_where_the_copies_cannot_be_asked(world: World):
    def unavailable(shard: str) -> int:
        raise OSError("no copy")

    world.shard.write(1)
    world.invalidation._floor_position = unavailable
    world.shard.write(2)
    seen = world.invalidation.snapshot()
    assert seen.floors == 2 and seen.errors == 2
    assert world.fetch(1, 2) == {1: 1, 2: 2}


def test_a_copy_brought_back_from_before_the_floors_is_not_read(world: World):
    world.shard.write(1)
    world.shard.replicate()
    world.invalidation.snapshot()  # the floor goes
    world.shard.copies[1] = 0
    assert world.fetch(1) == {1: 1}


def test_the_snapshot_counts(world: World):
    world.shard.write(1, 2)
    world.shard.write(1)
    seen = world.invalidation.snapshot()
    assert (seen.changes, seen.keys, seen.floors, seen.leases) == (3, 3, 2, 0)


def test_no_changes_are_no_change(world: World):
    world.invalidation([])
    assert world.invalidation.snapshot().changes == 0


def test_a_position_that_was_read_is_handed_out_when_everybody_has_been_told(world: World):
    """A reader in between: the change is committed, the other node still holds the old value."""
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1, node=1)
    position = world.shard.commit(1)
    world.invalidation._patience = 30.0
    seen: list[dict[int, int]] = []

    has_read = threading.Event()

    def load_from_primary(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        has_read.set()
        return world.shard.read(ids, at_least, copy=0)

    def read_twice() -> None:
        seen.append(world.fetch(1, load=load_from_primary))
        seen.append(world.fetch(1, node=1))

    world.nodes[0].local.clear()
    world.shared.clear()
    reader = threading.Thread(target=read_twice)
    reader.start()
    assert has_read.wait(10)
    world.shard.deliver()
    reader.join(10)
    assert seen == [{1: position}, {1: position}]
    assert world.invalidation.snapshot().overtaken == 0


def test_a_position_nobody_tells_of_is_waited_for_once_only(world: World):
    world.invalidation._patience = 0.001
    world.invalidation.wait_until_heard(SHARD, 9)
    world.invalidation.wait_until_heard(SHARD, 9)
    world.invalidation.wait_until_heard(SHARD, 7)
    assert world.invalidation.snapshot().overtaken == 1


def test_when_nobody_tells_in_time_whatever_is_older_counts_as_changed(world: World):
    """Else: seen on one node, and on the next one back in time."""
    made = []
    world.invalidation._patience = 0.001
    world.invalidation.subscribe(made.append, lambda: made.append("all"))
    world.shard.write(1)
    world.shard.replicate()
    for node in (0, 1):
        world.fetch(1, node=node)
        page = world.nodes[node].derive("page", lambda: world.fetch(1), len)
        assert page == {1: 1}
    world.nodes[0].local.clear()
    world.shared.clear()
    position = world.shard.commit(1)  # and its news is long in coming
    assert world.fetch(1, load=lambda ids, at_least: world.shard.read(ids, at_least, copy=0)) == {1: position}
    assert world.fetch(1, node=1) == {1: position}
    assert world.nodes[1].derive("page", lambda: world.fetch(1, node=1), len) == {1: position}
    assert made[-1] == "all"


def test_what_is_in_the_global_cache_from_before_is_not_believed_then(world: World):
    world.invalidation._patience = 0.001
    world.shard.write(1)
    world.shard.replicate()
    world.fetch(1)
    position = world.shard.commit(1)
    world.fetch(2, load=lambda ids, at_least: world.shard.read(ids, at_least, copy=0))
    world.shard.replicate()
    world.invalidation.snapshot()  # lets go of what floors it can
    assert world.fetch(1, node=1) == {1: position}


def test_what_was_committed_before_a_shard_is_first_asked_for_counts_as_heard(world: World):
    """A copy that lags at the start, and one that does not: the older value is not kept beside the newer one."""
    position = world.shard.commit(1)
    assert world.fetch(1) == {1: position}
    assert world.invalidation.snapshot().overtaken == 0


def test_a_new_term_has_a_first_position_that_nobody_tells_of(world: World):
    world.shard.write(1)
    position = world.shard.commit(1)
    world.invalidation.forget_everything()  # a shard has lost commits, and goes on in a new term
    assert world.fetch(1) == {1: position}
    assert world.invalidation.snapshot().overtaken == 0
