"""The health of a node, as the balancer sees it: judged by the answers it gives, and by probes."""

import threading

from minisocial.clock import Clock

FAILURES = 3  # in a row, before a node is ejected
FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 30.0
PROBE_EVERY = 5.0  # seconds between two probes of a node that is not ejected
SLOW_START = 10.0  # seconds in which a node that came (back) grows to its full share
LEAST_SHARE = 0.1


class Health:
    """What the balancer thinks of one node.

    After three failures in a row, of requests or of probes, the node is ejected. When its pause of a
    second is over it is probed: if that fails, the pause is doubled, up to half a minute; if it
    succeeds, the node gets requests again, few at first (its caches are cold, and it may fail again).
    One more failure in that time ejects it anew, for twice as long.
    """

    def __init__(self, clock: Clock, is_new: bool = False) -> None:
        """`is_new`: the node joins others that are warm, and starts slowly."""
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._failures = 0
        self._failed_probes = 0
        self._is_ejected = False
        self._pause = 0.0  # the last one; 0 for a node that never needed one, or has recovered
        self._until = 0.0
        self._recovers_since: float | None = clock.monotonic() if is_new else None
        self._next_probe = clock.monotonic() + PROBE_EVERY

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def is_ejected(self) -> bool:
        return self._is_ejected

    @property
    def is_plain(self) -> bool:
        """Neither ejected nor recovering: the node gets its full share."""
        return not self._is_ejected and self.share == 1.0

    @property
    def share(self) -> float:
        """How much of its fair share of requests the node should get."""
        since = self._recovers_since
        if since is None:
            return 1.0
        grown = (self._clock.monotonic() - since) / SLOW_START
        if grown >= 1.0:
            self._recover(since)
        return min(1.0, max(LEAST_SHARE, grown))

    def succeeded(self) -> None:
        """A request was answered well. Of an ejected node that is old news."""
        if self._failures:  # nearly always 0, and then there is nothing to guard
            with self._lock:
                self._failures = 0

    def failed(self) -> None:
        """A request failed, or took absurdly long."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES or (self._recovers_since is not None and self._pause):
                self._eject()

    def is_due(self) -> bool:
        """Whether it is time for a probe; at most once for each."""
        with self._lock:
            now = self._clock.monotonic()
            if now < (self._until if self._is_ejected else self._next_probe):
                return False
            self._next_probe = now + PROBE_EVERY
            return True

    def probed(self, is_well: bool) -> None:
        """What a probe found."""
        with self._lock:
            self._failed_probes = 0 if is_well else self._failed_probes + 1
            if self._is_ejected and self._clock.monotonic() >= self._until:
                self._readmit() if is_well else self._eject(again=True)
            elif self._failed_probes >= FAILURES:
                self._eject()

    def _eject(self, again: bool = False) -> None:
        if self._is_ejected and not again:
            return
        self._is_ejected = True
        self._recovers_since = None
        self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
        self._until = self._clock.monotonic() + self._pause

    def _readmit(self) -> None:
        self._is_ejected = False
        self._failures = 0
        self._recovers_since = self._clock.monotonic()

    def _recover(self, since: float) -> None:
        with self._lock:
            if self._recovers_since == since:
                self._recovers_since, self._pause = None, 0.0
