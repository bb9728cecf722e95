"""From one version of the tables to the next."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from minisocial.database import log
from minisocial.database.connection import connect
from minisocial.database.migrations import Migration, migrate, version_of
from minisocial.database.schema import DIRECTORY, LOGGED, OUTBOX, SHARD


def add_colour(db: object, shard: str) -> None:
    db["people"].add_column("colour", str)  # type: ignore[index]


def fail(db: object, shard: str) -> None:
    db["people"].add_column("never", str)  # type: ignore[index]
    raise ZeroDivisionError


STEPS = (Migration(2, "people have a colour", add_colour), Migration(3, "it fails", fail))


@pytest.fixture
def old(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "old.db", "rwc")) as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO people VALUES (1, 'Ada')")
        connection.execute("PRAGMA user_version = 1")
        yield connection


def test_missing_steps_are_taken_and_rows_kept(old: sqlite3.Connection, tmp_path: Path) -> None:
    migrate(old, tmp_path, "0", STEPS[:1])
    assert version_of(old) == 2
    assert old.execute("SELECT name, colour FROM people").fetchall() == [("Ada", None)]


def test_a_step_is_taken_once(old: sqlite3.Connection, tmp_path: Path) -> None:
    migrate(old, tmp_path, "0", STEPS[:1])
    migrate(old, tmp_path, "0", STEPS[:1])
    assert version_of(old) == 2


def test_a_backup_of_the_state_before_lies_beside_it(old: sqlite3.Connection, tmp_path: Path) -> None:
    migrate(old, tmp_path, "0", STEPS[:1])
    with closing(connect(tmp_path / "before-version-2-0.db")) as backup:
        assert version_of(backup) == 1
        assert backup.execute("SELECT * FROM people").fetchall() == [(1, "Ada")]


def test_a_step_that_fails_changes_nothing_and_the_steps_before_stay(old: sqlite3.Connection, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        migrate(old, tmp_path, "0", STEPS)
    assert version_of(old) == 2
    assert [row[1] for row in old.execute("PRAGMA table_info(people)")] == ["id", "name", "colour"]


@pytest.mark.parametrize("tables", [SHARD + OUTBOX, DIRECTORY + OUTBOX])
def test_every_table_of_the_schema_can_be_replicated(tables: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(tables)
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert log.tables(connection).keys() == made


def test_every_logged_column_exists() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SHARD)
        found = log.tables(connection)
        for table, columns in LOGGED.items():
            assert set(columns) <= set(found[table].columns)
