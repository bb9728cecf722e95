"""What the blocks of `Cluster.read` are given, and which copy that is.

A reader gets a replica that has all they have seen, in turn; else the primary; else what is left.
"""

import sqlite3
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from minisocial.database.connection import CANNOT_OPEN, HEAD, ReadPool, error_code, is_damage
from minisocial.database.copies import Copy
from minisocial.database.session import saw
from minisocial.errors import ReplicaBehind, Unavailable
from minisocial.ids import logical_shard_sql
from minisocial.trace import current

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

LAG_LIMIT = 5.0  # seconds; a replica further behind is not read
READ_SECONDS = 1.0  # how long a reader waits for a copy that has all they have seen
LOOK_SECONDS = 0.1  # one who has none left looks so often for another one …
PATIENCE = 20  # … and that many times


class Reader:
    """One state of a shard: all rows read in a block are of the same moment.

    If the copy fails meanwhile, the next best one goes on, at the same position or a later one; when
    none is left it waits a moment, for another may be about to lead.

    A page is made of many of these, so each step here is done with as little as it takes.
    """

    __slots__ = (
        "_at_least", "_connection", "_copies", "_copy", "_is_open", "_patience", "_pool", "_shard",
        "foreign", "position",
    )  # fmt: skip

    def __init__(self, shard: "Shard", at_least: int, foreign: tuple[int, ...] = ()) -> None:
        """Opens it; raises ReplicaBehind or Unavailable."""
        self.foreign = foreign  # logical shards that may have rows here, and have them elsewhere
        self.position = 0  # of the state that is read
        self._shard = shard
        self._at_least = at_least
        self._copies = in_turn(shard, at_least)
        self._patience = PATIENCE
        self._connection: sqlite3.Connection
        self._copy: Copy
        self._pool: ReadPool
        self._is_open = False
        self._open_next()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        saw(self._shard.name, self.position)
        self.close()

    @property
    def copy(self) -> str:
        """The name of the place that is read: "a", "b", …"""
        return self._copy.name

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        trace = current()
        if trace is None:
            return self._fetch(sql, params)
        began = perf_counter()
        try:
            return self._fetch(sql, params)
        finally:
            trace.add("database", self._label(), began, perf_counter())

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
        self._is_open = False
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._connection.close()
        else:
            self._pool.give(self._connection)

    def _label(self) -> str:
        copy, shard = self._copy, self._shard
        return f"shard {shard.name} {'primary' if copy is shard.primary else 'replica'} {copy.name}"

    def _fetch(self, sql: str, params: Any) -> list[tuple[Any, ...]]:
        while True:  # ends: each round has a copy less, or less patience
            try:
                return self._connection.execute(sql, params).fetchall()
            except sqlite3.Error as error:
                if not is_unreadable(error):
                    raise
                self._give_up(error)
                self._open_next()

    def _open_next(self) -> None:
        if self._try_copies():
            return
        self._copies = candidates(self._shard, max(self._at_least, self.position))
        while not self._try_copies():
            if not self._patience:
                raise Unavailable("No copy of this part of the database can be read right now.")
            self._patience -= 1
            self._shard.wait_for_change(LOOK_SECONDS)
            self._copies = candidates(self._shard, max(self._at_least, self.position))

    def _try_copies(self) -> bool:
        while self._copies:
            self._copy = copy = self._copies.pop(0)
            try:
                if self._begin(copy):
                    return True
            except sqlite3.Error as error:
                self._shard.suspect(copy, error)
        return False

    def _begin(self, copy: Copy) -> bool:
        pool = copy.pool
        if pool is None:  # it lost its file since it was chosen
            return False
        connection = pool.take()
        try:
            connection.execute("BEGIN")
            position = connection.execute(HEAD).fetchone()[0] or 0
        except BaseException:
            connection.close()
            raise
        is_behind = position < self._at_least and copy is not self._shard.primary
        if is_behind or position < self.position:  # it was replaced since it was chosen
            connection.close()
            return False
        self.position = position
        self._pool, self._connection, self._is_open = pool, connection, True
        copy.reads += 1
        return True

    def _give_up(self, error: sqlite3.Error) -> None:
        self._shard.suspect(self._copy, error)
        self._connection.close()
        self._is_open = False


def in_turn(shard: "Shard", at_least: int) -> list[Copy]:
    """The replica whose turn it is, if it is fit; so most readers need not look at the others."""
    copies, primary = shard.copies, shard.primary
    if primary is None or len(copies) < 2:
        return []
    shard.turn = turn = (shard.turn + 1) % (len(copies) - 1)  # threads that meet here may get the same one
    copy = copies[turn]
    if copy is primary or primary in copies[:turn]:
        copy = copies[turn + 1]
    is_fit = copy.position >= at_least and copy.is_readable and shard.lag(copy) < LAG_LIMIT
    return [copy] if is_fit else []


def candidates(shard: "Shard", at_least: int) -> list[Copy]:
    """The copies to try, best first; raises ReplicaBehind."""
    primary = shard.primary
    fit = [
        copy
        for copy in shard.copies
        if copy is not primary and copy.position >= at_least and copy.is_readable and shard.lag(copy) < LAG_LIMIT
    ]
    turn = shard.turn % len(fit) if fit else 0
    fit = fit[turn:] + fit[:turn]
    if primary and primary.is_readable:
        fit.append(primary)
    return fit or last_resort(shard, at_least)


def last_resort(shard: "Shard", at_least: int) -> list[Copy]:
    """When nothing is as it should be: any copy that does not take its reader back in time, or soon will not."""
    with shard.changed:
        shard.changed.wait_for(lambda: left(shard, at_least) or not left(shard, 0), READ_SECONDS)
    found = left(shard, at_least)
    if not found:
        raise ReplicaBehind("No copy of the database that can be read is new enough. Try again soon.")
    return sorted(found, key=lambda copy: copy.position, reverse=True)


def left(shard: "Shard", at_least: int) -> list[Copy]:
    """What can be read at all, even if somebody met an error there."""
    return [copy for copy in shard.copies if copy.has_joined and not copy.is_down and copy.position >= at_least]


def is_unreadable(error: sqlite3.Error) -> bool:
    """True if another copy may do better: the file is bad, or can not be opened."""
    return is_damage(error) or error_code(error) == CANNOT_OPEN
