import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from minisocial.cache import FORMS
from minisocial.cache.nearby import MOST, Nearby
from tests.cache.test_read_through import Reader
from tests.cache.world import World

LONG = 60.0  # seconds: whoever waits for this window has the test fail


class Table:
    """What is asked: every id has itself as its value."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[Any], int]] = []
        self.fails = False

    def query(self, ids: list[Any], at_least: int) -> tuple[Mapping[Any, Any], int]:
        self.asked.append((ids, at_least))
        if self.fails:
            self.fails = False
            raise OSError("lost")
        return {id: id for id in ids}, at_least


@pytest.fixture
def table() -> Table:
    return Table()


def ask(nearby: Nearby, table: Table, *ids: Any, at_least: int = 0, alike: str = "accounts") -> Reader:
    """Somebody who has set out asks, in a thread."""
    return Reader(lambda: nearby.ask(alike, list(ids), at_least, table.query))


def until(is_so: Callable[[], bool]) -> None:
    limit = threading.Event()
    for _ in range(2000):
        if is_so():
            return
        limit.wait(0.005)
    raise AssertionError("it never was so")


def test_alone_one_waits_for_nobody(table: Table):
    nearby = Nearby(LONG)
    nearby.set_out()
    assert ask(nearby, table, 1).result() == ({1: 1}, 0)


def test_those_who_come_at_the_same_moment_share_one_query(table: Table):
    nearby = Nearby(LONG)
    for _ in range(3):
        nearby.set_out()
    first = ask(nearby, table, 1, at_least=5)
    until(lambda: nearby._coming == 2)
    second, third = ask(nearby, table, 2, 3, at_least=9), ask(nearby, table, 1, at_least=7)
    answers = [reader.result() for reader in (first, second, third)]
    assert len(table.asked) == 1
    assert (sorted(table.asked[0][0]), table.asked[0][1]) == ([1, 2, 3], 9)
    assert answers == [({1: 1, 2: 2, 3: 3}, 9)] * 3
    assert nearby.joined == 2


def test_who_turns_back_is_not_waited_for(table: Table):
    nearby = Nearby(LONG)
    nearby.set_out()
    nearby.set_out()
    first = ask(nearby, table, 1)
    until(lambda: bool(nearby._open))
    nearby.turn_back()
    assert first.result() == ({1: 1}, 0)


def test_who_does_not_come_in_time_is_not_waited_for_either(table: Table):
    nearby = Nearby(0.0)
    nearby.set_out()
    nearby.set_out()
    assert ask(nearby, table, 1).result() == ({1: 1}, 0)
    assert ask(nearby, table, 2).result() == ({2: 2}, 0)
    assert len(table.asked) == 2 and not nearby._open


def test_other_kinds_and_shards_are_asked_apart(table: Table):
    nearby = Nearby(LONG)
    nearby.set_out()
    nearby.set_out()
    readers = [ask(nearby, table, number, alike=f"kind {number}") for number in (1, 2)]
    assert [reader.result() for reader in readers] == [({1: 1}, 0), ({2: 2}, 0)]


def test_a_query_that_fails_fails_who_made_it_only(table: Table):
    nearby = Nearby(LONG)
    nearby.set_out()
    nearby.set_out()
    table.fails = True
    first = ask(nearby, table, 1)
    until(lambda: bool(nearby._open))
    second = ask(nearby, table, 2)
    assert isinstance(first.result(), OSError)
    assert second.result() == ({2: 2}, 0)


def test_a_query_has_a_bound(table: Table):
    nearby = Nearby(LONG)
    for _ in range(3):
        nearby.set_out()
    first = ask(nearby, table, *range(MOST))
    until(lambda: nearby._coming == 2)
    second = ask(nearby, table, -1)
    until(lambda: nearby._coming == 1)
    nearby.turn_back()
    first.result(), second.result()
    assert sorted(len(ids) for ids, _ in table.asked) == [1, MOST]


def test_switched_off_everybody_asks_for_themselves(table: Table):
    nearby = Nearby(LONG, enabled=False)
    nearby.set_out()
    nearby.set_out()
    assert ask(nearby, table, 1).result() == ({1: 1}, 0)
    assert ask(nearby, table, 2).result() == ({2: 2}, 0)


# --- through the caches


def test_twenty_people_who_look_up_another_one_each_ask_the_database_once(world: World):
    world.shard.write(*range(20))
    nearby = world.invalidation.nearby
    nearby._window = LONG
    nearby.set_out()  # somebody more is on their way
    readers = [Reader(lambda id=id: world.fetch(id, node=id % 2, alike="posts")) for id in range(20)]
    until(lambda: nearby.joined == 19 and nearby._coming == 1)
    nearby.turn_back()
    assert [reader.result() for reader in readers] == [{id: 1} for id in range(20)]
    assert [sorted(ids) for ids, _ in world.loads] == [list(range(20))]
    assert [world.fetch(id, node=id % 2) for id in range(20)] == [{id: 1} for id in range(20)]
    assert len(world.loads) == 1, "and each of them keeps what it asked for"


def test_what_others_found_in_the_global_cache_is_not_waited_for(world: World):
    world.shard.write(1, 2)
    world.fetch(1)
    world.invalidation.nearby._window = LONG
    readers = [Reader(lambda id=id: world.fetch(id, node=1, alike="posts")) for id in (1, 2)]
    assert [reader.result() for reader in readers] == [{1: 1}, {2: 1}]
    assert world.invalidation.nearby._coming == 0


def test_one_who_shares_a_query_is_not_given_what_lacks_a_change(world: World):
    world.shard.write(1, 2)
    world.shard.replicate()
    nearby = world.invalidation.nearby
    nearby._window = LONG
    nearby.set_out()
    first = Reader(lambda: world.fetch(1, alike="posts"))
    until(lambda: bool(nearby._open))
    world.shard.write(2)  # the replica lags
    second = Reader(lambda: world.fetch(2, node=1, alike="posts"))
    until(lambda: nearby.joined == 1)
    nearby.turn_back()
    assert (first.result(), second.result()) == ({1: 1}, {2: 2})
    assert world.loads[-1][1] == 2


# --- the two forms of a global cache


@pytest.mark.parametrize(("form", "loads"), [(FORMS[0], 1), (FORMS[1], 2)])
def test_the_cache_loads_once_for_all_nodes_or_each_node_loads_once(world: World, form: str, loads: int):
    world.shared.loads = form == FORMS[0]
    world.shard.write(1)
    held, asked = threading.Event(), threading.Event()

    def load(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        answer = world.load(ids, at_least)
        if len(world.loads) == loads:
            asked.set()
        assert held.wait(20)
        return answer

    readers = [Reader(lambda node=node: world.fetch(1, node=node % 2, load=load)) for node in range(10)]
    assert asked.wait(20)
    held.set()
    assert [reader.result() for reader in readers] == [{1: 1}] * 10
    assert len(world.loads) == loads


def test_a_change_voids_the_lease_of_a_node_too(world: World):
    world.shared.loads = False
    world.shard.write(1)
    world.shard.replicate()

    def change_while_it_loads(ids: list[int], at_least: int) -> tuple[dict[int, int], int]:
        answer = world.load(ids, at_least)
        world.shard.write(1)
        world.shard.replicate()
        world.invalidation.snapshot()  # even the floor has gone
        return answer

    assert world.fetch(1, load=change_while_it_loads) == {1: 1}
    assert world.fetch(1) == world.fetch(1, node=1) == {1: 2}
    assert world.invalidation.snapshot().voided == 1
