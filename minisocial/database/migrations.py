"""From one version of the tables to the next; the version is in each file's `user_version`.

At the start, before any shard leads:

1. All shards are copied, as they are, into a data folder of its own (see `old_state`).
2. Shard by shard, the file that will lead takes the steps it lacks, each together with its version in
   one transaction; a step for large tables goes in batches, and keeps in the file how far it is (`steps`).
3. The other copies see that the schema changed, and take a snapshot of the new primary.

Killed at any moment, the next start goes on. A step that fails leaves its shard as it was.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minisocial.database import old_state, steps
from minisocial.database.connection import Damaged, connect, open_writer, version_of
from minisocial.database.copies import Copy
from minisocial.database.schema import VERSION
from minisocial.database.steps import Batch, LongMigration, Migration, Step, Tell
from minisocial.errors import CannotStart, DataTooNew

if TYPE_CHECKING:
    from sqlite_utils import Database

logger = logging.getLogger(__name__)

AT_ONCE = 5_000  # rows of a batch


# --- the steps


def give_letters_an_owner(db: "Database", shard: str, after: str | None, at_once: int = AT_ONCE) -> Iterator[Batch]:
    """Every row of a person names the person; here only the tail of the key did: "accepted-<version>-<account>".

    A key that does not end like that was not made by this program, and it never asks for it: such a row stays behind.
    """
    if shard == "directory":
        return
    if after is None:
        db.execute("DROP TABLE IF EXISTS letters_sent_2")
        db.execute(LETTERS_SENT_2)
    count = db.execute("SELECT count(*) FROM letters_sent").fetchone()[0]
    done = db.execute("SELECT count(*) FROM letters_sent WHERE key <= ?", (after or "",)).fetchone()[0]
    while rows := db.execute(NEXT_LETTERS, (after or "", at_once)).fetchall():
        owned = [(int(tail), key, at) for key, at in rows if is_id(tail := key.rpartition("-")[2])]
        db.conn.executemany("INSERT INTO letters_sent_2 (account, key, at) VALUES (?, ?, ?)", owned)
        after, done = rows[-1][0], done + len(rows)
        yield Batch(after, done / count)
    if left := count - db.execute("SELECT count(*) FROM letters_sent_2").fetchone()[0]:
        logger.warning("shard %s: %d rows of letters_sent belong to nobody and are left out", shard, left)
    db.execute("DROP TABLE letters_sent")
    db.execute("ALTER TABLE letters_sent_2 RENAME TO letters_sent")


LETTERS_SENT_2 = """
CREATE TABLE letters_sent_2 (
    account           INTEGER NOT NULL,
    key               TEXT NOT NULL,
    at                INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID"""
NEXT_LETTERS = "SELECT key, at FROM letters_sent WHERE key > ? AND typeof(key) = 'text' ORDER BY key LIMIT ?"


def is_id(text: str) -> bool:
    """Whether a text is an identifier as `minisocial.ids` makes them."""
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 1 << 63


def make_room_for_choices(db: "Database", shard: str) -> None:
    """What people choose, edit and block, who is suspended, and what letters prove."""
    tables, columns = (DIRECTORY_3, ()) if shard == "directory" else (SHARD_3, COLUMNS_3)
    for table, column in columns:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER")
    for statement in filter(str.strip, tables.split(";")):
        db.execute(statement)


COLUMNS_3 = (("accounts", "suspended_at"), ("credentials", "confirmed_at"), ("posts", "edited_at"))
SHARD_3 = """
CREATE TABLE preferences (
    account INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE TABLE post_versions (
    post INTEGER NOT NULL, until INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (post, until)
) WITHOUT ROWID;
CREATE TABLE blocks (
    account INTEGER NOT NULL, other INTEGER NOT NULL, active INTEGER NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
CREATE TABLE blocked_by (
    account INTEGER NOT NULL, other INTEGER NOT NULL, active INTEGER NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID"""
DIRECTORY_3 = """
CREATE TABLE tickets (
    token TEXT NOT NULL PRIMARY KEY, purpose TEXT NOT NULL, account INTEGER NOT NULL, email TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tickets_by_account ON tickets (account, purpose);
CREATE TABLE broadcasters (account INTEGER PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor INTEGER, action TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE TABLE schedule (job TEXT NOT NULL PRIMARY KEY, slot INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID"""


MIGRATIONS: tuple[Step, ...] = (  # in order
    LongMigration(2, "letters_sent", give_letters_an_owner),
    Migration(3, "choices, edits, blocks, tickets", make_room_for_choices),
)


# --- taking them


def prepare(
    data: Path,
    heirs: Mapping[str, Copy],
    record: Mapping[str, Any],
    *,
    migrations: Sequence[Step] = MIGRATIONS,
    tell: Tell = logger.info,
    free: old_state.Free = old_state.free_bytes,
) -> None:
    """Brings every shard to the newest version; `heirs` are the copies that will lead, by shard.

    `record` is the content of the control file. Raises CannotStart with what failed, what is safe, and what to do.
    """
    files = {shard: copy.path for shard, copy in heirs.items() if copy.path}
    if not any(missing(path, migrations) for path in files.values()):
        return
    version = migrations[-1].version
    before = old_state.keep(data, files, record, version, tell, free)
    logger.warning("the tables are brought to version %d", version)
    for shard, path in files.items():
        with closing(open_writer(path, "FULL")) as connection:
            for step in lacking(connection, migrations):
                try:
                    steps.take(connection, shard, step, tell)
                except Exception as error:
                    raise failed(shard, step, before, error) from error
        heirs[shard].use(path)
    logger.warning("they have version %d; %s may be deleted when nobody will want to go back", version, before)


def missing(path: Path, migrations: Sequence[Step]) -> list[Step]:
    """The steps a file lacks."""
    with closing(connect(path)) as connection:
        return lacking(connection, migrations)


def lacking(connection: sqlite3.Connection, migrations: Sequence[Step]) -> list[Step]:
    version = version_of(connection)
    return [step for step in migrations if step.version > version]


def failed(shard: str, step: Step, before: Path | None, error: Exception) -> CannotStart:
    """The sentence for a step that failed."""
    logger.error("shard %s: version %d, %s", shard, step.version, step.what, exc_info=error)
    way_back = (
        f"To go on with the minisocial you had before, start it with --data {before}, where everything lies as it was."
        if before
        else "There is no copy of the state before any more: restore a backup to go back."
    )
    return CannotStart(
        f"The tables could not be brought to version {step.version}: the step “{step.what}” failed in shard {shard} "
        f"({type(error).__name__}: {error}). Its rows are as they were, and the next start tries again. {way_back}"
    )


def migrate(connection: sqlite3.Connection, place: Path, shard: str, migrations: Sequence[Step] = MIGRATIONS) -> None:
    """For a copy that leads later and slept through it: takes the steps it lacks; raises Damaged if one fails."""
    for step in lacking(connection, migrations):
        try:
            steps.take(connection, shard, step, logger.info)
        except Exception as error:
            raise Damaged(f"the step “{step.what}” to version {step.version} failed: {error}") from error


# --- versions


def mark_current(connection: sqlite3.Connection) -> None:
    """Says that the tables are as this program has them."""
    steps.mark(connection, VERSION)


def refuse_newer(path: Path) -> None:
    """Raises DataTooNew if a newer program wrote the file: this one could not keep what it does not know."""
    with closing(connect(path)) as connection:
        version = version_of(connection)
    if version > VERSION:
        before = old_state.known_to(path.parent.parent.parent, VERSION)
        way_back = f"start this one with --data {before}" if before else "restore a backup from then"
        raise DataTooNew(
            f"{path.name} has version {version} of the tables, and this minisocial knows version {VERSION}. "
            f"Start the newer minisocial again; or, to go back to how all was before its first start, {way_back}."
        )
