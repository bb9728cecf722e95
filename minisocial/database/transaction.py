"""What the blocks of `Cluster.write` and `Cluster.read` are given."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from minisocial.database.connection import CANNOT_OPEN, ReadPool, error_code, head, is_damage, is_full
from minisocial.database.copies import Copy
from minisocial.errors import Unavailable
from minisocial.trace import span


class Transaction:
    """One write block. Its statements count together or not at all."""

    __slots__ = ("_connection", "_cursors", "position")

    def __init__(self, connection: sqlite3.Connection) -> None:
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


class Reader:
    """One state of a shard: all rows read in a block are of the same moment.

    If the copy fails meanwhile, the next best one goes on, at the same position or a later one.
    """

    __slots__ = ("_connection", "_copies", "_copy", "_is_open", "_label", "_pool", "_report", "position")

    def __init__(self, copies: Sequence[Copy], primary: Copy | None, report: Callable[[Copy, Exception], None]) -> None:
        """`copies`: those that may be read, best first. `report` is told of one that failed."""
        self._copies = [(copy, "primary" if copy is primary else "replica") for copy in reversed(copies)]
        self._report = report
        self._connection: sqlite3.Connection
        self._pool: ReadPool
        self._is_open = False
        self.position = 0  # of the state that is read
        self._open_next()

    @property
    def copy(self) -> str:
        """The name of the place that is read: "a", "b", …"""
        return self._copy.name

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with span("database", self._label):
            while True:  # ends: each round has a copy less
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

    def close(self) -> None:
        """Ends the read transaction; the connection goes back to its pool."""
        if not self._is_open:
            return
        with suppress(sqlite3.Error):
            self._connection.execute("COMMIT")
        self._pool.give(self._connection)

    def _open_next(self) -> None:
        while self._copies:
            self._copy, role = self._copies.pop()
            self._label = f"shard {self._copy.shard} {role} {self._copy.name}"
            try:
                if self._begin():
                    return
            except sqlite3.Error as error:
                self._report(self._copy, error)
        raise Unavailable("No copy of this part of the database can be read right now.")

    def _begin(self) -> bool:
        pool = self._copy.pool
        if pool is None:  # it lost its file since it was chosen
            return False
        connection = pool.take()
        try:
            connection.execute("BEGIN")
            self.position = max(self.position, head(connection))
        except BaseException:
            connection.close()
            raise
        self._pool, self._connection, self._is_open = pool, connection, True
        self._copy.reads += 1
        return True

    def _give_up(self, error: sqlite3.Error) -> None:
        self._report(self._copy, error)
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
