"""Passive health: ejection, back-off, readmission."""

from minisocial.balancer.health import Health
from tests.fakes import ManualClock


def failed(times: int, clock: ManualClock) -> Health:
    health = Health(clock)
    for _ in range(times):
        health.failed()
    return health


def test_two_failures_in_a_row_are_forgiven() -> None:
    assert not failed(2, ManualClock()).is_ejected


def test_three_failures_in_a_row_eject_for_a_second() -> None:
    clock = ManualClock()
    health = failed(3, clock)
    assert health.is_ejected
    clock.advance(1.1)
    assert not health.is_ejected


def test_success_in_between_starts_the_count_anew() -> None:
    health = failed(2, ManualClock())
    health.succeeded()
    health.failed()
    assert not health.is_ejected and health.failures == 1


def test_each_further_failure_doubles_the_pause_up_to_half_a_minute() -> None:
    clock = ManualClock()
    health = failed(4, clock)
    clock.advance(1.9)
    assert health.is_ejected
    clock.advance(0.2)
    assert not health.is_ejected
    for _ in range(40):
        health.failed()
    clock.advance(29.9)
    assert health.is_ejected
    clock.advance(0.2)
    assert not health.is_ejected
