"""The local cache: the memory of one request node."""

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from minisocial.cache.derived import Derived
from minisocial.cache.entry import Entry

DERIVED_BYTES = 6 << 20  # of finished pages a node keeps: about 150 of them
SAMPLE = 50  # entries weighed to estimate the bytes of all


@dataclass(frozen=True, slots=True)
class LocalSnapshot:
    name: str
    enabled: bool
    entries: int
    limit: int
    bytes: int  # estimated from a sample
    hits: int
    misses: int
    outdated: int  # found below their floor, or too old, and not believed
    derived: int  # values made of others: finished pages
    derived_bytes: int
    derived_hits: int
    derived_misses: int


class LocalCache:
    """Holds the values a node used last, as objects, at most `limit` of them.

    Entries live in two generations. A new or used one is among the young; when those fill half the
    room they become the old, and what was old and not used since is forgotten. That is nearly "least
    recently used", and a hit costs one look-up in a dictionary, without a lock.

    It promises that `drop` leaves nothing behind: `put_many` asks for each key, under the same lock as
    `drop`, whether it may still be kept.

    It cannot fail. Switched off (`enabled`), it answers nothing and keeps nothing, but still drops,
    so that it can be switched on again at any time.
    """

    def __init__(
        self, name: str = "local", limit: int = 4000, enabled: bool = True, derived_bytes: int = DERIVED_BYTES
    ) -> None:
        self.name = name
        self.derived = Derived(derived_bytes, self.holds)
        self.limit = limit
        self.enabled = enabled
        self._lock = threading.Lock()  # guards changes of the generations, and the counters
        self._young: dict[str, Entry] = {}
        self._old: dict[str, Entry] = {}
        self._hits = self._misses = self._outdated = 0

    def holds(self, entries: Mapping[str, Entry]) -> bool:
        """Whether these very entries are here, none dropped or replaced since."""
        with self._lock:
            return all((self._young.get(key) or self._old.get(key)) is entry for key, entry in entries.items())

    def get_many(self, keys: Collection[str]) -> list[Entry | None]:
        """The entry of each key, or None, in the order of the keys."""
        if not self.enabled:
            return [None] * len(keys)
        found = list(map(self._young.get, keys))
        if None in found:
            self._look_among_the_old(keys, found)
        return found

    def put_many(self, entries: Mapping[str, Entry], may_keep: Callable[[str], bool]) -> None:
        """Keep these entries, except those whose key `may_keep` refuses."""
        if not self.enabled:
            return
        with self._lock:
            for key, entry in entries.items():
                if may_keep(key):
                    self._keep(key, entry)

    def drop(self, keys: Collection[str]) -> None:
        """Forget these keys, and what was derived from them."""
        with self._lock:
            for key in keys:
                self._young.pop(key, None)
                self._old.pop(key, None)
        self.derived.drop(keys)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._young = {}
            self._old = {}
        self.derived.clear()

    def count(self, hits: int, misses: int, outdated: int) -> None:
        """What a reader made of what it got: it knows the floors, this cache does not."""
        with self._lock:
            self._hits += hits
            self._misses += misses
            self._outdated += outdated

    def snapshot(self) -> LocalSnapshot:
        with self._lock:
            entries = len(self._young.keys() | self._old.keys())
            sample = list(islice(self._young.items(), SAMPLE)) or list(islice(self._old.items(), SAMPLE))
            hits, misses, outdated = self._hits, self._misses, self._outdated
        bytes_each = sum(map(_weight, sample)) // len(sample) if sample else 0
        counts = hits, misses, outdated, *self.derived.counts()
        return LocalSnapshot(self.name, self.enabled, entries, self.limit, entries * bytes_each, *counts)

    def _look_among_the_old(self, keys: Collection[str], found: list[Entry | None]) -> None:
        if not self._old:
            return
        with self._lock:
            for place, key in enumerate(keys):
                if found[place] is None and (entry := self._old.get(key)):
                    found[place] = entry
                    self._keep(key, entry)

    def _keep(self, key: str, entry: Entry) -> None:
        if len(self._young) >= max(1, self.limit // 2):
            self._old, self._young = self._young, {}
        self._young[key] = entry


def _weight(item: tuple[str, Entry]) -> int:
    key, entry = item
    return sys.getsizeof(key) + sys.getsizeof(entry) + _size(entry.value)


def _size(value: Any, depth: int = 3) -> int:
    """Roughly how many bytes a value takes: itself and what it is made of, three levels down."""
    parts: Iterable[Any] = ()
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    elif hasattr(value, "__slots__"):
        parts = [getattr(value, name, None) for name in value.__slots__]
    return sys.getsizeof(value) + (sum(_size(part, depth - 1) for part in parts) if depth else 0)
