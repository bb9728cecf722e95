"""Passive health: a node that keeps failing real requests is left alone for a while."""

import threading

from minisocial.clock import Clock

FAILURES = 3  # in a row, before a node is ejected
FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 30.0


class Health:
    """What the balancer thinks of one node, judged by the answers it gives.

    After three failures in a row the node is ejected for a second; after that it gets requests again,
    and each further failure ejects it for twice as long, up to half a minute. One success clears it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards the two below
        self._failures = 0
        self._until = 0.0

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def is_ejected(self) -> bool:
        return self._failures >= FAILURES and self._clock.monotonic() < self._until

    def succeeded(self) -> None:
        if self._failures:  # nearly always 0, and then there is nothing to guard
            with self._lock:
                self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            doublings = min(self._failures - FAILURES, 10)
            if doublings >= 0:
                self._until = self._clock.monotonic() + min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
