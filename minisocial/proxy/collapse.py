"""Collapsed forwarding: equal requests at the same moment share one answer (single flight).

The first to ask for a key leads and does the work; who asks for it meanwhile waits.

1.  The leader is done and its answer may be shared: everybody has it, one piece of work was done.
2.  The answer may not be shared (it is for one viewer only): those who waited work for themselves.
3.  The leader failed: the failure is its own. Those who waited try once more, and one of them leads. If
    that fails too, they have had their second try and share its failure: a page that cannot be made costs
    two tries however many wait for it, and takes no slot from other pages.
4.  The leader hangs: after `patience` seconds nobody waits for it any more, and one of them leads anew.
    Whoever met two that hang is told to come again later.
5.  The answer was begun too early for one who came later (there was a purge in between): that one asks
    again, and what is begun then suits all.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from minisocial import waiting
from minisocial.clock import Clock
from minisocial.errors import Overloaded, Unavailable

T = TypeVar("T")

PATIENCE = 10.0  # seconds a request waits for another one's answer
TRIES = 2  # that one waits for and that fail, before the failure is one's own
ROUNDS = 4  # flights one waits for at most, whatever becomes of them


class _Flight(Generic[T]):
    """One piece of work in progress."""

    __slots__ = ("began", "can_share", "error", "has_failed", "landed", "next", "result")

    def __init__(self, began: float) -> None:
        self.began = began
        self.next: _Flight[T] | None = None  # the one in which those try again for whom this one was of no use
        self.landed: threading.Event | None = None  # made by the first who waits; mostly nobody does
        self.has_failed = True  # until proven otherwise: a leader that dies has failed
        self.can_share = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def failure(self) -> T:
        """What it failed with: its answer, if it has one, else an exception."""
        if self.result is not None:
            return self.result
        if self.error is not None:
            raise Unavailable("This page could not be made just now. Please try again in a moment.") from self.error
        raise Overloaded("This page takes very long to make just now. Please try again in a moment.")


def _always(result: object) -> bool:
    return True


class Collapse(Generic[T]):
    """Lets equal work in progress be done once; `enabled` and `patience` may be changed while running."""

    def __init__(self, *, enabled: bool = True, patience: float = PATIENCE, clock: Clock | None = None) -> None:
        self.enabled = enabled
        self.patience = patience
        self._clock = clock or Clock()
        self._lock = threading.Lock()  # guards the two below
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait for somebody else's answer now."""
        return self._waiting

    def run(
        self,
        key: Hashable,
        work: Callable[[], T],
        judge: Callable[[T], bool | None],
        fits: Callable[[T], bool] = _always,
    ) -> tuple[T, bool]:
        """The result of `work`, and whether somebody else did it.

        `judge` says of a result: True, it may be shared; False, it may not; None, it is a failure.
        `fits` says whether a shared one is good enough for this caller.
        """
        if not self.enabled:
            return work(), False
        if waiting.is_forbidden():  # who answers at once or not at all is not to be waited for either
            if key in self._flights:
                waiting.ahead()
            return work(), False
        failures, last = 0, None
        for _ in range(ROUNDS):
            flight, landed = self._join(key, last)
            last = flight
            if landed is None:
                return self._lead(key, flight, work, judge), False
            has_landed = self._wait(landed)
            if not has_landed or flight.has_failed:
                failures += 1
                if failures == TRIES:
                    return flight.failure(), True
            elif not flight.can_share:
                break
            elif fits(flight.result):  # type: ignore[arg-type]  # set before it landed
                return flight.result, True  # type: ignore[return-value]
        return work(), False

    def _join(self, key: Hashable, last: _Flight[T] | None) -> tuple[_Flight[T], threading.Event | None]:
        """The flight, and the event to wait for; None: the caller leads.

        All for whom the `last` one was of no use find each other in the next, even if that one is over
        before the slowest of them has woken up.
        """
        with self._lock:
            flight = (last and last.next) or self._under_way(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight(self._clock.monotonic())
            if last:
                last.next = flight
            if last or not leads:
                flight.landed = flight.landed or threading.Event()
            if leads:
                return flight, None
            self._waiting += 1
            return flight, flight.landed

    def _under_way(self, key: Hashable) -> _Flight[T] | None:
        """The flight one can join: not one that hangs."""
        flight = self._flights.get(key)
        return flight if flight and self._clock.monotonic() - flight.began < self.patience else None

    def _wait(self, landed: threading.Event) -> bool:
        try:
            return landed.wait(self.patience)
        finally:
            with self._lock:
                self._waiting -= 1

    def _lead(self, key: Hashable, flight: _Flight[T], work: Callable[[], T], judge: Callable[[T], bool | None]) -> T:
        try:
            result = work()
        except BaseException as error:
            landed = self._close(key, flight)
            if landed:
                flight.error = error
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
