"""The first signal asks, the second does not."""

import os
import signal
import threading

import pytest

from minisocial.cli.stopping import Stopped, StopSignals


class Ends:
    """Stands in for `os._exit`."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.happened = threading.Event()

    def __call__(self, status: int) -> None:
        self.statuses.append(status)
        self.happened.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_wait(number):
    ends = Ends()
    with StopSignals(ends) as stop:
        stop.check()
        os.kill(os.getpid(), number)
        stop.wait()
        with pytest.raises(Stopped):
            stop.check()
    assert ends.statuses == []


def test_a_signal_wakes_a_wait_that_has_begun():
    with StopSignals(Ends()) as stop:
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()
        stop.wait()
        assert stop.is_asked


def test_the_second_signal_ends_it_at_once_after_the_last_act():
    ends, acts = Ends(), []
    with StopSignals(ends) as stop:
        stop.last_act = lambda: acts.append(list(ends.statuses))
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert (ends.statuses, acts) == ([130], [[]])


def test_a_stop_that_takes_too_long_is_cut_short(capsys):
    ends = Ends()
    with StopSignals(ends) as stop:
        stop.guard(0)
        assert ends.happened.wait(10)
    assert ends.statuses == [1]


def test_a_stop_in_time_is_left_alone():
    ends = Ends()
    with StopSignals(ends) as stop:
        guard = stop.guard(3600)
        guard.cancel()
        guard.join(10)
        assert not guard.is_alive()
    assert ends.statuses == []


def test_afterwards_the_signals_mean_what_they_meant():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals(Ends()):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_started_in_the_background_of_a_script_it_can_be_interrupted_all_the_same():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopSignals(Ends()) as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.is_asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_hang_up_that_is_ignored_on_purpose_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals(Ends()):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
