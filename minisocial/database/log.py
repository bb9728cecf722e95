"""The log: which rows changed, in which order, written by triggers in the transaction of the change.

An entry names a row by its key; what the row holds is read from its table. For a few columns
(`schema.LOGGED`) the entry also carries values, so that a consumer knows them after the row is gone.
Being triggers, they see writes of any program, also of the `sqlite3` shell.

A position is `term << 40 | n`. It grows over promotions and is never used twice; so if the last
position of a copy is in the primary's log, both have the same history up to there (Raft's log
matching, with one look-up).
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minisocial.database import schema

logger = logging.getLogger(__name__)

TERM_SHIFT = 40
MAX_KEY = 3  # columns

# No constraint here may fail: an outer INSERT OR IGNORE would silently skip the entry.
CREATE = """
CREATE TABLE IF NOT EXISTS _log (       -- which rows changed
    seq     INTEGER PRIMARY KEY,        -- the position
    at      INTEGER,                    -- milliseconds since 1970
    tbl     TEXT,                       -- "" for a mark
    op      TEXT,                       -- I, U, D: a row; T: a term begins; S: from here on, only a snapshot helps
    k1, k2, k3,                         -- the key of the row, in its own types
    logged  TEXT                        -- JSON of declared columns: new values of an insert, else the old ones
)"""
NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@dataclass(frozen=True, slots=True)
class Change:
    """One row that changed. `logged` holds the columns of `schema.LOGGED`: new values for I, old ones for U and D."""

    shard: str
    position: int
    table: str
    op: str  # I, U or D; a row whose key changes is a D and an I
    key: tuple[Any, ...]
    logged: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is replicated: the columns of its key, and all it stores."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


Consumer = Callable[[Sequence[Change]], None]


def term_of(position: int) -> int:
    return position >> TERM_SHIFT


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def start_term(connection: sqlite3.Connection, term: int) -> None:
    """The first entry of a term."""
    connection.execute(f"INSERT INTO _log (seq, at, tbl, op) VALUES (?, {NOW}, '', 'T')", (term << TERM_SHIFT,))


def mark_gap(connection: sqlite3.Connection) -> None:
    """Says that something changed unlogged: a replica that is not past this entry needs a snapshot."""
    connection.execute(f"INSERT INTO _log (at, tbl, op) VALUES ({NOW}, '', 'S')")


def contains(connection: sqlite3.Connection, position: int) -> bool:
    return connection.execute("SELECT 1 FROM _log WHERE seq = ?", (position,)).fetchone() is not None


def trim(execute: Callable[[str, tuple[int, int]], object], up_to: int, at_most: int) -> None:
    """Drops the oldest entries, at most so many, never the last one."""
    execute(
        "DELETE FROM _log WHERE seq IN (SELECT seq FROM _log WHERE seq <= ? AND seq < (SELECT max(seq) FROM _log) "
        "ORDER BY seq LIMIT ?)",
        (up_to, at_most),
    )


def nth_newest(connection: sqlite3.Connection, n: int) -> int:
    """The position that has `n` entries after it, 0 if the log is shorter."""
    row = connection.execute("SELECT seq FROM _log ORDER BY seq DESC LIMIT 1 OFFSET ?", (n,)).fetchone()
    return row[0] if row else 0


def news(connection: sqlite3.Connection, shard: str, after: int) -> tuple[int, int, list[Change]]:
    """The schema's version, the head of the log, and the rows changed after a position, in order.

    One query instead of three: whenever SQLite works, the other threads run, and each time it takes a while to get
    the interpreter back.
    """
    rows = connection.execute(
        "SELECT schema_version, seq, tbl, op, k1, k2, k3, logged FROM pragma_schema_version "
        "LEFT JOIN _log ON seq > ? ORDER BY seq",
        (after,),
    ).fetchall()
    changes = [
        Change(shard, seq, table, op, key_of(k1, k2, k3), json.loads(logged) if logged else {})
        for _, seq, table, op, k1, k2, k3, logged in rows
        if table
    ]
    return rows[0][0], rows[-1][1] or after, changes


def key_of(k1: Any, k2: Any, k3: Any) -> tuple[Any, ...]:
    """The key as long as it is: its columns are never NULL, so NULL ends it."""
    if k2 is None:
        return (k1,)
    return (k1, k2) if k3 is None else (k1, k2, k3)


def tables(connection: sqlite3.Connection, database: str = "main") -> dict[str, Table]:
    """The tables that can be replicated, by name. Others (made by somebody's tool) are left alone."""
    rows = connection.execute(
        f"SELECT name FROM pragma_table_list WHERE schema = {literal(database)} AND type = 'table' "
        "AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name <> '_log'"
    ).fetchall()
    described = (describe(connection, database, name) for (name,) in rows)
    return {table.name: table for table in described if table}


def describe(connection: sqlite3.Connection, database: str, name: str) -> Table | None:
    """A table as replication needs it; None, with a warning, if its rows can not be told apart by a key."""
    columns = connection.execute(
        'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?, ?) WHERE hidden = 0 ORDER BY cid', (name, database)
    ).fetchall()
    key = sorted((column for column in columns if column[3]), key=lambda column: int(column[3]))
    is_rowid = len(key) == 1 and key[0][1].upper() == "INTEGER"
    if not 1 <= len(key) <= MAX_KEY or not all(is_rowid or column[2] for column in key):
        logger.warning("table %s is not replicated: it needs a PRIMARY KEY of 1 to 3 columns, NOT NULL", name)
        return None
    return Table(name, tuple(column[0] for column in key), tuple(column[0] for column in columns))


def triggers(connection: sqlite3.Connection) -> dict[str, str]:
    """The triggers that the tables of a primary need: name → SQL."""
    return {
        f"_log_{event.lower()}_{table.name}": f"CREATE TRIGGER {quoted(f'_log_{event.lower()}_{table.name}')} "
        f"AFTER {event} ON {quoted(table.name)} BEGIN {body} END"
        for table in tables(connection).values()
        for event, body in trigger_bodies(table).items()
    }


def trigger_bodies(table: Table) -> Mapping[str, str]:
    same = " AND ".join(f"old.{quoted(c)} IS new.{quoted(c)}" for c in table.key)
    return {
        "INSERT": entry(table, "I", "new", "new"),
        "DELETE": entry(table, "D", "old", "old"),
        "UPDATE": entry(table, "U", "new", "old", f"WHERE {same}")
        + entry(table, "D", "old", "old", f"WHERE NOT ({same})")
        + entry(table, "I", "new", "new", f"WHERE NOT ({same})"),
    }


def entry(table: Table, op: str, key: str, values: str, where: str = "") -> str:
    """The statement that writes one entry; `key` and `values` say which side of the change they are from."""
    names = ", ".join(f"k{i + 1}" for i in range(len(table.key)))
    columns = ", ".join(f"{key}.{quoted(column)}" for column in table.key)
    pairs = ", ".join(f"{literal(c)}, {values}.{quoted(c)}" for c in logged_columns(table))
    logged = f"json_object({pairs})" if pairs else "NULL"
    return (
        f"INSERT INTO _log (at, tbl, op, {names}, logged) "
        f"SELECT {NOW}, {literal(table.name)}, '{op}', {columns}, {logged} {where}; "
    )


def logged_columns(table: Table) -> list[str]:
    return [column for column in schema.LOGGED.get(table.name, ()) if column in table.columns]


def installed(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB '_log_*'"))


def install(connection: sqlite3.Connection, wanted: Mapping[str, str]) -> bool:
    """Makes `wanted` the log's triggers in this file, in the open transaction; True if any had to change."""
    present = installed(connection)
    for name in [name for name, sql in present.items() if sql != wanted.get(name)]:
        connection.execute(f"DROP TRIGGER {quoted(name)}")
    for name, sql in wanted.items():
        if present.get(name) != sql:
            connection.execute(sql)
    return present != wanted


def shape(connection: sqlite3.Connection, database: str) -> list[tuple[Any, ...]]:
    """The schema with its version and identity, and without triggers (a replica has none), to compare two copies."""
    version = connection.execute(f"PRAGMA {database}.user_version").fetchone()
    identity = connection.execute(f"PRAGMA {database}.application_id").fetchone()
    rows = connection.execute(
        f"SELECT type, name, sql FROM {database}.sqlite_master WHERE type <> 'trigger' ORDER BY 1, 2"
    )
    return [version, identity, *rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the attached primary `src` has more than `main`. Two queries tell it all; see `news` for why."""

    position: int  # of main
    head: int  # of the primary
    is_known: bool  # main's position is in the primary's log, so both have the same history up to there
    has_gap: bool  # something changed after it that is not in the log
    tables: tuple[str, ...]  # in which rows changed
    is_trimmed: bool  # the primary's log begins later than main's


def look_ahead(connection: sqlite3.Connection) -> Ahead:
    """Compares the two logs."""
    at, head, is_trimmed = connection.execute(
        "SELECT ifnull((SELECT max(seq) FROM main._log), 0), ifnull((SELECT max(seq) FROM src._log), 0), "
        "(SELECT min(seq) FROM main._log) < (SELECT min(seq) FROM src._log)"
    ).fetchone()
    found = connection.execute(
        "SELECT DISTINCT seq = ?1, tbl, op = 'S' FROM src._log WHERE seq >= ?1", (at,)
    ).fetchall()
    after = [(table, is_gap) for is_at, table, is_gap in found if not is_at]
    return Ahead(
        position=at,
        head=head,
        is_known=len(after) < len(found),
        has_gap=any(is_gap for _, is_gap in after),
        tables=tuple(table for table, _ in after if table),
        is_trimmed=bool(is_trimmed),
    )


def copy_changes(connection: sqlite3.Connection, known: Mapping[str, Table], ahead: Ahead) -> None:
    """Brings `main` to the state of the attached primary `src`, in the open transaction.

    Every row the log names is deleted, and inserted anew where the primary still has it: two
    statements a table, run inside SQLite without the interpreter lock, however many rows there are.
    """
    after = ahead.position
    for name in ahead.tables:
        if name in known:
            copy_table(connection, known[name], after)
    connection.execute("INSERT INTO main._log SELECT * FROM src._log WHERE seq > ?", (after,))
    if ahead.is_trimmed:
        connection.execute("DELETE FROM main._log WHERE seq < (SELECT min(seq) FROM src._log)")


def copy_table(connection: sqlite3.Connection, table: Table, after: int) -> None:
    name, columns = quoted(table.name), ", ".join(map(quoted, table.columns))
    key = ", ".join(map(quoted, table.key))
    logged = ", ".join(f"k{i + 1}" for i in range(len(table.key)))
    changed = f"({key}) IN (SELECT {logged} FROM src._log WHERE seq > ?1 AND tbl = ?2)"
    connection.execute(f"DELETE FROM main.{name} WHERE {changed}", (after, table.name))
    connection.execute(
        f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM src.{name} WHERE {changed}", (after, table.name)
    )
