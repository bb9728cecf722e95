"""The rows of one logical shard on their way from one shard to another: removed, copied, followed."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minisocial.database import log, schema
from minisocial.database.connection import schema_version
from minisocial.database.reading import Reader
from minisocial.errors import Unavailable
from minisocial.ids import logical_shard_sql

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

PAGE = 500  # rows in one write block, so that other writers pass in between
ROUND = 2_000  # entries of the log that are looked through at once
SHORT = 200  # entries: with no more than these left, writers can be asked to wait for the rest

Row = tuple[Any, ...]
Read = Callable[[str, Row], Sequence[Row]]
Changed = tuple[log.Table, set[Row], Sequence[Row]]  # the keys that the log names, and those rows that are there


class StartOver(Exception):
    """What was copied can not be built upon."""


class Transfer:
    """One attempt to bring the rows of a logical shard to another shard, while both are written.

    Pages are read by key, from any copy of the source that is as far as the log was followed; the log
    names what changed since the first page, and such rows are brought to their present state. So a
    row is right at the target once the log was followed to its end, whatever happened in between.
    """

    def __init__(self, logical: int, source: "Shard", target: "Shard") -> None:
        self.rows = 0  # copied
        self._logical = logical
        self._source = source
        self._target = target
        self._term = log.term_of(target.head())
        self._versions = self._schema_versions()
        self._tables = owned(source)
        self._position = 0  # up to here the source's log is followed
        self._newest = 0  # the newest position that anything was read at
        if self._tables != owned(target):
            raise Unavailable(f"The tables of shard {source.name} and shard {target.name} are not the same.")

    def begin(self) -> None:
        """Notes where the source is: what changes from here on, its log will tell."""
        with Reader(self._source, self._source.head()) as reader:
            self._position = self._newest = reader.position

    def copy(self) -> Iterator[None]:
        """Copies all rows, a page at a step."""
        for table in inhabited(self._read, self._tables, self._logical):
            for rows in pages(self._read, table, self._logical):
                with self._target.commits.write() as block:
                    block.executemany(insertion(table), rows)
                self.rows += len(rows)
                yield
                while self._source.head() - self._position > ROUND:  # the log is not kept for ever
                    self.follow()
                    yield

    def _read(self, sql: str, params: Row) -> Sequence[Row]:
        with Reader(self._source, self._position) as reader:
            self._newest = max(self._newest, reader.position)
            return reader.rows(sql, params)

    def follow(self) -> int:
        """Brings over what changed since, as far as one round goes; how many entries of the log that was."""
        with Reader(self._source, max(self._position, self._source.head())) as reader:
            self._newest = max(self._newest, reader.position)
            self._check_log(reader)
            until, entries = reader.rows(_NEXT_ENTRIES, (self._position, ROUND))[0]
            if not entries:
                return 0
            changed = [self._changed(reader, table, until) for table in self._tables_changed(reader, until)]
        self._bring(changed)
        self._position = until
        return int(entries)

    def _check_log(self, reader: "Reader") -> None:
        known = {self._position, self._newest}
        if len(reader.rows("SELECT seq FROM _log WHERE seq IN (?, ?)", (self._position, self._newest))) < len(known):
            raise StartOver(f"shard {self._source.name} does not know position {self._newest} any more")
        if reader.rows("SELECT 1 FROM _log WHERE seq > ? AND op = 'S' LIMIT 1", (self._position,)):
            raise StartOver(f"something changed on shard {self._source.name} that is not in its log")

    def _tables_changed(self, reader: "Reader", until: int) -> list[log.Table]:
        found = reader.rows("SELECT DISTINCT tbl FROM _log WHERE seq > ? AND seq <= ?", (self._position, until))
        return [self._tables[name] for (name,) in found if name in self._tables]

    def _changed(self, reader: "Reader", table: log.Table, until: int) -> Changed:
        logged = [f"k{number + 1}" for number in range(len(table.key))]
        owner = logged[table.key.index(schema.OWNERS[table.name])]
        where = f"tbl = ? AND seq > ? AND seq <= ? AND {logical_shard_sql(owner)} = ?"
        named = f"SELECT DISTINCT {', '.join(logged)} FROM _log WHERE {where}"
        params = (table.name, self._position, until, self._logical)
        keys = set(reader.rows(named, params))
        if not keys:
            return table, keys, ()
        return table, keys, reader.rows(f"{selection(table, table.columns)} ({names(table.key)}) IN ({named})", params)

    def _bring(self, changed: Sequence[Changed]) -> None:
        if not any(keys for _, keys, _ in changed):
            return
        with self._target.commits.write() as block:
            for table, keys, rows in changed:
                block.executemany(deletion(table), keys - {key_of(table, row) for row in rows})
                block.executemany(insertion(table), rows)

    # --- at the end

    def finish(self) -> None:
        """The rest, while nobody writes to the source; raises StartOver if anything may be missing."""
        while self.follow():
            pass
        if log.term_of(self._target.head()) != self._term:
            raise StartOver(f"another copy leads shard {self._target.name}, and may lack rows")
        if self._source.primary is None:
            raise Unavailable(f"Shard {self._source.name} has no primary right now.")
        if self._schema_versions() != self._versions and not self._tables == owned(self._source) == owned(self._target):
            raise StartOver("the tables changed")

    def _schema_versions(self) -> tuple[int | None, int | None]:
        return self._source.ask_primary(schema_version), self._target.ask_primary(schema_version)

    def is_safe(self, seconds: float) -> bool:
        """Whether a replica of the target, if it has any, has all of it within so many seconds."""
        target, wanted = self._target, self._target.head()
        with target.changed:
            return target.changed.wait_for(lambda: has_replica_at(target, wanted), seconds)


def clear(shard: "Shard", logical: int) -> Iterator[None]:
    """Removes the rows of a logical shard from a shard where they do not count, a page at a step."""

    def read(sql: str, params: Row) -> Sequence[Row]:
        with Reader(shard, shard.head()) as reader:
            return reader.rows(sql, params)

    for table in inhabited(read, owned(shard), logical):
        for rows in pages(read, table, logical, keys_only=True):
            with shard.commits.write() as block:
                block.executemany(deletion(table), rows)
            yield


# --- tables and their statements

_COLUMNS = """
    SELECT asked.value, name, pk FROM json_each(?) AS asked JOIN pragma_table_xinfo(asked.value) WHERE hidden = 0
