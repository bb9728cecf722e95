"""Who watches inside the tortured process: readers of every copy, and a consumer of the change stream.

They note what they see, in files of their own; an audit decides later whether it was wrong:

    seen.notes      back ACCOUNT EXPECTED FOUND      a session was shown an older state than before
                    torn ACCOUNT WHERE WHAT          a transaction was seen in part
    stream.notes    0 1099511627800 I posts 9001     shard, position, operation, table, first column of the key
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from minisocial.database import Change, Cluster
from minisocial.database.connection import connect
from minisocial.errors import MinisocialError
from minisocial.ids import logical_shard
from minisocial.torture.changes import totals

SEEN, STREAM = "seen.notes", "stream.notes"
SESSION_REST, FILE_REST = 0.002, 0.01  # seconds between two looks
AFTER_A_MOVE = 5.0  # seconds; until then a file may hold a part of what came or went


class Lines:
    """A file of lines, each written at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, *lines: str) -> None:
        os.write(self._file, "".join(f"{line}\n" for line in lines).encode())


class Stream:
    """A consumer of the change stream that notes all it is told."""

    def __init__(self, folder: Path) -> None:
        self._lines = Lines(folder / STREAM)

    def __call__(self, changes: Sequence[Change]) -> None:
        self._lines.write(*(f"{c.shard} {c.position} {c.op} {c.table} {c.key[0]}" for c in changes))


class Sight:
    """Judges what a reader sees, and notes it if it is odd."""

    def __init__(self, folder: Path) -> None:
        self._lines = Lines(folder / SEEN)

    def saw(self, account: int, expected: int, found: int, torn: str, where: str = "session") -> None:
        """A reader that must see operation `expected` of a writer, or a later one, sees `found`."""
        if found < expected:
            self._lines.write(f"back {account} {expected} {found}")
        if torn:
            self._lines.write(f"torn {account} {where} {torn}")


class SessionReader:
    """A person who looks at the writers again and again: never may what they see go back in time."""

    def __init__(self, cluster: Cluster, accounts: Sequence[int], sight: Sight) -> None:
        self._cluster, self._accounts, self._sight = cluster, accounts, sight
        self._seen: dict[str, int] = {}
        self._last: dict[int, int] = {}

    def run(self) -> None:
        """Looks until the process is killed."""
        rest = threading.Event()
        while True:
            for account in self._accounts:
                with suppress(MinisocialError):
                    self.step(account)
                rest.wait(SESSION_REST)

    def step(self, account: int) -> None:
        """One look at one writer."""
        with self._cluster.session(self._seen) as self._seen, self._cluster.read_home(account) as reader:
            found, torn = totals(reader, account)
        self._sight.saw(account, self._last.get(account, 0), found, torn)
        self._last[account] = found  # from here on; so that one step back is told once


class Stranger:
    """Somebody new at each look: they may be shown an older state, but never one from before the process began.

    So they meet copies that nobody else is given, who has seen what happened since: one that is held, say, while
    a writer moves to its shard.
    """

    def __init__(self, cluster: Cluster, accounts: Sequence[int], sight: Sight) -> None:
        self._cluster, self._sight = cluster, sight
        self._known = {account: found for account in accounts if (found := self._look(account, cluster.position)[0])}

    def _look(self, account: int, at_least: int | Callable[[str], int] = 0) -> tuple[int, str]:
        with self._cluster.read_home(account, at_least) as reader:
            return totals(reader, account)

    def run(self) -> None:
        """Looks until the process is killed."""
        rest = threading.Event()
        while True:
            for account in self._known:
                with suppress(MinisocialError):
                    self.step(account)
                rest.wait(SESSION_REST)
            rest.wait(SESSION_REST)

    def step(self, account: int) -> None:
        """One look at one writer."""
        self._sight.saw(account, self._known[account], *self._look(account))


class FileReader:
    """Opens the file of every copy as any program may, and looks for transactions that are there in part."""

    def __init__(self, cluster: Cluster, accounts: Sequence[int], sight: Sight, seed: str) -> None:
        self._cluster, self._accounts, self._sight = cluster, accounts, sight
        self._chance = random.Random(f"{seed} files")  # noqa: S311
        self._moved: dict[int, float] = {}  # logical shard → when it was last on its way

    def run(self) -> None:
        """Looks until the process is killed."""
        rest = threading.Event()
        while True:
            with suppress(sqlite3.Error, MinisocialError):  # the file was just destroyed, or replaced
                self.step()
            rest.wait(FILE_REST)

    def step(self) -> None:
        """One copy, all writers whose home it is."""
        shard = self._chance.choice(self._cluster.snapshot().shards)
        copy = self._chance.choice(shard.copies)
        if not copy.file or copy.state == "joining":  # what no reader is given may hold what never counted
            return
        with closing(connect(self._cluster.root.parent / copy.file)) as connection:
            for account in self._accounts:
                if self._is_at_home(account, shard.name):
                    _, torn = totals(Rows(connection), account)
                    if torn and self._is_at_home(account, shard.name):
                        self._sight.saw(account, 0, 0, torn, where=copy.file)

    def _is_at_home(self, account: int, shard: str) -> bool:
        """True if the rows of a writer lie whole on this shard, and did so for some time."""
        for move in self._cluster.snapshot().moves:
            self._moved[move.logical] = time.monotonic()
        was_moved = time.monotonic() - self._moved.get(logical_shard(account), -AFTER_A_MOVE) < AFTER_A_MOVE
        return self._cluster.shard_of(account) == shard and not was_moved


class Rows:
    """A plain connection, asked as a `Reader` is."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def row(self, sql: str, params: Any = ()) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._connection.execute(sql, params).fetchone()
        return found
