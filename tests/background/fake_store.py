"""A stand-in for the database: each shard one plain SQLite file, its log of the outbox in a table."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial.database import schema
from minisocial.errors import NoPrimary

TABLES = """
CREATE TABLE log (position INTEGER PRIMARY KEY AUTOINCREMENT, op TEXT NOT NULL, id INTEGER NOT NULL);
CREATE TRIGGER outbox_i AFTER INSERT ON outbox BEGIN INSERT INTO log (op, id) VALUES ('I', new.id); END;
CREATE TRIGGER outbox_d AFTER DELETE ON outbox BEGIN INSERT INTO log (op, id) VALUES ('D', old.id); END;
CREATE TABLE effects (key TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL DEFAULT 0);
CREATE TABLE tally (key TEXT NOT NULL PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE schedule (job TEXT NOT NULL PRIMARY KEY, slot INTEGER NOT NULL, at INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class FakeChange:
    shard: str
    position: int
    table: str
    op: str
    key: tuple[Any, ...]


class FakeReader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, params).fetchall()


class FakeStore:
    """`fault` is called with "read", "begin", "commit" and "committed", and may raise."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("directory", "0")) -> None:
        self.names = names
        self.fault: Callable[[str], None] = lambda moment: None
        self.is_down = False
        self._locks = {name: threading.RLock() for name in names}
        self._connections = {name: self._open(folder / f"shard-{name}.db") for name in names}
        self._told = {name: self.position(name) for name in names}
        self._consumers: list[Callable[[Sequence[Any]], None]] = []

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def subscribe(self, consumer: Callable[[Sequence[Any]], None]) -> None:
        self._consumers.append(consumer)

    def position(self, shard: str) -> int:
        with self._locks[shard]:
            return int(self._connections[shard].execute("SELECT coalesce(max(position), 0) FROM log").fetchone()[0])

    @contextmanager
    def read(self, shard: str, at_least: int = 0) -> Iterator[FakeReader]:
        self._check("read")
        with self._locks[shard]:
            yield FakeReader(self._connections[shard])

    @contextmanager
    def write(self, shard: str) -> Iterator[sqlite3.Connection]:
        with self._locks[shard]:
            connection = self._connections[shard]
            self._check("begin")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                self._check("commit")
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
            self._check("committed")
            changes = self._changes(shard)
        for consumer in self._consumers:
            consumer(changes)

    def effects(self) -> dict[str, int]:
        return {k: v for name in self.names for k, v in self._rows(name, "SELECT key, at FROM effects")}

    def tally(self) -> dict[str, int]:
        return {k: v for name in self.names for k, v in self._rows(name, "SELECT key, times FROM tally")}

    def waiting(self) -> list[dict[str, Any]]:
        """The arguments of all tasks in the outboxes."""
        rows = [row for name in self.names for row in self._rows(name, "SELECT args FROM outbox ORDER BY id")]
        return [json.loads(args) for (args,) in rows]

    def load(self, shard: str, rows: Sequence[tuple[int, str, str]]) -> None:
        """Outbox rows (id, task, args) that the log does not tell of."""
        with self._locks[shard]:
            sql = "INSERT INTO outbox VALUES (?, ?, ?, '', 0)"
            self._connections[shard].executemany(sql, rows)
            self._told[shard] = self.position(shard)

    def _rows(self, shard: str, sql: str) -> list[tuple[Any, ...]]:
        with self._locks[shard]:
            return self._connections[shard].execute(sql).fetchall()

    def _check(self, moment: str) -> None:
        if self.is_down:
            raise NoPrimary("the database is down")
        self.fault(moment)

    def _changes(self, shard: str) -> list[FakeChange]:
        rows = self._rows(shard, f"SELECT position, op, id FROM log WHERE position > {self._told[shard]}")
        self._told[shard] = rows[-1][0] if rows else self._told[shard]
        return [FakeChange(shard, position, "outbox", op, (id,)) for position, op, id in rows]

    def _open(self, file: Path) -> sqlite3.Connection:
        is_new = not file.exists()
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        if is_new:
            connection.executescript("BEGIN;" + schema.OUTBOX + TABLES + "COMMIT;")
        return connection
