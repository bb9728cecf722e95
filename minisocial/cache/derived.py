"""Derived values: what was made of many cached values, such as a finished page, until one of those changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from minisocial import waiting
from minisocial.cache.entry import Entry

PART_BYTES = 150  # what remembering one part takes, roughly


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    parts: Collection[str]
    until: float  # seconds, as `Clock.monotonic` counts
    bytes: int


class Derived:
    """The derived values of one node, at most `limit` bytes of them; those not used for longest go first.

    It promises that a value is dropped in the same step as any part of it is. No interleaving keeps a
    value whose part has changed:

        1. P is made of part k     2. k changes; the local cache drops k, and then this drops what has k in it
        3. P is to be kept: its parts are not the entries the local cache holds, so it is not.
        With 3 before 2 it is kept, and 2 finds it.

    It cannot fail. With the local cache off nothing is kept, since no part is.
    """

    def __init__(self, limit: int, holds: Callable[[Mapping[str, Entry]], bool]) -> None:
        """`holds(parts)`: whether the local cache has these very entries."""
        self._limit = limit
        self._holds = holds
        self._lock = threading.Lock()  # guards all below
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._made_of: dict[str, set[Hashable]] = {}  # part → what was made of it
        self._bytes = 0
        self._hits = self._misses = 0

    def get(self, key: Hashable, now: float) -> Any | None:
        """The value, or None."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.until < now:
                waiting.ahead()  # it has to be made
                self._misses += 1
                return None
            self._kept.move_to_end(key)
            self._hits += 1
            return kept.value

    def keep(self, key: Hashable, value: Any, size: int, parts: Mapping[str, Entry], until: float) -> None:
        """Keep a value made of these parts, unless one of them has changed by now."""
        kept = _Kept(value, tuple(parts), until, size + PART_BYTES * len(parts))
        with self._lock:
            if kept.bytes > self._limit or not self._holds(parts):
                return
            self._drop(key)
            self._kept[key] = kept
            self._bytes += kept.bytes
            for part in parts:
                self._made_of.setdefault(part, set()).add(key)
            while self._bytes > self._limit:
                self._drop(next(iter(self._kept)))

    def drop(self, parts: Iterable[str]) -> None:
        """These parts have changed: forget what was made of them."""
        with self._lock:
            for part in parts:
                for key in tuple(self._made_of.get(part, ())):
                    self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._made_of.clear()
            self._bytes = 0

    def counts(self) -> tuple[int, int, int, int]:
        """Values kept, their bytes, hits and misses."""
        with self._lock:
            return len(self._kept), self._bytes, self._hits, self._misses

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self._bytes -= kept.bytes
        for part in kept.parts:
            keys = self._made_of[part]
            keys.discard(key)
            if not keys:
                del self._made_of[part]
