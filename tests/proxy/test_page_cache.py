"""The page cache: bounds, age, purges, and fills that come too late."""

import tracemalloc

from minisocial.proxy import PageCache
from minisocial.proxy.page import Page, make_page
from minisocial.proxy.page_cache import REMEMBERED_PURGES
from minisocial.wsgi import Response
from tests.fakes import ManualClock

KIB = 1024


def page(*tags: str, size: int = 10, control: str = "public, max-age=60") -> Page:
    headers = [("Cache-Control", control), ("Surrogate-Key", " ".join(tags))]
    made = make_page(Response("200 OK", headers, b"x" * size), ManualClock())
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


def asked(cache: PageCache, key: str, times: int, size: int = 4 * KIB) -> bool:
    """Somebody asks for a page some times, and it is to be kept."""
    for _ in range(times):
        cache.count_miss(key)
    return cache.keep(key, page(size=size), cache.sequence)


def full() -> PageCache:
    """A cache in which each page was asked for twice: `/0` first."""
    cache = PageCache(64 * KIB, clock=ManualClock())
    kept = [asked(cache, f"/{number}", 2) for number in range(20)]
    assert kept[0] and not kept[-1]
    return cache


def test_least_recently_used_page_gives_way_to_one_that_is_asked_for_more() -> None:
    cache = full()
    assert cache.find("/0")
    assert asked(cache, "/new", 3)
    seen = cache.snapshot()
    assert cache.find("/0") and cache.find("/new") and cache.find("/1") is None
    assert seen.bytes <= 64 * KIB and seen.evicted == 1


def test_many_addresses_asked_for_once_push_out_nothing() -> None:
    cache = full()
    before = cache.snapshot()
    assert not any(asked(cache, f"/explore?{number}", 1) for number in range(2000))
    after = cache.snapshot()
    assert (after.entries, after.evicted) == (before.entries, 0) and after.refused >= before.refused + 2000


def test_page_that_needs_more_than_one_place_is_not_kept_if_only_one_is_free_for_it() -> None:
    cache = full()
    for number in range(1, 20):
        cache.find(f"/{number}")
    assert not asked(cache, "/large", 3, size=2 * KIB + 64 * KIB // 16)  # /0 would go, /1 stays
    assert cache.find("/0")


def test_what_nobody_has_asked_for_in_a_while_gives_way_at_once() -> None:
    clock = ManualClock()
    cache = PageCache(64 * KIB, clock=clock)
    for number in range(20):
        asked(cache, f"/{number}", 100)
    assert not asked(cache, "/new", 1)
    clock.advance(600)
    assert asked(cache, "/new", 1)


def test_bytes_are_counted_truly_with_addresses_headers_and_tags() -> None:
    cache = PageCache(8 << 20, clock=ManualClock())
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(150):
        tags = [f"post:{number:010}{tag:06}" for tag in range(60)]
        key = (True, "http", f"host{number}", f"/@somebody/{number}" + "x" * 500, f"max_id={number}")
        cache.keep(key, page(*tags, size=10_000 + number), cache.sequence)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    said = cache.snapshot()
    assert said.entries == 150
    assert 0.6 * said.bytes < taken < said.bytes


def test_forgotten_address_is_gone_also_while_it_is_made() -> None:
    cache = PageCache(64 * KIB, clock=ManualClock())
    since = cache.sequence
    cache.keep("/", page("a"), since)
    cache.forget("/")
    assert cache.find("/") is None and not cache.keep("/", page("a"), since)
    assert cache.keep("/", page("a"), cache.sequence)


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
