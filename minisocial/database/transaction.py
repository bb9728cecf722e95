"""What the blocks of `Cluster.write` and `Cluster.read` are given."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from minisocial.database.connection import CANNOT_OPEN, ReadPool, error_code, head, is_damage, is_full
from minisocial.database.copies import Copy
from minisocial.errors import Unavailable
from minisocial.ids import logical_shard_sql
from minisocial.trace import span

LOOK_SECONDS = 0.1  # a reader without a copy looks so often for another one …
PATIENCE = 20  # … and that many times


class Transaction:
    """One write block. Its statements count together or not at all."""

    __slots__ = ("_connection", "_cursors", "position", "shard")

    def __init__(self, connection: sqlite3.Connection, shard: str) -> None:
        self.shard = shard  # where it writes
        self.position = 0  # of the commit; known after the block
        self._connection: sqlite3.Connection | None = connection
        self._cursors: list[sqlite3.Cursor] = []

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:
        """Runs one statement; `params` is a sequence, or a mapping for named parameters."""
        return self._remember(self._open().execute(sql, params))

    def executemany(self, sql: str, params: Iterable[Any]) -> sqlite3.Cursor:
        """Runs one statement for each of many parameters."""
        return self._remember(self._open().executemany(sql, params))

    def row(self, sql: str, params: Any = ()) -> tuple[Any, ...] | None:
        """The first row of a query, as this block sees it, or None."""
        found: tuple[Any, ...] | None = self.execute(sql, params).fetchone()
        return found

    def close(self) -> None:
        """Ends it: the connection is another block's now. A half-read cursor would keep the WAL from being reused."""
        self._connection = None
        for cursor in self._cursors:
            cursor.close()
        self._cursors.clear()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("this write block has ended")
        return self._connection

    def _remember(self, cursor: sqlite3.Cursor) -> sqlite3.Cursor:
        if cursor.description is not None:
            self._cursors.append(cursor)
        return cursor


class Source(Protocol):
    """Where a reader gets its copies from."""

    @property
    def primary(self) -> Copy | None: ...
    def candidates(self, at_least: int) -> Sequence[Copy]: ...  # best first; raises ReplicaBehind
    def suspect(self, copy: Copy, error: Exception) -> None: ...  # is told of one that failed
    def wait_for_change(self, seconds: float) -> None: ...  # of a position or a role


class Reader:
    """One state of a shard: all rows read in a block are of the same moment.

    If the copy fails meanwhile, the next best one goes on, at the same position or a later one; when
    none is left it waits a moment, for another may be about to lead.
    """

    __slots__ = (
        "_at_least", "_connection", "_copies", "_copy", "_is_open", "_label", "_patience", "_pool", "_source",
        "foreign", "position",
    )  # fmt: skip

    def __init__(self, source: Source, at_least: int) -> None:
        self._source = source
        self._at_least = at_least
        self._copies = list(source.candidates(at_least))[::-1]
        self._patience = PATIENCE
        self._connection: sqlite3.Connection
        self._pool: ReadPool
        self._is_open = False
        self.position = 0  # of the state that is read
        self.foreign: tuple[int, ...] = ()  # logical shards that may have rows here, and have them elsewhere
        self._open_next()

    @property
    def copy(self) -> str:
        """The name of the place that is read: "a", "b", …"""
        return self._copy.name

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with span("database", self._label):
            while True:  # ends: each round has a copy less, or less patience
                try:
                    return self._connection.execute(sql, params).fetchall()
                except sqlite3.Error as error:
                    if not is_unreadable(error):
                        raise
                    self._give_up(error)
                    self._open_next()

    def row(self, sql: str, params: Any = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        found = self.rows(sql, params)
        return found[0] if found else None

    def own(self, column: str) -> str:
        """A condition in SQL that leaves out rows which lie elsewhere too, being moved; `column` says whose they are.

        For queries over all shards: an identifier of one's own is looked up only where it lives.
        """
        if not self.foreign:
            return "1"
        return f"{logical_shard_sql(column)} NOT IN ({', '.join(map(str, self.foreign))})"

    def close(self) -> None:
        """Ends the read transaction; the connection goes back to its pool."""
        if not self._is_open:
            return
        with suppress(sqlite3.Error):
            self._connection.execute("COMMIT")
        self._pool.give(self._connection)

    def _open_next(self) -> None:
        while not self._try_copies():
            if not self._patience:
                raise Unavailable("No copy of this part of the database can be read right now.")
            self._patience -= 1
            self._source.wait_for_change(LOOK_SECONDS)
            self._copies = list(self._source.candidates(max(self._at_least, self.position)))[::-1]

    def _try_copies(self) -> bool:
        while self._copies:
            self._copy = copy = self._copies.pop()
            role = "primary" if copy is self._source.primary else "replica"
            self._label = f"shard {copy.shard} {role} {copy.name}"
            try:
                if self._begin():
                    return True
            except sqlite3.Error as error:
                self._source.suspect(copy, error)
        return False

    def _begin(self) -> bool:
        pool = self._copy.pool
        if pool is None:  # it lost its file since it was chosen
            return False
        connection = pool.take()
        try:
            connection.execute("BEGIN")
            position = head(connection)
        except BaseException:
            connection.close()
            raise
        is_behind = position < self._at_least and self._copy is not self._source.primary
        if is_behind or position < self.position:  # it was replaced since it was chosen
            connection.close()
            return False
        self.position = position
        self._pool, self._connection, self._is_open = pool, connection, True
        self._copy.reads += 1
        return True

    def _give_up(self, error: sqlite3.Error) -> None:
        self._source.suspect(self._copy, error)
        self._connection.close()
        self._is_open = False


def is_unreadable(error: sqlite3.Error) -> bool:
    """True if another copy may do better: the file is bad, or can not be opened."""
    return is_damage(error) or error_code(error) == CANNOT_OPEN


def unavailable(error: BaseException) -> Unavailable:
    """What to tell people when surely nothing was written."""
    if is_full(error):
        return Unavailable("The disk is full. Nothing was saved.")
    return Unavailable("Nothing was saved, because of a fault in the database. Try again soon.")
