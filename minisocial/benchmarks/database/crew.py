"""Threads that repeat a piece of work, and what is known of it afterwards."""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple

from minisocial.benchmarks.client import percentile
from minisocial.errors import MinisocialError

Work = Callable[[], int]  # returns the position of its commit, 0 if it has none

REST = 0.001  # seconds after a refusal, before the same is tried again
JOIN_SECONDS = 60.0


class Done(NamedTuple):
    """One piece of work: when it was done, how long it took (seconds), the position of its commit."""

    at: float
    took: float
    position: int


class Crew:
    """Threads at work while the block runs. What the database refuses is counted and tried again; other errors fail."""

    def __init__(self, work: Work, threads: int, pause: float = 0.0) -> None:
        """`pause`: seconds from the beginning of one piece to that of the thread's next; 0: without pause."""
        self.refused = 0
        self._work = work
        self._pause = pause
        self._stop = threading.Event()
        self._done: list[list[Done]] = [[] for _ in range(threads)]  # one each, so that they need no lock
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(done,), daemon=True) for done in self._done]
        self._began = 0.0

    def __enter__(self) -> "Crew":
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        if self._errors and error is None:
            raise self._errors[0]

    def _run(self, done: list[Done]) -> None:
        next_at = time.perf_counter()
        while not self._stop.is_set():
            next_at += self._pause
            try:
                began = time.perf_counter()
                position = self._work()
                ended = time.perf_counter()
                done.append(Done(ended, ended - began, position))
            except MinisocialError:
                self.refused += 1
                self._stop.wait(REST)
            except BaseException as error:
                self._errors.append(error)
                return
            if self._pause:
                self._stop.wait(max(0.0, next_at - time.perf_counter()))

    def done(self, since: float = 0.0, until: float = float("inf")) -> list[Done]:
        """All that was done in a stretch of time, in order."""
        if self._errors:
            raise self._errors[0]
        return sorted(one for each in self._done for one in list(each) if since < one.at <= until)

    def rate(self, since: float = 0.0, until: float = float("inf")) -> float:
        """Pieces a second in a stretch of time; by default from the beginning to the end of the last."""
        done = self.done(since, until)
        if not done:
            return 0.0
        end = until if until < float("inf") else done[-1].at
        return len(done) / (end - max(since, self._began))


def rate(work: Work, threads: int, seconds: float) -> float:
    """How often a second so many threads get a piece of work done."""
    with Crew(work, threads) as crew:
        wait(seconds)
    return crew.rate()


def thrift(work: Work, seconds: float) -> float:
    """How often one thread gets a piece of work done in a second of the processor's: what else the machine has to do
    meanwhile counts for nothing. For work that waits for nobody."""
    until, began, done = time.perf_counter() + seconds, time.thread_time(), 0
    while time.perf_counter() < until:
        work()
        done += 1
    return done / (time.thread_time() - began)


def alternating(rounds: int, ours: Callable[[], float], beside: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Two things measured one right after the other, again and again; who is first takes turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        halves = [(found[0], ours), (found[1], beside)]
        for values, measure in halves if turn % 2 == 0 else reversed(halves):
            values.append(measure())
    return found


def p99(done: Sequence[Done]) -> float:
    """Milliseconds within which 99 of 100 were done."""
    return percentile(sorted(one.took for one in done), 0.99) * 1000


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)
