"""The page cache: bounds, age, purges, and fills that come too late."""

from minisocial.proxy import PageCache
from minisocial.proxy.page import Page, make_page
from minisocial.proxy.page_cache import REMEMBERED_PURGES
from minisocial.wsgi import Response
from tests.fakes import ManualClock

KIB = 1024


def page(*tags: str, size: int = 10, control: str = "public, max-age=60", now: float = 0.0) -> Page:
    headers = [("Cache-Control", control), ("Surrogate-Key", " ".join(tags))]
    made = make_page(Response("200 OK", headers, b"x" * size), now)
    assert made
    return made


def test_kept_page_is_found() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    kept = page("a")
    assert cache.keep("/", kept, cache.sequence)
    assert cache.find("/") is kept and cache.find("/other") is None


def test_purge_drops_each_page_with_the_tag_and_no_other() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    for key, tags in {"/1": ("a", "b"), "/2": ("b",), "/3": ("c",)}.items():
        cache.keep(key, page(*tags), cache.sequence)
    cache.purge(["b", "nobody"])
    assert cache.find("/1") is None and cache.find("/2") is None and cache.find("/3")
    assert cache.snapshot().purged == 2


def test_page_purged_while_it_was_made_is_not_kept() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    since = cache.sequence
    cache.purge(["a"])
    assert not cache.keep("/", page("a"), since)
    assert cache.find("/") is None and cache.snapshot().voided == 1


def test_purge_of_something_else_meanwhile_does_no_harm() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    since = cache.sequence
    cache.purge(["b"])
    assert cache.keep("/", page("a"), since)


def test_page_made_after_the_purge_is_kept() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    cache.purge(["a"])
    assert cache.keep("/", page("a"), cache.sequence)


def test_purge_that_is_forgotten_still_voids() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    since = cache.sequence
    cache.purge(["a"])
    for number in range(REMEMBERED_PURGES + 1):
        cache.purge([f"other:{number}"])
    assert not cache.keep("/", page("a"), since)
    assert len(cache._purges) <= REMEMBERED_PURGES
    assert cache.keep("/", page("a"), cache.sequence)


def test_many_tags_in_one_purge_are_bounded_and_still_void() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    since = cache.sequence
    cache.purge([f"tag:{number}" for number in range(2 * REMEMBERED_PURGES)])
    assert not cache.keep("/", page("tag:0"), since)
    assert len(cache._purges) <= REMEMBERED_PURGES


def test_cleared_cache_is_empty_and_takes_nothing_begun_before() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    cache.keep("/", page("a"), cache.sequence)
    since = cache.sequence
    cache.clear()
    assert cache.find("/") is None and cache.snapshot().bytes == 0
    assert not cache.keep("/", page("a"), since)
    assert cache.keep("/", page("a"), cache.sequence)


def test_page_of_no_use_any_more_is_dropped() -> None:
    clock = ManualClock()
    cache = PageCache(64 * KIB, clock=clock)
    cache.keep("/", page("a", control="public, max-age=60, stale-if-error=40"), cache.sequence)
    clock.advance(99)
    assert cache.find("/")
    clock.advance(2)
    assert cache.find("/") is None and cache.snapshot().entries == 0


def test_least_recently_used_pages_go_when_it_is_full() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    for number in range(10):
        cache.keep(f"/{number}", page(size=4 * KIB), cache.sequence)
    assert cache.find("/0")
    for number in range(10, 15):
        cache.keep(f"/{number}", page(size=4 * KIB), cache.sequence)
    seen = cache.snapshot()
    assert cache.find("/0") and cache.find("/14") and cache.find("/1") is None
    assert seen.bytes <= 64 * KIB and seen.evicted > 0


def test_page_too_large_for_the_cache_is_not_kept_and_replaces_nothing_silently() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    cache.keep("/", page("a"), cache.sequence)
    assert not cache.keep("/", page("a", size=30 * KIB), cache.sequence)
    assert cache.find("/") is None


def test_bytes_are_given_back_when_a_page_is_replaced_or_purged() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    cache.keep("/", page("a", size=KIB), cache.sequence)
    cache.keep("/", page("b", size=KIB), cache.sequence)
    assert cache.snapshot().entries == 1
    cache.purge(["a"])
    assert cache.find("/")
    cache.purge(["b"])
    assert cache.snapshot().bytes == 0 and not cache._tagged