"""
_NEXT_ENTRIES = "SELECT max(seq), count(*) FROM (SELECT seq FROM _log WHERE seq > ? ORDER BY seq LIMIT ?)"


def owned(shard: "Shard") -> Mapping[str, log.Table]:
    """The tables whose rows move; their columns in one order on all shards."""
    asked = (json.dumps(list(schema.OWNERS)),)
    found = shard.ask_primary(lambda connection: connection.execute(_COLUMNS, asked).fetchall())
    if found is None:
        raise Unavailable(f"Shard {shard.name} has no primary right now.")
    columns: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for table, column, place_in_key in found:
        columns[table][column] = place_in_key
    return {table: described(table, places) for table, places in columns.items()}


def described(table: str, places: Mapping[str, int]) -> log.Table:
    """A table by its columns and their places in the key, 0 for those outside."""
    key = sorted((column for column in places if places[column]), key=lambda column: places[column])
    return log.Table(table, tuple(key), tuple(sorted(places)))


def inhabited(read: Read, tables: Mapping[str, log.Table], logical: int) -> list[log.Table]:
    """The tables that hold rows of a logical shard, found by one query: most moves are of few rows."""
    looks = [
        f"SELECT {log.literal(table.name)} WHERE EXISTS ({selection(table, table.key)} {is_on(table)} = ?1)"
        for table in tables.values()
    ]
    return [tables[name] for (name,) in read(" UNION ALL ".join(looks), (logical,))]


def pages(read: Read, table: log.Table, logical: int, keys_only: bool = False) -> Iterator[Sequence[Row]]:
    """The rows of a logical shard in the order of their keys; each page begins after the last key of the one before."""
    wanted = table.key if keys_only else table.columns
    begins = f"{selection(table, wanted)} {is_on(table)} = ?"
    after = f"AND ({names(table.key)}) > ({marks(table.key)})"
    ends = f"ORDER BY {names(table.key)} LIMIT {PAGE}"
    rows = read(f"{begins} {ends}", (logical,))
    yield rows
    while len(rows) == PAGE:
        last = rows[-1] if keys_only else key_of(table, rows[-1])
        rows = read(f"{begins} {after} {ends}", (logical, *last))
        yield rows


def is_on(table: log.Table) -> str:
    return logical_shard_sql(log.quoted(schema.OWNERS[table.name]))


def selection(table: log.Table, columns: Sequence[str]) -> str:
    return f"SELECT {names(columns)} FROM {log.quoted(table.name)} WHERE"


def insertion(table: log.Table) -> str:
    return f"INSERT OR REPLACE INTO {log.quoted(table.name)} ({names(table.columns)}) VALUES ({marks(table.columns)})"


def deletion(table: log.Table) -> str:
    return f"DELETE FROM {log.quoted(table.name)} WHERE ({names(table.key)}) = ({marks(table.key)})"


def names(columns: Sequence[str]) -> str:
    return ", ".join(map(log.quoted, columns))


def marks(columns: Sequence[str]) -> str:
    return ", ".join("?" for _ in columns)


def key_of(table: log.Table, row: Row) -> Row:
    return tuple(row[table.columns.index(column)] for column in table.key)


def has_replica_at(shard: "Shard", position: int) -> bool:
    """Whether a copy besides the primary is as far as this, or there is none besides."""
    others = [copy for copy in shard.copies if copy is not shard.primary]
    return not others or any(copy.path and copy.position >= position for copy in others)
