import os
import pickle
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import diskcache
import pytest

from minisocial.cache import ABSENT, Entry, GlobalCache
from minisocial.cache.disk import Tampered
from minisocial.cache.global_cache import FIRST_DELAY, LAST_DELAY
from tests.fakes import ManualClock

EXECUTED: list[str] = []


def explode(word: str) -> None:
    EXECUTED.append(word)


class Bomb:
    """Tells when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return explode, ("boom",)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(tmp_path: Path, clock: ManualClock) -> Iterator[GlobalCache]:
    cache = GlobalCache(tmp_path / "global", clock=clock)
    cache.start()
    yield cache
    cache.stop()


@pytest.fixture
def file(cache: GlobalCache, tmp_path: Path) -> Path:
    return tmp_path / "global" / "cache.db"


def entry(value: object = "x", position: int = 1) -> Entry:
    return Entry("0", position, 1e9, value)


def keep_all(key: str) -> bool:
    return True


def put(cache: GlobalCache, *keys: str) -> None:
    cache.put_many({key: entry(key) for key in keys}, keep_all)


def held(cache: GlobalCache, *keys: str) -> set[str]:
    return set(cache.get_many(keys))


def alter(file: Path, sql: str, *params: object) -> None:
    """Another program writes into our file."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(sql, params)


# --- what it keeps


@pytest.mark.parametrize(
    "value",
    [ABSENT, None, 0, "ü\0\ud83d\ude00", "\ud83d", [1, ["two"]], {"three": 3.5}, "x" * 300_000],
    ids=lambda v: str(v)[:9].encode("ascii", "replace").decode(),
)
def test_values_come_back_as_they_were(cache: GlobalCache, value: object):
    cache.put_many({"key": entry(value, position=7)}, keep_all)
    assert cache.get_many(["key", "none"]) == {"key": entry(value, position=7)}


def test_many_keys_at_once(cache: GlobalCache):
    keys = [f"post:{number}" for number in range(1500)]
    put(cache, *keys)
    assert held(cache, *keys) == set(keys)
    cache.drop(keys[:-1])
    assert held(cache, *keys) == {keys[-1]}


def test_a_newer_value_takes_the_place_of_an_older_one(cache: GlobalCache):
    cache.put_many({"key": entry("old")}, keep_all)
    cache.put_many({"key": entry("new")}, keep_all)
    assert cache.get_many(["key"])["key"].value == "new"
    assert cache.snapshot().entries == 1


def test_a_key_that_may_not_be_kept_is_not(cache: GlobalCache):
    cache.put_many({"void": entry(), "good": entry()}, lambda key: key == "good")
    assert held(cache, "void", "good") == {"good"}


def test_clear_forgets_everything_and_is_no_error(cache: GlobalCache):
    put(cache, "a")
    cache.clear()
    assert not held(cache, "a")
    put(cache, "b")
    assert held(cache, "b")
    assert cache.snapshot().errors == 0


def test_nothing_of_a_former_run_is_found(cache: GlobalCache, tmp_path: Path):
    put(cache, "a")
    cache.stop()
    assert not (tmp_path / "global" / "cache.db").exists()
    cache.start()
    assert not held(cache, "a")


def test_a_file_left_by_a_crash_is_not_read(cache: GlobalCache, file: Path, tmp_path: Path):
    put(cache, "a")
    crashed = shutil.copytree(file.parent, tmp_path / "crashed")
    heir = GlobalCache(crashed)
    heir.start()
    assert not held(heir, "a")
    heir.stop()


def test_stopped_it_is_a_cache_that_has_nothing(cache: GlobalCache):
    cache.stop()
    cache.stop()
    put(cache, "a")
    cache.drop(["a"])
    cache.clear()
    assert not held(cache, "a")
    assert not cache.snapshot().is_open and cache.snapshot().errors == 0


def test_switched_off_it_answers_and_keeps_nothing_but_still_drops(cache: GlobalCache):
    put(cache, "stale", "good")
    cache.enabled = False
    assert not held(cache, "good")
    put(cache, "new")
    cache.drop(["stale"])
    cache.enabled = True
    assert held(cache, "stale", "good", "new") == {"good"}


def test_the_oldest_go_when_it_is_full(tmp_path: Path):
    cache = GlobalCache(tmp_path, size_limit=400_000)
    cache.start()
    for number in range(600):
        cache.put_many({str(number): entry("x" * 2000)}, keep_all)
    seen = cache.snapshot()
    assert seen.bytes < 600_000 and 50 < seen.entries < 300
    assert held(cache, "0", "599") == {"599"}
    assert seen.errors == 0
    cache.stop()


