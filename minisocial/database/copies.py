"""One copy of a shard: the file in use in a place, how far it is, and connections for reading it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from minisocial.clock import Clock
from minisocial.database.connection import (
    Identity,
    ReadPool,
    Replaced,
    connect,
    head,
    identity,
    open_writer,
    version_of,
)
from minisocial.database.loss.places import Place


class Copy:
    """One copy of a shard, in one place.

    Which of the copies leads is not its business. It knows its file, or that it has none; its
    position, which is a lower bound of what a reader finds there; and since when it is behind.
    """

    def __init__(self, shard: str, place: Place, clock: Clock) -> None:
        self.shard = shard
        self.place = place
        self.name = place.name
        self.version = 0  # of its tables
        self.has_joined = False  # its history was found to be the primary's; before, it may hold what never counted
        self.slow_seconds = 0.0  # that a commit takes longer, to model a slow disk
        self.path: Path | None = None
        self.pool: ReadPool | None = None
        self.position = 0
        self.coming = 0  # while a snapshot is under way: the position it will have at least
        self.fresh_at = clock.monotonic()  # when it last had all there was
        self.is_held = False
        self.is_down = False
        self.error: Exception | None = None  # somebody met it here, and nobody has looked into it yet
        self.reads = 0
        self.busy = threading.Lock()  # held while the file is written by a follower, or its role changes
        self.wake = threading.Event()  # there may be something to follow
        self._identity: Identity | None = None

    @property
    def is_readable(self) -> bool:
        return self.pool is not None and self.has_joined and not self.is_down and self.error is None

    def use(self, path: Path | None) -> None:
        """Takes a file into use, or none."""
        old, self._identity, self.error, self.has_joined = self.pool, None, None, False
        if path is None:
            self.path, self.pool, self.position = None, None, 0
        else:
            with closing(connect(path)) as connection:
                position, self.version = head(connection), version_of(connection)
            self.path, self.pool, self.position = path, ReadPool(path), position
        self.coming = 0
        if old:
            old.close()

    def open_writer(self, sync: str) -> sqlite3.Connection:
        """The one connection that writes this file; remembers which file that is."""
        if self.path is None:
            raise Replaced("there is no file")
        connection = open_writer(self.path, sync)
        self._identity = identity(self.path)
        return connection

    def writer_closes(self) -> None:
        """To be said before: the WAL may go with the connection that wrote it, and that is no fault."""
        self._identity = None

    def check_identity(self) -> None:
        """Raises Replaced if the file lost its name. SQLite would go on writing to it and report success."""
        known, path = self._identity, self.path
        if path is None:
            return
        problem = changed(path, known)
        if problem and self._identity is known and self.path == path:  # else its writer was closed while we looked
            raise Replaced(problem)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A pooled connection for reading."""
        pool = self.pool
        if pool is None:
            raise Replaced("there is no file")
        connection = pool.take()
        try:
            yield connection
        finally:
            pool.give(connection)


def changed(path: Path, known: Identity | None) -> str:
    """What happened to a file since its identity was taken, or ""; without one (no writer is open) it must be there."""
    try:
        if known is None:
            return "" if path.exists() else f"{path.name} is missing"
        return "" if identity(path) == known else f"{path.name} was replaced"
    except Replaced as error:
        return str(error)
