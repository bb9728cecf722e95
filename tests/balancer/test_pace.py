"""How long somebody would wait, told by how fast the queue has moved."""

from minisocial.balancer.pace import REMEMBERED, Pace


def test_nobody_knows_before_each_slot_has_had_its_turn() -> None:
    pace = Pace()
    assert pace.wait(1, 2, 0.0) == 0
    pace.joined(0.0)
    pace.handed(3.0)
    assert pace.wait(5, 2, 3.0) == 0
    pace.handed(4.0)
    assert pace.wait(5, 2, 4.0) == 10


def test_time_before_the_queue_formed_says_nothing() -> None:
    pace = Pace()
    pace.joined(0.0)
    pace.handed(100.0)
    pace.forget()
    assert pace.wait(1, 1, 200.0) == 0
    pace.joined(200.0)
    pace.joined(201.0)  # the second in line
    pace.handed(202.0)
    assert pace.wait(3, 1, 202.0) == 6


def test_what_was_long_ago_is_forgotten_little_by_little() -> None:
    pace = Pace()
    pace.joined(0.0)
    now = 0.0
    for seconds in [4.0] * 1000 + [0.5] * 1000:
        now += seconds
        pace.handed(now)
    assert 0.5 <= pace.wait(1, 4, now) < 0.51


def test_many_slots_are_not_waited_for_forever() -> None:
    pace = Pace()
    pace.joined(0.0)
    for number in range(REMEMBERED // 2):
        pace.handed(float(number + 1))
    assert pace.wait(1, 10_000, 32.0) == 1
