"""The page cache: whole pages for visitors, bounded in bytes, emptied by purges."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass

from minisocial.clock import Clock
from minisocial.proxy.page import Page

REMEMBERED_PURGES = 4096
LARGEST_SHARE = 8  # one page may take at most this part of the cache


@dataclass(frozen=True, slots=True)
class PageCacheSnapshot:
    entries: int
    bytes: int
    purged: int
    voided: int  # pages not kept, because they were purged while they were made
    evicted: int


class PageCache:
    """Keeps whole pages by key until they are purged, too old, or the least recently used.

    Promise: a page is never shown after one of its tags was purged, even if the purge came while the
    page was being made:

    1.  a request misses, takes the purge `sequence` (say 7) and asks a node;
    2.  the node reads the database;
    3.  a post is deleted: `purge(["post:5"])` finds nothing to drop, and notes post:5 at sequence 8;
    4.  the page of 2 arrives with the tag post:5 and since=7: it is shown once, and not kept.

    What was purged is remembered for the last few thousand tags; a page older than that memory is not
    kept either, so the memory is bounded and forgetting is safe.
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
        self._purges: OrderedDict[str, int] = OrderedDict()  # tag -> sequence of its last purge
        self._floor = 0  # purges up to here are forgotten
        self._bytes = self._purged = self._voided = self._evicted = 0

    @property
    def sequence(self) -> int:
        """Grows with each purge; what was begun before the last one may be out of date."""
        return self._sequence

    def find(self, key: Hashable) -> Page | None:
        """The page, fresh or stale; None if it is not there or of no use any more."""
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                return None
            if self.clock.monotonic() >= page.until:
                self._drop(key)
                return None
            self._pages.move_to_end(key)
            return page

    def keep(self, key: Hashable, page: Page, since: int) -> bool:
        """Keeps a page whose making began at the `sequence` `since`; False if it may not be."""
        with self._lock:
            if self._was_purged(page.tags, since):
                self._voided += 1
                return False
            self._drop(key)
            if page.size > self._limit // LARGEST_SHARE:
                return False
            self._add(key, page)
            self._evict()
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
            counts = self._bytes, self._purged, self._voided, self._evicted
            return PageCacheSnapshot(len(self._pages), *counts)

    def _was_purged(self, tags: Collection[str], since: int) -> bool:
        return since < self._floor or any(self._purges.get(tag, 0) > since for tag in tags)

    def _note_purge(self, tag: str) -> None:
        self._purges[tag] = self._sequence
        self._purges.move_to_end(tag)
        if len(self._purges) > REMEMBERED_PURGES:
            _, self._floor = self._purges.popitem(last=False)

    def _add(self, key: Hashable, page: Page) -> None:
        self._pages[key] = page
        self._bytes += page.size
        for tag in page.tags:
            self._tagged.setdefault(tag, set()).add(key)

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        if page is None:
            return
        self._bytes -= page.size
        for tag in page.tags:
            keys = self._tagged[tag]
            keys.discard(key)
            if not keys:
                del self._tagged[tag]

    def _evict(self) -> None:
        while self._bytes > self._limit:
            self._drop(next(iter(self._pages)))
            self._evicted += 1
