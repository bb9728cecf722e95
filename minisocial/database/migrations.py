"""From one version of the tables to the next; the version is in each file's `user_version`.

A migration runs on the primary, in one transaction, after a backup of the file beside it. Replicas
see that the schema changed and take a snapshot.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from minisocial.database.connection import connect, remove
from minisocial.database.schema import VERSION
from minisocial.errors import DataTooNew

if TYPE_CHECKING:
    from sqlite_utils import Database

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: the version it leads to, and what it does to a shard's file (`shard` may be "directory")."""

    version: int
    what: str
    apply: Callable[["Database", str], None]


MIGRATIONS: tuple[Migration, ...] = ()  # in order; the first will lead to version 2


def version_of(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def mark_current(connection: sqlite3.Connection, version: int = VERSION) -> None:
    """Says that the tables are as this version has them."""
    connection.execute(f"PRAGMA user_version = {version:d}")


def refuse_newer(path: Path) -> None:
    """Raises DataTooNew if a newer program wrote the file: this one could not keep what it does not know."""
    with closing(connect(path)) as connection:
        version = version_of(connection)
    if version > VERSION:
        raise DataTooNew(
            f"{path.name} has version {version} of the tables, and this minisocial knows version {VERSION}. "
            "Start the newer minisocial again, or restore the backup from before its first start."
        )


def migrate(
    connection: sqlite3.Connection, place: Path, shard: str, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Applies the steps that are missing, each in a transaction of its own."""
    missing = [step for step in migrations if step.version > version_of(connection)]
    if not missing:
        return
    back_up(connection, place / f"before-version-{missing[0].version}-{shard}.db")
    for step in missing:
        logger.info("shard %s: version %d, %s", shard, step.version, step.what)
        take_step(connection, shard, step)


def back_up(connection: sqlite3.Connection, path: Path) -> None:
    remove(path)  # of an attempt before
    with closing(connect(path, "rwc", "FULL")) as target:
        connection.backup(target)


def take_step(connection: sqlite3.Connection, shard: str, step: Migration) -> None:
    """One step and its version number, in one transaction."""
    from sqlite_utils import Database  # only here: it is seldom needed and takes memory

    connection.execute("BEGIN IMMEDIATE")
    try:
        step.apply(Database(connection), shard)
        mark_current(connection, step.version)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
