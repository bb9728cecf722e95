"""Whatever is written, in whatever order and in whatever batches: replicas end up with the same rows."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from minisocial.database import Change, Cluster, Transaction
from tests.database.world import content, file_of

TABLES = """
CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT UNIQUE, x);
CREATE TABLE words (word TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, x) WITHOUT ROWID;
CREATE TABLE pairs (a INTEGER NOT NULL, b TEXT NOT NULL, x, PRIMARY KEY (a, b));
"""
small = some.integers(0, 4)
word = some.sampled_from(["ada", "Ada", "ADA", "bob", "ß", ""])
value = some.one_of(some.none(), some.integers(-(2**63), 2**63 - 1), some.floats(), some.text(), some.binary())

Operation = tuple[str, tuple[object, ...]]


def operation(sql: str, *params: some.SearchStrategy[object]) -> some.SearchStrategy[Operation]:
    return some.tuples(some.just(sql), some.tuples(*params))


operations = some.one_of(
    operation("INSERT INTO numbers VALUES (?, ?, ?)", small, word, value),
    operation("INSERT OR REPLACE INTO numbers VALUES (?, ?, ?)", small, word, value),
    operation("INSERT OR IGNORE INTO numbers VALUES (?, ?, ?)", small, word, value),
    operation("UPDATE numbers SET id = ? WHERE id = ?", small, small),
    operation("UPDATE OR REPLACE numbers SET name = ?, x = ? WHERE id = ?", word, value, small),
    operation("UPDATE numbers SET id = id + 10"),
    operation("DELETE FROM numbers WHERE id % 2 = ?", small),
    operation("INSERT INTO words VALUES (?, ?) ON CONFLICT DO UPDATE SET x = excluded.x", word, value),
    operation("UPDATE OR REPLACE words SET word = ? WHERE word = ?", word, word),
    operation("DELETE FROM words WHERE word = ?", word),
    operation("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)", small, word, value),
    operation("UPDATE OR IGNORE pairs SET a = ?, b = ? WHERE a = ?", small, word, small),
    operation("DELETE FROM pairs"),
)
blocks = some.lists(some.lists(operations, max_size=6), max_size=6)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(Path(tmp_path_factory.mktemp("replay")) / "database", shards=1)
    cluster.start()
    with cluster.write("0") as block:
        for statement in TABLES.strip().split("\n"):
            block.execute(statement)
    cluster.settle()
    yield cluster
    cluster.stop()


def run(block: Transaction, sql: str, params: tuple[object, ...]) -> None:
    with suppress(sqlite3.IntegrityError):  # the statement is undone, the block goes on
        block.execute(sql, params)


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_replicas_equal_their_primary(world: Cluster, blocks: list[list[Operation]]) -> None:
    """One replica follows all the time, the other takes everything in one batch."""
    before = copied(world)
    world.hold("0", "b")
    for operations in blocks:
        with world.write("0") as block:
            for sql, params in operations:
                run(block, sql, params)
    world.release("0", "b")
    world.settle()
    expected = content(file_of(world, "0", "a"))
    assert repr(content(file_of(world, "0", "b"))) == repr(expected)
    assert repr(content(file_of(world, "0", "c"))) == repr(expected)
    assert copied(world) == before, "the log sufficed"


@settings(max_examples=40, deadline=None)
@given(some.lists(operations, max_size=8))
def test_the_changes_tell_which_keys_are_there(world: Cluster, operations: list[Operation]) -> None:
    """Whoever follows the changes by key alone knows which rows exist."""
    heard: list[Change] = []
    world.subscribe(heard.extend)
    keys = {("numbers", row[:1]) for row in content(file_of(world, "0", "a"))["numbers"]}
    with world.write("0") as block:
        for sql, params in operations:
            run(block, sql, params)
    for change in heard:
        (keys.discard if change.op == "D" else keys.add)((change.table, change.key))
    expected = {row[:1] for row in content(file_of(world, "0", "a"))["numbers"]}
    assert {key for table, key in keys if table == "numbers"} == expected


def copied(cluster: Cluster) -> int:
    return sum(copy.snapshots for copy in cluster.snapshot().shards[1].copies)
