import pytest

from minisocial.cache.entry import Entry
from minisocial.cache.floors import Floors


def entry(position: int, shard: str = "0", until: float = 100.0) -> Entry:
    return Entry(shard, position, until, "value")


def believed(floors: Floors, given: Entry, now: float = 0.0) -> bool:
    entries, outdated = floors.judge("0", now, [("key", given), ("not there", None)])
    assert len(entries) + outdated == 1
    return bool(entries)


def test_nothing_below_a_floor_is_believed():
    floors = Floors(10)
    floors.lift({"key": 5})
    assert not believed(floors, entry(4))
    assert believed(floors, entry(5))


def test_a_floor_never_sinks():
    floors = Floors(10)
    floors.lift({"key": 5})
    floors.lift({"key": 3})
    assert floors.of("key") == 5


def test_a_floor_under_all_keys():
    floors = Floors(10)
    floors.lift_all(5)
    assert not believed(floors, entry(4))
    assert floors.at_least(["any"]) == 5


def test_entries_too_old_or_of_another_shard_are_not_believed():
    floors = Floors(10)
    assert not believed(floors, entry(9, shard="1"))
    assert not believed(floors, entry(9, until=7.0), now=8.0)
    assert believed(floors, entry(9, until=9.0), now=8.0)


def test_a_load_is_asked_for_the_highest_floor_of_its_keys():
    floors = Floors(10)
    floors.lift({"a": 3, "b": 7, "c": 9})
    assert floors.at_least(["a", "b", "free"]) == 7
    assert floors.at_least([]) == 0


def test_a_floor_stays_until_every_copy_has_reached_it():
    floors = Floors(10)
    floors.lift({"a": 3})
    floors.lift({"b": 5})
    floors.settle(4)
    assert (floors.of("a"), floors.of("b")) == (0, 5)
    floors.settle(5)
    assert not floors.by_key


def test_a_key_changed_again_keeps_its_newer_floor():
    floors = Floors(10)
    floors.lift({"a": 3})
    floors.lift({"b": 4})
    floors.lift({"a": 5})
    floors.settle(4)
    assert (floors.of("a"), floors.of("b")) == (5, 0)
    floors.settle(5)
    assert not floors.by_key


def test_the_floor_of_the_whole_shard_stays():
    """What lies below it may still be in the global cache, however far the copies are."""
    floors = Floors(10)
    floors.lift_all(5)
    floors.lift_all(4)
    floors.settle(9)
    assert floors.judge("0", 0.0, [("a", entry(4))]) == ({}, 1)
    assert floors.judge("0", 0.0, [("a", entry(5))]) == ({"a": entry(5)}, 0)


def test_no_floor_goes_while_entries_are_being_dropped():
    floors = Floors(10)
    floors.lift({"a": 3})
    floors.running += 1
    floors.settle(9)
    assert floors.of("a") == 3
    floors.running -= 1
    floors.settle(9)
    assert floors.of("a") == 0


def test_a_copy_brought_back_from_before_is_not_good_enough():
    floors = Floors(10)
    floors.lift({"a": 3})
    floors.settle(3)
    assert floors.at_least(["a"]) == 3


def test_one_who_waited_takes_nothing_from_before_a_floor_that_has_gone_already():
    floors = Floors(10)
    assert floors.allows_waiter("a", entry(2))
    floors.lift({"a": 3})
    assert not floors.allows_waiter("a", entry(2))
    floors.settle(3)
    assert not floors.allows_waiter("a", entry(2))
    assert floors.allows_waiter("a", entry(3))


@pytest.mark.parametrize("keys", [1000, 1])
def test_there_is_a_bound_to_the_floors_and_no_key_falls_through(keys: int):
    floors = Floors(limit=10)
    highest = {}
    for position in range(1, 2001):
        key = str(position * 7 % keys)
        floors.lift({key: position})
        highest[key] = position
        floors.settle(0)  # a copy has stopped
        assert len(floors.by_key) == len(floors._order) <= 10
    assert all(floors.of(key) >= position for key, position in highest.items())
    floors.settle(2000)
    assert not floors.by_key and not floors._order and floors.whole <= 2000


def test_at_the_bound_new_floors_do_not_refuse_what_is_newer_than_the_old_ones():
    floors = Floors(limit=10)
    for position in range(1, 12):
        floors.lift({str(position): position})
    floors.settle(0)
    assert floors.of("free") == 6  # the older half became one
    assert floors.of("11") == 11
