"""The page cache: whole pages for visitors, bounded in bytes, emptied by purges."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass

from minisocial.clock import Clock
from minisocial.proxy.page import Page
from minisocial.proxy.popularity import Popularity

REMEMBERED_PURGES = 4096
LARGEST_SHARE = 8  # one page may take at most this part of the cache
KEY_BYTES = 600  # what remembering an address takes besides its letters, roughly


@dataclass(frozen=True, slots=True)
class PageCacheSnapshot:
    entries: int
    bytes: int
    purged: int
    voided: int  # pages not kept, because they were purged while they were made
    evicted: int
    refused: int  # pages not kept, because they would have pushed out others that are asked for more


class PageCache:
    """Keeps whole pages by key until they are purged, too old, or give way to others.

    Promise: a page is never shown after one of its tags was purged, even if the purge came while the
    page was being made:

    1.  a request misses, takes the purge `sequence` (say 7) and asks a node;
    2.  the node reads the database;
    3.  a post is deleted: `purge(["post:5"])` finds nothing to drop, and notes post:5 at sequence 8;
    4.  the page of 2 arrives with the tag post:5 and since=7: it is shown once, and not kept.

    What was purged is remembered for the last few thousand tags; a page older than that memory is not
    kept either, so the memory is bounded and forgetting is safe.

    When it is full, the least recently used pages give way, but only to a page that was asked for more
    often lately than each of them: a stranger who asks for very many addresses once each, real or made
    up, pushes out nothing that people read.
    """

    def __init__(self, limit_bytes: int, *, enabled: bool = True, clock: Clock | None = None) -> None:
        """`enabled` may be switched while running."""
        self.enabled = enabled
        self.clock = clock or Clock()
        self._limit = limit_bytes
        self._lock = threading.Lock()  # guards everything below
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()  # least recently used first
        self._tagged: dict[str, set[Hashable]] = {}
        self._sequence = 0
        self._purges: OrderedDict[Hashable, int] = OrderedDict()  # tag or key -> sequence of its last purge
        self._floor = 0  # purges up to here are forgotten
        self._popularity = Popularity()
        self._bytes = self._purged = self._voided = self._evicted = self._refused = 0

    @property
    def sequence(self) -> int:
        """Grows with each purge; what was begun before the last one may be out of date."""
        return self._sequence

    def find(self, key: Hashable) -> Page | None:
        """The page somebody asks for, fresh or stale; None if it is not there or of no use any more."""
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                return None
            now = self.clock.monotonic()
            if now >= page.until:
                self._drop(key)
                return None
            self._popularity.note(key, now)
            self._pages.move_to_end(key)
            return page

    def count_miss(self, key: Hashable) -> None:
        """Somebody asked for a page that was not there: one day it may be worth its place."""
        with self._lock:
            self._popularity.note(key, self.clock.monotonic())

    def peek(self, key: Hashable) -> Page | None:
        """The same for who has looked already: it does not count."""
        page = self._pages.get(key)
        return page if page and self.clock.monotonic() < page.until else None

    def keep(self, key: Hashable, page: Page, since: int) -> bool:
        """Keeps a page whose making began at the `sequence` `since`; False if it may not be."""
        with self._lock:
            if self._was_purged(key, page.tags, since):
                self._voided += 1
                return False
            self._drop(key)
            if not self._make_room(key, _cost(key, page)):
                self._refused += 1
                return False
            self._add(key, page)
            return True

    def purge(self, tags: Collection[str]) -> None:
        """Drops each page with one of these tags, and those being made now as soon as they are done."""
        if not tags:
            return
        with self._lock:
            self._sequence += 1
            for tag in tags:
                self._note_purge(tag)
                for key in list(self._tagged.get(tag, ())):
                    self._drop(key)
                    self._purged += 1

    def forget(self, key: Hashable) -> None:
        """Drops the page of one address, and what is being made for it now as soon as it is done."""
        with self._lock:
            self._sequence += 1
            self._note_purge(key)
            self._purged += key in self._pages
            self._drop(key)

    def was_purged(self, key: Hashable, page: Page, since: int) -> bool:
        """Whether a page whose making began at `since` may be out of date by now."""
        if since == self._sequence:
            return False
        with self._lock:
            return self._was_purged(key, page.tags, since)

    def clear(self) -> None:
        """Drops everything, and what is being made now as well."""
        with self._lock:
            self._sequence += 1
            self._floor = self._sequence
            self._pages.clear()
            self._tagged.clear()
            self._bytes = 0

    def snapshot(self) -> PageCacheSnapshot:
        with self._lock:
            counts = self._bytes, self._purged, self._voided, self._evicted, self._refused
            return PageCacheSnapshot(len(self._pages), *counts)

    def _was_purged(self, key: Hashable, tags: Collection[str], since: int) -> bool:
        return since < self._floor or any(self._purges.get(tag, 0) > since for tag in (key, *tags))

    def _note_purge(self, tag: Hashable) -> None:
        self._purges[tag] = self._sequence
        self._purges.move_to_end(tag)
        if len(self._purges) > REMEMBERED_PURGES:
            _, self._floor = self._purges.popitem(last=False)

    def _make_room(self, key: Hashable, size: int) -> bool:
        """Evicts what is needed for a page of this size; nothing at all unless each of those is asked for less."""
        if size > self._limit // LARGEST_SHARE:
            return False
        room, asked, leaving = self._limit - self._bytes, self._popularity.of(key), []
        for other, page in self._pages.items():
            if room >= size:
                break
            if self._popularity.of(other) >= asked:
                return False
            leaving.append(other)
            room += _cost(other, page)
        for other in leaving:
            self._drop(other)
        self._evicted += len(leaving)
        return True

    def _add(self, key: Hashable, page: Page) -> None:
        self._pages[key] = page
        self._bytes += _cost(key, page)
        for tag in page.tags:
            self._tagged.setdefault(tag, set()).add(key)

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is None:
            return
        self._bytes -= _cost(key, page)
        for tag in page.tags:
            keys = self._tagged[tag]
            keys.discard(key)
            if not keys:
                del self._tagged[tag]


def _cost(key: Hashable, page: Page) -> int:
    """The bytes a kept page takes, roughly and rather too many: bodies, headers, tags, its address."""
    return page.size + KEY_BYTES + len(repr(key))
