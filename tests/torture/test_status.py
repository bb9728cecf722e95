from minisocial.torture.status import Pulse


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_longest_pause_is_that_of_the_writer_who_waited_longest() -> None:
    clock = Clock()
    pulse = Pulse(range(2), clock)
    for clock.now in (0.1, 0.2, 0.3):
        pulse.beat(0)
    clock.now = 1.0
    pulse.beat(1)
    assert (pulse.longest(), pulse.count) == ({"0": 0.7, "1": 1.0}, 4)


def test_only_pauses_that_end_after_it_was_asked_count_and_one_that_lasts_counts() -> None:
    clock = Clock()
    pulse = Pulse([0], clock)
    clock.now = 5.0
    pulse.beat(0)
    pulse.begin()
    assert pulse.longest() == {"0": 0.0}
    clock.now = 7.5
    assert pulse.longest() == {"0": 2.5}
