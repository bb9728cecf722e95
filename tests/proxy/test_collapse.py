"""Collapsed forwarding: one piece of work for many who ask at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from minisocial.errors import Overloaded, Unavailable
from minisocial.proxy import Collapse
from tests.fakes import ManualClock
from tests.impatient import impatiently, would_wait
from tests.proxy.waiting import until

WAIT = 10.0


def share(result: str) -> bool | None:
    return True


class Crowd:
    """Threads that ask for one key; work is held inside `work` until it is let go."""

    def __init__(self, collapse: Collapse[str], judge: Callable[[str], bool | None] = share) -> None:
        self.collapse = collapse
        self.judge = judge
        self.fits: Callable[[str], bool] = lambda result: True
        self.lock = threading.Lock()
        self.worked = 0
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.results: list[tuple[str, bool]] = []
        self.errors: list[Exception] = []
        self.threads: list[threading.Thread] = []

    def work(self) -> str:
        with self.lock:
            self.worked += 1
        self.entered.release()
        assert self.go_on.wait(WAIT)
        return "answer"

    def fail(self) -> str:
        self.work()
        raise ValueError("bug")

    def join(self, work: Callable[[], str], times: int = 1, key: str = "/") -> None:
        new = [threading.Thread(target=self._ask, args=(work, key), daemon=True) for _ in range(times)]
        self.threads += new
        for thread in new:
            thread.start()

    def finish(self) -> None:
        self.go_on.set()
        for thread in self.threads:
            thread.join(WAIT)
            assert not thread.is_alive()

    def _ask(self, work: Callable[[], str], key: str) -> None:
        try:
            result = self.collapse.run(key, work, self.judge, self.fits)
        except (ValueError, Unavailable) as error:
            self.errors.append(error)
        else:
            self.results.append(result)

    def lead_and_follow(self, lead: Callable[[], str], followers: int) -> None:
        """One leads with `lead`; `followers` wait for it; then all go on to the end."""
        self.join(lead)
        assert self.entered.acquire(timeout=WAIT)
        self.join(self.work, followers)
        until(lambda: self.collapse.waiting == followers)
        self.finish()


def test_two_hundred_equal_requests_at_once_are_one_piece_of_work() -> None:
    crowd = Crowd(Collapse())
    crowd.lead_and_follow(crowd.work, 199)
    assert crowd.worked == 1
    assert sorted(crowd.results) == [("answer", False)] + [("answer", True)] * 199


def test_one_after_the_other_is_not_collapsed() -> None:
    collapse: Collapse[str] = Collapse()
    assert collapse.run("/", lambda: "first", share) == ("first", False)
    assert collapse.run("/", lambda: "second", share) == ("second", False)


def test_different_keys_do_not_wait_for_each_other() -> None:
    crowd = Crowd(Collapse())
    crowd.join(crowd.work, key="/a")
    crowd.join(crowd.work, key="/b")
    assert crowd.entered.acquire(timeout=WAIT) and crowd.entered.acquire(timeout=WAIT)
    crowd.finish()
    assert crowd.worked == 2


def test_failing_leader_keeps_its_failure_and_the_others_try_once_more_together() -> None:
    crowd = Crowd(Collapse())
    crowd.lead_and_follow(crowd.fail, 20)
    assert len(crowd.errors) == 1
    assert [result for result, _ in crowd.results] == ["answer"] * 20


def test_failure_told_by_the_judge_is_not_shared_either() -> None:
    verdicts = iter([None])
    crowd = Crowd(Collapse(), judge=lambda result: next(verdicts, True))
    crowd.lead_and_follow(crowd.work, 5)
    assert crowd.worked >= 2
    assert len(crowd.results) == 6


def test_everybody_is_released_when_every_try_fails_and_there_are_two_tries() -> None:
    crowd = Crowd(Collapse())
    crowd.join(crowd.fail)
    assert crowd.entered.acquire(timeout=WAIT)
    crowd.join(crowd.fail, 8)
    until(lambda: crowd.collapse.waiting == 8)
    crowd.finish()
    assert crowd.worked == 2 and crowd.collapse.waiting == 0
    assert Counter(type(error) for error in crowd.errors) == {ValueError: 2, Unavailable: 7}


def test_answer_for_one_viewer_is_not_shared() -> None:
    crowd = Crowd(Collapse(), judge=lambda result: False)
    crowd.lead_and_follow(crowd.work, 5)
    assert crowd.worked == 6
    assert crowd.results == [("answer", False)] * 6


def test_judge_that_raises_releases_those_who_wait() -> None:
    def judge(result: str) -> bool:
        raise ValueError("bug")

    crowd = Crowd(Collapse(), judge=judge)
    crowd.lead_and_follow(crowd.work, 3)
    assert crowd.collapse.waiting == 0


def test_nobody_waits_for_a_leader_that_hangs() -> None:
    clock = ManualClock()
    crowd = Crowd(Collapse(clock=clock, patience=60.0))
    crowd.join(crowd.work)
    assert crowd.entered.acquire(timeout=WAIT)
    clock.advance(60.1)
    crowd.join(lambda: "mine")
    until(lambda: crowd.results == [("mine", False)])
    crowd.finish()


def test_waiting_is_bounded() -> None:
    crowd = Crowd(Collapse(patience=0.01))
    crowd.join(crowd.work)
    assert crowd.entered.acquire(timeout=WAIT)
    assert crowd.collapse.run("/", lambda: "mine", share)[0] == "mine"
    crowd.finish()


def test_who_has_waited_for_two_that_hang_is_told_to_come_again() -> None:
    clock = ManualClock()  # stands still: no flight looks old, so all go on waiting for the one that hangs
    crowd = Crowd(Collapse(patience=0.01, clock=clock))
    crowd.join(crowd.work)
    assert crowd.entered.acquire(timeout=WAIT)
    with pytest.raises(Overloaded):
        crowd.collapse.run("/", lambda: "mine", share)
    crowd.finish()


def test_result_that_does_not_suit_is_asked_for_again_once_for_all() -> None:
    crowd = Crowd(Collapse())
    crowd.fits = lambda result: crowd.worked > 1
    crowd.lead_and_follow(crowd.work, 20)
    assert crowd.worked == 2 and len(crowd.results) == 21


def test_result_that_never_suits_ends_in_work_of_ones_own() -> None:
    crowd = Crowd(Collapse())
    crowd.fits = lambda result: False
    crowd.lead_and_follow(crowd.work, 5)
    assert crowd.worked == 6 and len(crowd.results) == 6


def test_switched_off_everybody_works_for_themselves() -> None:
    crowd = Crowd(Collapse(enabled=False))
    crowd.join(crowd.work, 3)
    for _ in range(3):
        assert crowd.entered.acquire(timeout=WAIT)
    crowd.finish()
    assert crowd.worked == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_killed_leader_releases_the_key(error: type[BaseException]) -> None:
    def killed() -> str:
        raise error

    collapse: Collapse[str] = Collapse()
    with pytest.raises(error):
        collapse.run("/", killed, share)
    assert collapse.run("/", lambda: "next", share) == ("next", False)


def test_a_thread_that_must_not_wait_leads_but_joins_nobody() -> None:
    collapse: Collapse[str] = Collapse()
    assert impatiently(lambda: collapse.run("/", lambda: "answer", share)) == ("answer", False)
    crowd = Crowd(collapse)
    crowd.join(crowd.work)
    assert crowd.entered.acquire(timeout=WAIT)
    assert would_wait(lambda: collapse.run("/", lambda: "another", share))
    assert collapse.waiting == 0
    crowd.finish()
