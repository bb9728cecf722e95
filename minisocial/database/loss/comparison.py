"""Comparing two copies row by row, both at one position, while reads and writes go on.

The trick is where the two are read. With the right to write in hand for a moment, the replica follows
to the head and a read transaction begins on both files: from then on the two stand still for this
connection, and everybody else goes on. What differs now really differs.

Such a transaction keeps the WALs of both files from being reused, so each look is short: it compares
ranges of rows until its time is over, and the next look, at a later position, goes on behind them.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from minisocial.database import log
from minisocial.database.connection import connect, head, uri
from minisocial.database.copies import Copy
from minisocial.database.log import Table, literal, quoted

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

LOOK_SECONDS = 1.0  # how long one look may last
REST_SECONDS = 0.5  # between two looks, so that the WALs can be reused
ATTEMPTS = 10  # to find the copies at one position
RANGE_SECONDS = 0.1  # how long the comparison of one range should take
FIRST_RANGE = 1_000  # rows; the size adapts itself …
MIN_RANGE, MAX_RANGE = 100, 100_000  # … within these limits
BUSY_SECONDS = 0.2  # writers wait no longer for a replica that is being written
FEW = 5  # rows of a table that are named; the others are counted
LOG = Table("_log", ("seq",), ("seq", "at", "tbl", "op", "k1", "k2", "k3", "logged"))

Key = tuple[Any, ...]
Answer = TypeVar("Answer")


class NotNow(Exception):
    """The copies can not be brought to one position at the moment; the text says why."""


class Aside(NotNow):
    """... nor in a few seconds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One row, or one thing, in which a replica differs from its primary.

    `table` is "" for the schema and for the file as a whole; `key` is () for what is not one row.
    """

    table: str
    key: Key
    what: str

    def __str__(self) -> str:
        where = f"{self.table} {', '.join(map(repr, self.key))}".strip()
        return f"{where}: {self.what}" if where else self.what


@contextmanager
def at_one_position(shard: "Shard", copies: Sequence[Copy]) -> Iterator[sqlite3.Connection]:
    """A connection that reads the primary as `main` and the copies as `copy0`, `copy1` …; raises NotNow.

    Writers wait only while the last changes are applied and the transaction begins.
    """
    for copy in copies:
        shard.follower_of(copy).step()  # most of the way, while nobody has to wait for it
    primary = shard.primary
    if primary is None or primary.path is None:
        raise NotNow("no copy leads")
    with closing(connect(primary.path)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a bad copy may hold anything
        paths = [copy.path for copy in copies]
        for number, path in enumerate(paths):
            if path is None:
                raise NotNow("there is no file")
            connection.execute(f"ATTACH ? AS copy{number}", (uri(path, "ro"),))
        with shard.commits.quiet():
            for copy in copies:
                bring_to_head(shard, copy, primary)
            begin(connection, len(copies))
            if shard.primary is not primary or paths != [copy.path for copy in copies]:
                raise NotNow("its file changed just now")
        yield connection


def patiently(attempt: Callable[[], Answer], closing: threading.Event) -> Answer:
    """Tries again for a few seconds: a follower that is busy, or takes a snapshot, will have ended."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except Aside:
            raise
        except NotNow:
            if closing.wait(REST_SECONDS):
                raise
    return attempt()


def bring_to_head(shard: "Shard", copy: Copy, primary: Copy) -> None:
    """A replica follows to the end; the caller holds the right to write."""
    if copy is shard.primary:
        raise Aside("it leads")
    if copy.is_held:
        raise Aside("it is held")
    if not copy.busy.acquire(timeout=BUSY_SECONDS):  # a snapshot may be on its way into it
        raise NotNow("it is busy")
    try:
        if reason := shard.follower_of(copy).follow(primary):
            raise NotNow(reason)
    finally:
        copy.busy.release()


def begin(connection: sqlite3.Connection, copies: int) -> None:
    """From here on all files stand still for this connection. Another program may have written meanwhile."""
    connection.execute("BEGIN")
    if len({head(connection, name) for name in names(copies)}) > 1:
        raise NotNow("another program writes to the primary")


