"""Leases: of all who miss a key at the same time, one loads it (Nishtala et al., NSDI 2013)."""

import threading
from collections.abc import Iterable, Mapping

from minisocial.cache.entry import Entry
from minisocial.clock import Clock


class Lease:
    """One loader's right to fill some keys. Each key can be taken from it while it loads."""

    __slots__ = ("_finished", "_keys", "entries", "expires_at")

    def __init__(self, expires_at: float) -> None:
        self.expires_at = expires_at
        self.entries: Mapping[str, Entry] = {}  # what it loaded, once finished
        self._keys: set[str] = set()  # what it may still fill; changed only by Leases, under its lock
        self._finished = threading.Event()

    def holds(self, key: str) -> bool:
        """Whether the key may still be filled: it was not changed, and nobody took over."""
        return key in self._keys

    def wait(self, seconds: float) -> None:
        """Wait until the loader has finished, or for this long."""
        self._finished.wait(seconds)


class Leases:
    """Who loads what. One for all nodes.

    A key has at most one lease; who comes second waits for it. A changed key is taken from its lease
    (`void`), so that what is being loaded is handed to its loader only and kept nowhere. A lease is
    good for `seconds`: then the loader is taken for dead and the next reader takes the key over.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()  # guards _taken and the _keys of all leases in it
        self._taken: dict[str, Lease] = {}
        self.voided = 0
        self.expired = 0

    def take(self, keys: Iterable[str]) -> tuple[Lease, dict[str, Lease]]:
        """A lease on those keys that are free, and the leases others hold on the rest. Never waits."""
        now = self._clock.monotonic()
        mine = Lease(now + self.seconds)
        others: dict[str, Lease] = {}
        with self._lock:
            for key in keys:
                other = self._taken.get(key)
                if other is None or self._has_died(other, key, now):
                    self._taken[key] = mine
                    mine._keys.add(key)
                else:
                    others[key] = other
        return mine, others

    def finish(self, lease: Lease, entries: Mapping[str, Entry]) -> None:
        """Hand what was loaded to those who wait, and free the keys. Keys that were voided are kept back."""
        with self._lock:
            lease.entries = {key: entry for key, entry in entries.items() if key in lease._keys}
            for key in lease._keys:
                del self._taken[key]
            lease._keys.clear()
        lease._finished.set()

    def void(self, keys: Iterable[str]) -> None:
        """These keys have changed: whoever loads them may not fill them any more."""
        if not self._taken:  # who takes one later reads the floors after that, and finds that of the change
            return
        with self._lock:
            for key in keys:
                lease = self._taken.pop(key, None)
                if lease is not None:
                    lease._keys.discard(key)
                    self.voided += 1

    def void_all(self) -> None:
        """Anything may have changed."""
        with self._lock:
            for key, lease in self._taken.items():
                lease._keys.discard(key)
            self.voided += len(self._taken)
            self._taken.clear()

    def remaining(self, lease: Lease) -> float:
        """Seconds until a lease expires."""
        return max(0.0, lease.expires_at - self._clock.monotonic())

    def __len__(self) -> int:
        return len(self._taken)

    def _has_died(self, lease: Lease, key: str, now: float) -> bool:
        if lease.expires_at > now:
            return False
        # Once replaced it is out of reach of void(), so it must not fill the key if it wakes up again.
        lease._keys.discard(key)
        self.expired += 1
        return True
