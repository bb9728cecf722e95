"""The health of one node: ejection, back-off, probes, slow start."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from minisocial.balancer.health import FAILURES, LEAST_SHARE, LONGEST_PAUSE, PROBE_EVERY, SLOW_START, Health
from tests.fakes import ManualClock


def failed(times: int, clock: ManualClock) -> Health:
    health = Health(clock)
    for _ in range(times):
        health.failed()
    return health


def test_two_failures_in_a_row_are_forgiven() -> None:
    assert not failed(2, ManualClock()).is_ejected


def test_success_in_between_starts_the_count_anew() -> None:
    health = failed(2, ManualClock())
    health.succeeded()
    health.failed()
    assert not health.is_ejected and health.failures == 1


def test_three_failures_in_a_row_eject_until_a_probe_after_the_pause_succeeds() -> None:
    clock = ManualClock()
    health = failed(3, clock)
    assert health.is_ejected and not health.is_due()
    health.probed(True)  # one that had begun before
    clock.advance(0.9)
    assert health.is_ejected and not health.is_due()
    clock.advance(0.2)
    assert health.is_ejected and health.is_due()
    health.probed(True)
    assert not health.is_ejected


def test_success_of_an_ejected_node_is_old_news() -> None:
    health = failed(3, ManualClock())
    health.succeeded()
    assert health.is_ejected


def test_each_failed_probe_doubles_the_pause_up_to_half_a_minute() -> None:
    clock = ManualClock()
    health = failed(3, clock)
    for pause in (1, 2, 4, 8, 16, 30, 30):
        clock.advance(pause - 0.1)
        assert not health.is_due()
        clock.advance(0.2)
        assert health.is_due()
        health.probed(False)
    assert health.is_ejected


def test_readmitted_node_grows_to_its_full_share() -> None:
    clock = ManualClock()
    health = failed(3, clock)
    clock.advance(1.1)
    health.probed(True)
    assert health.share == LEAST_SHARE and not health.is_plain
    clock.advance(SLOW_START / 2)
    assert health.share == 0.5
    clock.advance(SLOW_START / 2)
    assert health.share == 1.0 and health.is_plain


def test_one_more_failure_while_it_recovers_ejects_for_twice_as_long() -> None:
    clock = ManualClock()
    health = failed(3, clock)
    clock.advance(1.1)
    health.probed(True)
    health.failed()
    assert health.is_ejected
    clock.advance(1.9)
    assert not health.is_due()
    clock.advance(0.2)
    assert health.is_due()


def test_recovered_node_is_judged_as_if_nothing_had_been() -> None:
    clock = ManualClock()
    health = failed(3, clock)
    clock.advance(1.1)
    health.probed(True)
    clock.advance(SLOW_START)
    assert health.share == 1.0
    health.failed()
    health.failed()
    assert not health.is_ejected
    health.failed()
    clock.advance(1.1)
    assert health.is_due()  # a second's pause again


def test_new_node_starts_slowly_and_is_not_ejected_by_one_failure() -> None:
    health = Health(ManualClock(), is_new=True)
    assert health.share == LEAST_SHARE
    health.failed()
    assert not health.is_ejected


def test_three_failed_probes_in_a_row_eject_a_node_that_nobody_asks() -> None:
    clock = ManualClock()
    health = Health(clock)
    for _ in range(3):
        assert not health.is_ejected and not health.is_due()
        clock.advance(PROBE_EVERY)
        assert health.is_due()
        health.probed(False)
    assert health.is_ejected


class HealthMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order: an ejected node comes back only by a probe, and always can."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.health = Health(self.clock)
        self.in_a_row = 0
        self.ejected_at: float | None = None

    @rule()
    def fail(self) -> None:
        self.health.failed()
        self.in_a_row += 1
        if self.in_a_row >= FAILURES:
            assert self.health.is_ejected
        self.note()

    @rule()
    def succeed(self) -> None:
        was = self.health.is_ejected
        self.health.succeeded()
        self.in_a_row = 0
        assert self.health.is_ejected == was

    @rule(seconds=st.floats(0.01, 40))
    def time_passes(self, seconds: float) -> None:
        was = self.health.is_ejected
        self.clock.advance(seconds)
        assert self.health.is_ejected == was

    @precondition(lambda self: self.health.is_ejected)
    @rule()
    def half_a_minute_later_a_probe_brings_it_back(self) -> None:
        self.clock.advance(LONGEST_PAUSE + 0.01)
        assert self.health.is_due()
        self.health.probed(True)
        assert not self.health.is_ejected and self.health.share == LEAST_SHARE
        self.in_a_row = 0

    @rule(is_well=st.booleans())
    def probe(self, is_well: bool) -> None:
        was = self.health.is_ejected
        if self.health.is_due():
            self.health.probed(is_well)
            if was:
                assert self.health.is_ejected != is_well
                self.in_a_row = 0
        self.note()

    def note(self) -> None:
        if not self.health.is_ejected:
            assert self.in_a_row < FAILURES

    @invariant()
    def has_a_share_of_something(self) -> None:
        assert LEAST_SHARE <= self.health.share <= 1.0
        assert not (self.health.is_plain and self.health.is_ejected)


TestHealthMachine = HealthMachine.TestCase
TestHealthMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
