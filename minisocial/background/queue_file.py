"""The queue's file: its tables, and what to do with one that is old or damaged."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from huey.storage import SqliteStorage

TABLE_TASK = """
create table if not exists task (
    id integer not null primary key, queue text not null, data blob not null, priority real not null default 0,
    rank integer not null default 0, lane text, parked integer not null default 0)
"""
INDEX_TASK = "create index if not exists task_next on task (queue, parked, priority desc, rank, id)"
INDEX_PARKED = "create index if not exists task_parked on task (lane) where parked"
DDL = (
    SqliteStorage.table_kv, SqliteStorage.table_sched, SqliteStorage.index_sched, TABLE_TASK, INDEX_TASK,
    INDEX_PARKED, SqliteStorage.table_counter,
)  # fmt: skip


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is bad; what is operational (busy, full, input and output) may pass."""
    passing = (sqlite3.OperationalError, sqlite3.ProgrammingError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, passing)


def discard_old(file: Path) -> None:
    """A file that an earlier program made, without ranks, goes: the outbox has what was in it."""
    if not file.exists():
        return
    with suppress(sqlite3.Error):  # whatever is wrong with it shows when it is opened
        connection = sqlite3.connect(file, timeout=5)
        try:
            columns = [row[1] for row in connection.execute("pragma table_info(task)")]
        finally:
            connection.close()
        if columns and "rank" not in columns:
            remove_file(file)


def remove_file(file: Path) -> None:
    """Deletes a SQLite file with what belongs to it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
