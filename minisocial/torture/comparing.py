"""What lies in the files of a database that is stopped: are the copies equal and sound, and what do they hold."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any

from minisocial.database.log import quoted
from minisocial.ids import logical_shard
from minisocial.torture.judging import Entry, Person

Content = dict[str, list[tuple[Any, ...]]]


def content(path: Path) -> Content:
    """All rows of all tables in the order of their keys; and as "schema" the schema, of which triggers are no part."""
    with closing(sqlite3.connect(path)) as connection:
        shape = connection.execute(
            "SELECT type, name, sql FROM sqlite_master "
            "WHERE type <> 'trigger' AND name NOT GLOB 'sqlite_*' ORDER BY type, name"
        ).fetchall()
        tables = [name for kind, name, _ in shape if kind == "table"]
        return {"schema": shape, **{table: rows_of(connection, table) for table in tables}}


def rows_of(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    key = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,)).fetchall()
    return connection.execute(
        f"SELECT * FROM {quoted(table)} ORDER BY {', '.join(quoted(c) for (c,) in key)}"
    ).fetchall()


def soundness(path: Path) -> str:
    """What SQLite finds wrong with a file, or ""."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else found


def differences(shard: str, copies: Mapping[str, Content]) -> list[str]:
    """How copies of a shard differ, by the names of their places: one sentence for each table and copy."""
    logs = [rows["_log"] for rows in copies.values() if rows.get("_log")]
    since = max((min(log)[0] for log in logs), default=0)  # each copy trims its log when it likes
    copies = {name: {**rows, "_log": newer(rows, since)} for name, rows in copies.items()}
    (first, one), *others = copies.items()
    return [
        f"shard {shard}: {table} differs in {first} and {name}: {pair[0]} | {pair[1]}"
        for name, other in others
        for table in sorted(one.keys() | other.keys())
        for pair in first_difference(one.get(table, []), other.get(table, []))
    ]


def newer(rows: Content, since: int) -> list[tuple[Any, ...]]:
    """The end of a log."""
    return [entry for entry in rows.get("_log", []) if entry[0] >= since]


def first_difference(one: Sequence[Any], other: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The first pair of rows that are not equal, if there is one."""
    if one == other:
        return []
    return [pair for pair in zip_longest(one, other) if pair[0] != pair[1]][:1]


ROWS = (  # of which table, and whose they are by the first column
    ("accounts", "SELECT id, bio FROM accounts"),
    ("posts", "SELECT id, text, likes FROM posts"),
    ("likes", "SELECT post, account FROM likes"),
    ("feed", "SELECT post, account FROM home_feed"),
    ("tags", "SELECT post FROM post_tags"),
)


def people(primaries: Mapping[str, Path], homes: Mapping[int, str]) -> dict[int, Person]:
    """What the database holds of each account on its home shard; as account 0, rows that belong to nobody there."""
    found: dict[int, Person] = defaultdict(Person)
    by_logical = {logical_shard(account): account for account in homes}
    for shard, path in primaries.items():
        with closing(sqlite3.connect(path)) as connection:
            for what, query in ROWS:
                for id, *values in connection.execute(query):
                    account = by_logical.get(logical_shard(id), 0)
                    take(found[account if homes.get(account) == shard else 0], what, id, values)
    return found


def take(person: Person, what: str, id: int, values: Sequence[Any]) -> None:
    """One row of theirs."""
    if what == "accounts":
        person.counters = json.loads(values[0])
    elif what == "posts":
        person.posts[id], person.likes[id] = values
    elif what == "likes":
        person.liked[id].add(values[0])
    elif what == "feed":
        person.feed[id] += 1
    else:
        person.tags[id] += 1


def log_of(path: Path) -> dict[int, Entry]:
    """The log by position."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT seq, op, tbl, k1 FROM _log").fetchall()
    return {seq: (seq, op, table, str(key)) for seq, op, table, key in rows}


def keys_from_outside(paths: Sequence[Path]) -> set[str]:
    """The keys of the rows that other programs wrote."""
    found: set[str] = set()
    for path in paths:
        with closing(sqlite3.connect(path)) as connection:
            found.update(key for (key,) in connection.execute("SELECT request_id FROM outbox"))
    return found
