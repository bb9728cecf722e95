"""What the blocks of `Cluster.write` are given."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from minisocial.database.connection import is_full
from minisocial.errors import Unavailable


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


def unavailable(error: BaseException) -> Unavailable:
    """What to tell people when surely nothing was written."""
    if is_full(error):
        return Unavailable("The disk is full. Nothing was saved.")
    return Unavailable("Nothing was saved, because of a fault in the database. Try again soon.")