def names(copies: int) -> list[str]:
    """What the files are called in a connection to so many copies, the primary first."""
    return ["main", *(f"copy{number}" for number in range(copies))]


class Comparison:
    """One replica compared with its primary, look by look.

    It promises: every row was compared with the primary's at one and the same position, though not
    all rows at the same one; a row written meanwhile is no difference. Every stored value counts with
    its type: 1 is not 1.0, 'a' is not 'A' whatever the column's collation, NULL is not ''.
    """

    def __init__(self, shard: "Shard", copy: Copy) -> None:
        self.rows = 0  # compared so far
        self._shard = shard
        self._copy = copy
        self._named: list[Difference] = []
        self._found: Counter[str] = Counter()  # differing rows of each table
        self._todo: list[Table] = []
        self._after: Key = ()  # where to go on in the first of them
        self._version = -1  # of the schema
        self._size = FIRST_RANGE

    @property
    def differences(self) -> list[Difference]:
        """What was found so far: the first rows of each table, and how many more."""
        more = [
            Difference(table, (), f"{found - FEW} more rows") for table, found in self._found.items() if found > FEW
        ]
        return self._named + more

    def look(self, seconds: float = LOOK_SECONDS) -> bool:
        """Compares for so long, at one position; True once everything was compared. Raises NotNow."""
        clock = self._shard.clock
        with at_one_position(self._shard, [self._copy]) as connection:
            until = clock.monotonic() + seconds
            if self._version != schema_version(connection):
                self._begin(connection)
            while self._todo:
                self._compare_range(connection, self._todo[0])
                if clock.monotonic() >= until or self._shard.closing.is_set():
                    break
        return not self._todo

    def finish(self, closing: threading.Event) -> None:
        """Looks until everything was compared; raises NotNow."""
        while not patiently(self.look, closing):
            if closing.wait(REST_SECONDS):
                raise Aside("the database is being stopped")

    def _begin(self, connection: sqlite3.Connection) -> None:
        """The first look; or the schema changed meanwhile, and with it what there is to compare."""
        self._version, self.rows, self._after = schema_version(connection), 0, ()
        self._named.clear()
        self._found.clear()
        self._todo = [LOG, *log.tables(connection).values()]
        if log.shape(connection, "main") != log.shape(connection, "copy0"):
            self._named, self._todo = [Difference("", (), "its schema differs")], []

    def _compare_range(self, connection: sqlite3.Connection, table: Table) -> None:
        began, after = self._shard.clock.monotonic(), self._after or start_of(connection, table)
        upto = end_of_range(connection, table, after, self._size)
        rows = Rows(connection, table, {">": after, "<=": upto})
        count, found = rows.count("main"), rows.altered("main", "copy0")
        if found or count != rows.count("copy0"):  # else each row has its twin, and none is left over
            found += rows.surplus("main", "copy0")
        self._named += found[: max(0, FEW - self._found[table.name])]
        self._found[table.name] += len(found)
        self.rows += count
        self._go_on(upto, self._shard.clock.monotonic() - began)

    def _go_on(self, upto: Key, seconds: float) -> None:
        """Behind the range, or with the next table. What took long is done in smaller pieces from now on."""
        self._after = upto
        if not upto:
            self._todo.pop(0)
            self._size = FIRST_RANGE
        else:
            self._size = min(self._size * 2, MAX_RANGE) if seconds < RANGE_SECONDS else max(self._size // 2, MIN_RANGE)


class Rows:
    """The rows of a table whose keys lie within bounds, in any file of a connection."""

    def __init__(self, connection: sqlite3.Connection, table: Table, bounds: Mapping[str, Key]) -> None:
        """`bounds`: {">": key, "<=": key}, or {"=": key}; () is no bound."""
        self._connection = connection
        self._table = table
        self._bounds = {sign: key for sign, key in bounds.items() if key}
        self._values = [value for key in self._bounds.values() for value in key]

    def count(self, database: str) -> int:
        """How many there are in a file."""
        sql = f"SELECT count(*) FROM {database}.{quoted(self._table.name)} AS p WHERE {self._within()}"
        rows: int = self._connection.execute(sql, self._values).fetchone()[0]
        return rows

    def altered(self, database: str, other: str) -> list[Difference]:
        """Those of a file that the other has not, or not like this."""
        values = [column for column in self._table.columns if column not in self._table.key]
        is_missing = f"r.{quoted(self._table.key[0])} IS NULL"
        names = " || ".join(["''", *(f"iif({differs(column)}, {literal(f', {column}')}, '')" for column in values)])
        what = f"iif({is_missing}, 'is missing', 'differs in ' || substr({names}, 3))"
        return self._ask(database, other, what, " OR ".join([is_missing, *map(differs, values)]))

    def surplus(self, database: str, other: str) -> list[Difference]:
        """Those that only the other file has."""
        return self._ask(other, database, "'is only there'", f"r.{quoted(self._table.key[0])} IS NULL")

    def _ask(self, database: str, other: str, what: str, where: str) -> list[Difference]:
        name, key = quoted(self._table.name), self._table.key
        found = self._connection.execute(
            f"SELECT {', '.join(f'p.{quoted(column)}' for column in key)}, {what} FROM {database}.{name} AS p "
            f"LEFT JOIN {other}.{name} AS r ON {' AND '.join(map(is_same, key))} WHERE {self._within()} AND ({where})",
            self._values,
        )
        return [Difference(self._table.name, row[:-1], row[-1]) for row in found]

    def _within(self) -> str:
        key = ", ".join(f"p.{quoted(column)}" for column in self._table.key)
        bounds = (f"({key}) {sign} ({', '.join('?' * len(bound))})" for sign, bound in self._bounds.items())
        return " AND ".join(bounds) or "1"


def is_same(column: str) -> str:
    """SQL: one row's key is the other's. The first comparison finds it by the index, the others are exact."""
    p, r = f"p.{quoted(column)}", f"r.{quoted(column)}"
    return f"{p} = {r} AND {p} = {r} COLLATE BINARY AND typeof({p}) = typeof({r})"


def differs(column: str) -> str:
    """SQL: two values are not the same."""
    p, r = f"p.{quoted(column)}", f"r.{quoted(column)}"
    return f"({p} IS NOT {r} COLLATE BINARY OR typeof({p}) <> typeof({r}))"


def start_of(connection: sqlite3.Connection, table: Table) -> Key:
    """Where to begin: of the log only the part that both have is compared, for each is trimmed by itself."""
    if table is not LOG:
        return ()
    first = [connection.execute(f"SELECT min(seq) FROM {name}._log").fetchone()[0] or 0 for name in names(1)]
    return (max(first) - 1,)


def end_of_range(connection: sqlite3.Connection, table: Table, after: Key, size: int) -> Key:
    """The key of the primary's row that lies so far behind another; () if there are fewer."""
    key = ", ".join(map(quoted, table.key))
    where = f"WHERE ({key}) > ({', '.join('?' * len(after))})" if after else ""
    sql = f"SELECT {key} FROM main.{quoted(table.name)} {where} ORDER BY {key} LIMIT 1 OFFSET {size}"
    found: Key | None = connection.execute(sql, after).fetchone()
    return found if found and found != after else ()


def schema_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA main.schema_version").fetchone()[0]
    return version


def differ(connection: sqlite3.Connection, database: str, other: str, where: Difference) -> bool:
    """True if two files differ where two others did."""
    if not where.table:
        return log.shape(connection, database) != log.shape(connection, other)
    table = LOG if where.table == LOG.name else log.tables(connection, database).get(where.table)
    if table is None or not where.key:
        return False
    rows = Rows(connection, table, {"=": where.key})
    return bool(rows.altered(database, other) or rows.surplus(database, other))
