"""What must hold between shards: nothing speaks of a post that never was, and every name has its account.

Posts can be deleted, and what spoke of them may stay, or be on its way to be removed. So a post that is
missing is only told if the logs reach back to before it was written, and none of them says that it went.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from minisocial import ids
from minisocial.database import DIRECTORY
from minisocial.database.connection import uri

SPEAK_OF_POSTS = {  # table → the column with the post
    "notifications": "post",
    "home_feed": "post",
    "replies": "reply",
    "threads": "post",
    "likes": "post",
}
NAMES = {"usernames": "username", "emails": "email"}
MOST = 1000  # looked at one by one, per table
MARGIN = 60_000  # milliseconds that the clock of SQLite and ours may differ

SEEN = """
CREATE TABLE posts (id INTEGER PRIMARY KEY);
CREATE TABLE deleted (id INTEGER PRIMARY KEY);
CREATE TABLE accounts (id INTEGER PRIMARY KEY);
"""
GATHER = """
INSERT OR IGNORE INTO main.posts SELECT id FROM shard.posts;
INSERT OR IGNORE INTO main.deleted SELECT k1 FROM shard._log WHERE tbl = 'posts' AND op = 'D';
INSERT OR IGNORE INTO main.accounts SELECT id FROM shard.accounts;
"""
MISSING = """
SELECT DISTINCT {column} FROM shard.{table} AS it WHERE {column} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM main.posts WHERE id = it.{column})
    AND NOT EXISTS (SELECT 1 FROM main.deleted WHERE id = it.{column})
    LIMIT {most}
"""
NAMELESS = """
SELECT {name}, account FROM shard.{table} AS it
    WHERE NOT EXISTS (SELECT 1 FROM main.accounts WHERE id = it.account)
"""


def contradictions(files: Mapping[str, Path]) -> Iterator[str]:
    """What the files of all shards, which nobody else has open, say against each other; a sentence each."""
    with closing(sqlite3.connect("", isolation_level=None, uri=True)) as connection:  # "": a temporary file
        connection.executescript(SEEN)
        try:
            yield from _compared(connection, files)
        except sqlite3.Error as error:  # tables of an older version may lack something
            yield f"The shards could not be compared with each other ({error})."


def _compared(connection: sqlite3.Connection, files: Mapping[str, Path]) -> Iterator[str]:
    since = 0
    for name in files:
        with _attached(connection, files[name]):
            oldest = connection.execute("SELECT min(at) FROM shard._log").fetchone()[0] or 0
            since = max(since, oldest + MARGIN)
            if name != DIRECTORY:
                connection.executescript(GATHER)
    for name in files:
        with _attached(connection, files[name]):
            yield from _nameless(connection) if name == DIRECTORY else _unfounded(connection, name, since)


@contextmanager
def _attached(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    connection.execute("ATTACH ? AS shard", (f"{uri(path, 'ro')}&immutable=1",))
    try:
        yield
    finally:
        connection.execute("DETACH shard")


def _unfounded(connection: sqlite3.Connection, name: str, since: int) -> Iterator[str]:
    for table, column in SPEAK_OF_POSTS.items():
        rows = connection.execute(MISSING.format(table=table, column=column, most=MOST)).fetchall()
        posts = [post for (post,) in rows if ids.milliseconds(post) > since]
        if posts:
            yield f"In shard {name}, {table} speaks of posts that never were: {_few(posts)}."


def _nameless(connection: sqlite3.Connection) -> Iterator[str]:
    opening = connection.execute("SELECT args FROM shard.outbox WHERE task = 'open_account'").fetchall()
    on_their_way = {_id(args) for (args,) in opening}
    for table, name in NAMES.items():
        rows = connection.execute(NAMELESS.format(table=table, name=name)).fetchall()
        names = [name for name, account in rows if account not in on_their_way]
        if names:
            yield f"In the directory, {table} has names without an account: {_few(names)}."


def _id(args: str) -> object:
    try:
        return json.loads(args)["id"]
    except (ValueError, KeyError, TypeError):
        return None


def _few(found: list[object]) -> str:
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(map(str, found[:3])) + more
