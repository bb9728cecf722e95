"""What a migration is made of, and how one step is taken in one file."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minisocial.database import log
from minisocial.database.connection import head

if TYPE_CHECKING:
    from sqlite_utils import Database

Tell = Callable[[str], object]  # is told how far it is: "shard 0: version 2, letters_sent: 40 %"

# How far the batches of a step are. It goes with the last of them.
BOOKMARK = """
CREATE TABLE IF NOT EXISTS _bookmark (
    version INTEGER PRIMARY KEY,        -- the step
    head    INTEGER NOT NULL,           -- the position when it began: if that moved on, somebody wrote meanwhile
    ended   TEXT NOT NULL               -- JSON: where the last batch ended
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """A step in one transaction: the version it leads to, and what it does to a shard's file.

    `apply` is given the file and the shard's name, which may be "directory".
    """

    version: int
    what: str
    apply: Callable[["Database", str], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a long step tells at the end of each batch."""

    ended: Any  # where the next one goes on, as JSON can keep it
    share: float  # of the work that is done, 0 to 1


@dataclass(frozen=True, slots=True)
class LongMigration:
    """A step in batches, each in a transaction of its own: for tables too large for a single one.

    `batches` is also given where the last batch ended; None at the beginning, which may be a second one. It builds
    the new beside the old, and changes the old only after its last `yield`, in the transaction that sets the version.
    """

    version: int
    what: str
    batches: Callable[["Database", str, Any], Iterator[Batch]]


Step = Migration | LongMigration


def take(connection: sqlite3.Connection, shard: str, step: Step, tell: Tell) -> None:
    """Takes one step in the file of a shard; if it raises, the old tables are as they were."""
    label = f"shard {shard}: version {step.version}, {step.what}"
    tell(label)
    if isinstance(step, LongMigration):
        take_batches(connection, shard, step, lambda share: tell(f"{label}: {percent(share)}"))
    else:
        take_at_once(connection, shard, step)


def take_at_once(connection: sqlite3.Connection, shard: str, step: Migration) -> None:
    """The step and its version, in one transaction."""
    with transaction(connection):
        log.install(connection, {})  # it would log every row, and replicas need a snapshot anyhow
        step.apply(opened(connection), shard)
        mark(connection, step.version)


def take_batches(
    connection: sqlite3.Connection, shard: str, step: LongMigration, tell: Callable[[float], object]
) -> None:
    """The batches that are left, each with its bookmark; the last one with the version."""
    with transaction(connection):
        ended = bookmark(connection, step.version)
    batches = step.batches(opened(connection), shard, ended)
    batch: Batch | None = Batch(ended, 0.0)
    while batch:
        with transaction(connection):
            batch = next(batches, None)
            if batch:
                connection.execute("UPDATE _bookmark SET ended = ?", (json.dumps(batch.ended),))
            else:
                connection.execute("DROP TABLE _bookmark")
                mark(connection, step.version)
        if batch:
            tell(batch.share)


def bookmark(connection: sqlite3.Connection, version: int) -> Any:
    """Where the last batch of this step ended; None if it is to begin.

    1. a step is broken off half-way      2. the host goes back to the old program, and people write
    3. the new program is started again: rows that were copied may have changed, so the step begins anew
    """
    connection.execute(BOOKMARK)
    now = head(connection)
    row = connection.execute("SELECT ended FROM _bookmark WHERE version = ? AND head = ?", (version, now)).fetchone()
    if row is None:
        connection.execute("DELETE FROM _bookmark")
        connection.execute("INSERT INTO _bookmark (version, head, ended) VALUES (?, ?, 'null')", (version, now))
    return json.loads(row[0]) if row else None


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def mark(connection: sqlite3.Connection, version: int) -> None:
    """Says that the tables are as this version has them."""
    connection.execute(f"PRAGMA user_version = {version:d}")


def opened(connection: sqlite3.Connection) -> "Database":
    """The file with sqlite-utils, which is imported only here: it is seldom needed and takes memory."""
    from sqlite_utils import Database

    return Database(connection)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
