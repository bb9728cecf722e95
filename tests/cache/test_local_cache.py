from minisocial.cache import ABSENT, Entry, LocalCache


def entry(value: object = "x") -> Entry:
    return Entry("0", 1, 1e9, value)


def keep_all(key: str) -> bool:
    return True


def put(cache: LocalCache, *keys: str) -> None:
    for key in keys:
        cache.put_many({key: entry(key)}, keep_all)


def held(cache: LocalCache, *keys: str) -> list[str]:
    return [found.value for found in cache.get_many(keys) if found]


def test_it_answers_in_the_order_asked():
    cache = LocalCache()
    put(cache, "a", "b")
    assert cache.get_many(["b", "none", "a"]) == [entry("b"), None, entry("a")]


def test_it_never_holds_more_than_its_limit():
    cache = LocalCache(limit=10)
    for number in range(100):
        put(cache, str(number))
        assert cache.snapshot().entries <= 10
    assert held(cache, "99")


def test_what_is_used_stays_and_what_is_not_goes():
    cache = LocalCache(limit=10)
    put(cache, "used", "unused")
    for number in range(100):
        put(cache, str(number))
        assert held(cache, "used")
    assert not held(cache, "unused")


def test_a_drop_reaches_both_generations():
    cache = LocalCache(limit=4)
    put(cache, "a", "b")
    put(cache, "c")  # a and b are old now
    assert cache.get_many(["a"]) == [entry("a")]  # and a is in both
    cache.drop(["a", "b", "c", "never there"])
    assert held(cache, "a", "b", "c") == []


def test_a_key_that_may_not_be_kept_is_not():
    cache = LocalCache()
    cache.put_many({"void": entry(), "good": entry("good")}, lambda key: key == "good")
    assert held(cache, "void", "good") == ["good"]


def test_clear_forgets_everything():
    cache = LocalCache(limit=4)
    put(cache, "a", "b", "c")
    cache.clear()
    assert cache.get_many(["a", "b", "c"]) == [None] * 3


def test_switched_off_it_answers_and_keeps_nothing_but_still_drops():
    cache = LocalCache()
    put(cache, "stale", "good")
    cache.enabled = False
    assert cache.get_many(["good"]) == [None]
    put(cache, "new")
    cache.drop(["stale"])
    cache.enabled = True
    assert held(cache, "stale", "good", "new") == ["good"]


def test_the_snapshot_counts_and_weighs():
    cache = LocalCache("read-1", limit=100)
    assert cache.snapshot().bytes == 0
    put(cache, "a")
    cache.put_many({"long": entry("x" * 10_000), "list": entry(["x" * 10_000]), "absent": entry(ABSENT)}, keep_all)
    cache.count(hits=3, misses=2, outdated=1)
    seen = cache.snapshot()
    assert (seen.name, seen.entries, seen.limit, seen.hits, seen.misses, seen.outdated) == ("read-1", 4, 100, 3, 2, 1)
    assert 20_000 < seen.bytes < 30_000