def test_hits_and_misses_are_counted(cache: GlobalCache):
    put(cache, "a")
    cache.get_many(["a", "b", "c"])
    cache.count_outdated(1)
    seen = cache.snapshot()
    assert (seen.hits, seen.misses, seen.outdated, seen.entries) == (1, 2, 1, 1)
    assert seen.bytes > 0


# --- what others do to its file


def test_only_the_owner_may_read_it(cache: GlobalCache, file: Path):
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


TAMPERING = {
    "pickle": ("UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb())),
    "pickle as raw": ("UPDATE Cache SET value = ?", pickle.dumps(Bomb())),
    "pickle in a file": ("UPDATE Cache SET mode = 4, filename = 'bomb', value = NULL",),
    "file": ("UPDATE Cache SET mode = 2, filename = '/etc/hostname', value = NULL",),
    "text in a file": ("UPDATE Cache SET mode = 3, filename = '/etc/hostname', value = NULL",),
    "file beside the value": ("UPDATE Cache SET filename = 'bomb'",),
    "text": ("UPDATE Cache SET value = 'text'",),
    "number": ("UPDATE Cache SET value = 5",),
    "nothing": ("UPDATE Cache SET value = NULL",),
    "empty": ("UPDATE Cache SET value = x''",),
    "unknown mode": ("UPDATE Cache SET mode = 'RAW'",),
    "truncated": ("UPDATE Cache SET value = substr(value, 1, length(value) - 3)",),
    "forged": ("UPDATE Cache SET value = ?", b"s" * 16 + b'["a","0",1,1000000000.0,"forged"]'),
    "JSON of another shape": ("UPDATE Cache SET value = ?", b'{"a": 1}'),
}


@pytest.mark.parametrize("tampering", TAMPERING.values(), ids=TAMPERING.keys())
def test_a_tampered_row_executes_nothing_is_refused_and_is_a_miss(cache: GlobalCache, file: Path, tampering):
    put(cache, "a")
    (file.parent / "bomb").write_bytes(pickle.dumps(Bomb()))
    alter(file, *tampering)
    assert cache.get_many(["a"]) == {}
    seen = cache.snapshot()
    assert (seen.refused, seen.errors, seen.misses) == (1, 0, 1)
    put(cache, "a")
    assert held(cache, "a")
    assert not EXECUTED


def test_the_bomb_would_have_gone_off():
    pickle.loads(pickle.dumps(Bomb()))
    assert EXECUTED.pop() == "boom"


def test_a_row_cannot_stand_in_for_another(cache: GlobalCache, file: Path):
    put(cache, "session:ada", "session:eve")
    alter(file, "UPDATE Cache SET value = (SELECT value FROM Cache WHERE key = 'session:ada')")
    assert held(cache, "session:ada", "session:eve") == {"session:ada"}
    assert cache.snapshot().refused == 1


def test_a_planted_file_name_deletes_nothing(cache: GlobalCache, file: Path, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    cache = GlobalCache(file.parent, size_limit=1)
    cache.start()
    for number in range(40):  # storing, replacing and culling each remove the files of rows
        put(cache, "a", str(number))
        alter(file, "UPDATE Cache SET filename = '../precious'")
    cache.drop(["a"])
    assert precious.exists()
    cache.stop()


def test_a_key_that_is_a_pickle_is_refused(cache: GlobalCache, file: Path):
    put(cache, "a")
    alter(file, "UPDATE Cache SET key = ?, raw = 0", pickle.dumps(Bomb()))
    assert not held(cache, "a")
    with pytest.raises(Tampered):
        list(cache._cache)
    assert not EXECUTED


def test_diskcache_is_given_strings_and_bytes_only(cache: GlobalCache):
    with pytest.raises(TypeError):
        cache._cache.set(("a", "tuple"), b"bytes")
    with pytest.raises(TypeError):
        cache._cache.set("a", {"an": "object"})


def lose_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


def lose_file(file: Path) -> None:
    file.unlink()


def replace_file(file: Path) -> None:
    other = file.with_name("other")
    shutil.copy(file, other)
    other.replace(file)


def overwrite(file: Path) -> None:
    file.write_bytes(os.urandom(50_000))


def overwrite_in_place(file: Path) -> None:
    with file.open("r+b") as handle:
        handle.write(b"\xa5" * file.stat().st_size)


def cut_short(file: Path) -> None:
    os.truncate(file, 5000)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def drop_the_table(file: Path) -> None:
    alter(file, "DROP TABLE Cache")


def other_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("moved"))
    file.parent.mkdir()


DISASTERS = [
    lose_folder,
    lose_file,
    replace_file,
    overwrite,
    overwrite_in_place,
    cut_short,
    empty,
    drop_the_table,
    other_folder,
]


@pytest.mark.parametrize("disaster", DISASTERS)
def test_a_lost_file_is_a_miss_counted_and_made_anew_a_little_later(cache, file, clock, disaster):
    put(cache, *(f"key {number}" for number in range(200)))
    disaster(file)
    assert not held(cache, "key 1")
    seen = cache.snapshot()
    assert seen.errors == 1 and not seen.is_open
    put(cache, "too early")
    assert not held(cache, "too early")
    clock.advance(FIRST_DELAY)
    assert not held(cache, "key 1")
    put(cache, "new")
    assert held(cache, "new") == {"new"}
    assert cache.snapshot().errors == 1 and cache.snapshot().is_open
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("disaster", DISASTERS)
def test_what_is_dropped_while_the_file_is_lost_does_not_come_back(cache, file, clock, tmp_path, disaster):
    put(cache, *(f"key {number}" for number in range(200)))
    before = shutil.copytree(file.parent, tmp_path / "before")
    disaster(file)
    cache.drop(["key 1"])
    shutil.copytree(before, file.parent, dirs_exist_ok=True)  # somebody repairs it
    for _ in range(3):
        assert not held(cache, "key 1")
        clock.advance(1.0)


def test_a_file_that_cannot_be_had_is_tried_for_less_and_less_often(cache: GlobalCache, file: Path, clock: ManualClock):
    lose_folder(file)
    file.parent.write_text("a file where the folder should be")
    tries = []
    for _ in range(60 * 10):
        before = cache.snapshot().errors
        clock.advance(0.1)
        if cache.snapshot().errors > before:
            tries.append(clock.steady)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert 5 < len(tries) < 12
    assert max(pauses) <= LAST_DELAY + 0.2
    file.parent.unlink()
    clock.advance(LAST_DELAY)
    put(cache, "a")
    assert held(cache, "a")


def test_it_starts_even_where_it_may_not_write(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    cache = GlobalCache(tmp_path / "taken" / "global")
    cache.start()
    put(cache, "a")
    assert not held(cache, "a")
    assert cache.snapshot().errors >= 1
    cache.stop()


def test_what_cannot_be_dropped_because_the_file_is_locked_is_forgotten_with_all_the_rest(cache, file, clock):
    put(cache, "a", "b")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        cache.drop(["a"])
        other.execute("ROLLBACK")
    assert not held(cache, "a", "b")
    clock.advance(FIRST_DELAY)
    assert not held(cache, "a", "b")
    assert cache.snapshot().errors == 1


def test_half_a_character_in_a_key_is_a_miss_and_harms_nothing(cache: GlobalCache):
    put(cache, "a", "name:\udc80", "name:\0", "name:ü")
    assert held(cache, "a", "name:\udc80", "name:\0", "name:ü") == {"a", "name:\0", "name:ü"}
    cache.drop(["name:\udc80", "a"])
    assert held(cache, "a", "name:ü") == {"name:ü"}
    assert cache.snapshot().errors == 0


# --- what diskcache would do by itself


def test_a_look_up_writes_nothing(cache: GlobalCache, file: Path):
    put(cache, "a")
    before = file.read_bytes()
    held(cache, "a", "b")
    assert file.read_bytes() == before


def test_nothing_is_mapped_into_memory_and_no_index_is_shared(cache: GlobalCache, file: Path):
    put(cache, "a")
    assert cache._cache._con.execute("PRAGMA mmap_size").fetchone() == (0,)
    assert [path.name for path in file.parent.iterdir()] == ["cache.db"]


def test_a_store_never_gives_up_silently(cache: GlobalCache, file: Path, clock: ManualClock):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        put(cache, "a")
        other.execute("ROLLBACK")
    assert cache.snapshot().errors == 1


def test_it_is_the_diskcache_that_was_examined():
    assert diskcache.__version__.startswith("5.6")
    assert diskcache.core.MODE_RAW == 1
