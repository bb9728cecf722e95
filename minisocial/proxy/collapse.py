"""Collapsed forwarding: equal requests at the same moment share one answer (single flight).

The first to ask for a key leads and does the work; who asks for it meanwhile waits.

1.  The leader is done and its answer may be shared: everybody has it, one piece of work was done.
2.  The answer may not be shared (it is for one viewer only): those who waited work for themselves.
3.  The leader failed: the failure is its own. Those who waited try once more, and one of them leads;
    if that fails too, each of them works for itself. Nobody gets somebody else's failure.
4.  The leader hangs: after `patience` seconds nobody waits for it any more, and one of them leads anew.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from minisocial import waiting
from minisocial.clock import Clock

T = TypeVar("T")

PATIENCE = 10.0  # seconds a request waits for another one's answer
ROUNDS = 2  # flights a request joins before it goes alone


class _Flight(Generic[T]):
    """One piece of work in progress."""

    __slots__ = ("began", "can_share", "has_failed", "landed", "result")

    def __init__(self, began: float) -> None:
        self.began = began
        self.landed: threading.Event | None = None  # made by the first who waits; mostly nobody does
        self.has_failed = True  # until proven otherwise: a leader that dies has failed
        self.can_share = False
        self.result: T | None = None


class Collapse(Generic[T]):
    """Lets equal work in progress be done once; `enabled` may be switched while running."""

    def __init__(self, *, enabled: bool = True, patience: float = PATIENCE, clock: Clock | None = None) -> None:
        self.enabled = enabled
        self._patience = patience
        self._clock = clock or Clock()
        self._lock = threading.Lock()  # guards the two below
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait for somebody else's answer now."""
        return self._waiting

    def run(self, key: Hashable, work: Callable[[], T], judge: Callable[[T], bool | None]) -> tuple[T, bool]:
        """The result of `work`, and whether somebody else did it.

        `judge` says of a result: True, it may be shared; False, it may not; None, it is a failure.
        """
        if not self.enabled:
            return work(), False
        for _ in range(ROUNDS):
            flight, landed = self._join(key)
            if landed is None:
                return self._lead(key, flight, work, judge), False
            if self._wait(landed) and flight.can_share:
                return flight.result, True  # type: ignore[return-value]  # set before it landed
            if not flight.has_failed:
                break
        return work(), False

    def _join(self, key: Hashable) -> tuple[_Flight[T], threading.Event | None]:
        """The flight, and the event to wait for; None: the caller leads."""
        now = self._clock.monotonic()
        with self._lock:
            flight = self._flights.get(key)
            if flight is None or now - flight.began >= self._patience:
                flight = self._flights[key] = _Flight(now)
                return flight, None
            waiting.ahead()
            flight.landed = flight.landed or threading.Event()
            self._waiting += 1
            return flight, flight.landed

    def _wait(self, landed: threading.Event) -> bool:
        try:
            return landed.wait(self._patience)
        finally:
            with self._lock:
                self._waiting -= 1

    def _lead(self, key: Hashable, flight: _Flight[T], work: Callable[[], T], judge: Callable[[T], bool | None]) -> T:
        try:
            result = work()
        except BaseException:
            landed = self._close(key, flight)
            if landed:
                landed.set()
            raise
        landed = self._close(key, flight)
        if landed:
            try:
                verdict = judge(result)
                flight.result, flight.can_share, flight.has_failed = result, bool(verdict), verdict is None
            finally:
                landed.set()
        return result

    def _close(self, key: Hashable, flight: _Flight[T]) -> threading.Event | None:
        """Nobody joins from now on; the event of those who have, if any."""
        with self._lock:
            if self._flights.get(key) is flight:  # else it hung, and another one leads by now
                del self._flights[key]
            return flight.landed
