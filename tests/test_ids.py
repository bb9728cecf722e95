"""Identifiers sort by time, know their shard, and never come twice."""

import threading

from hypothesis import given
from hypothesis import strategies as some

from minisocial import ids
from tests.fakes import ManualClock


def test_an_identifier_tells_its_moment_and_its_shard() -> None:
    clock = ManualClock(1_800_000_000.5)
    id = ids.IdMaker(37, clock).make()
    assert ids.milliseconds(id) == 1_800_000_000_500
    assert ids.logical_shard(id) == 37
    assert id == ids.join(1_800_000_000_500, 37, 0)


def test_a_client_that_computes_an_identifier_from_a_date_is_right() -> None:
    assert ids.join(1_800_000_000_000, 0) == 1_800_000_000_000 << 16


@given(some.lists(some.integers(min_value=-5_000, max_value=5_000), max_size=60))
def test_identifiers_only_grow_whatever_the_clock_does(steps: list[int]) -> None:
    clock = ManualClock()
    maker = ids.IdMaker(3, clock)
    made = [maker.make()]
    for step in steps:
        clock.advance(step / 1000)
        made.append(maker.make())
    assert made == sorted(set(made))
    assert {ids.logical_shard(id) for id in made} == {3}


def test_more_than_a_millisecond_holds_borrow_from_the_next() -> None:
    clock = ManualClock()
    maker = ids.IdMaker(63, clock)
    made = [maker.make() for _ in range(3000)]
    assert made == sorted(set(made))
    assert {ids.logical_shard(id) for id in made} == {63}
    assert ids.milliseconds(made[-1]) == clock.milliseconds() + 2


def test_nothing_at_or_below_the_floor_is_made() -> None:
    clock = ManualClock()
    floor = clock.milliseconds() + 10_000
    assert ids.milliseconds(ids.IdMaker(0, clock, floor).make()) > floor


def test_threads_never_get_the_same_one() -> None:
    maker = ids.IdMaker(1, ManualClock())
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.extend([maker.make() for _ in range(500)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(made)) == 2000


def test_it_fits_a_signed_64_bit_column_for_centuries() -> None:
    assert ids.join(7_258_118_400_000, 63, 1023) <= ids.MAX_ID  # the year 2200
