"""Two copies of a shard, row by row, inside SQLite: from beside the system, which is not asked to stand still."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from minisocial.database import log
from minisocial.database.connection import head
from minisocial.database.log import Table
from minisocial.database.loss.comparison import LOG, Difference, Rows, start_of
from minisocial.doctor.finding import counted, listed
from minisocial.doctor.reading import attach, open_file

TRIES = 40  # to meet two copies of a running site at one position
PAUSE = 0.025  # seconds between two tries
OTHER = "copy0"


def difference(one: Path, other: Path, is_running: bool) -> str | None:
    """How the second file differs from the first: "" if not at all, None if they were not met at one position."""
    with closing(open_file(one, is_running)) as connection:
        attach(connection, other, is_running, OTHER)
        if not _meet(connection, TRIES if is_running else 1):
            return None
        if log.shape(connection, "main") != log.shape(connection, OTHER):
            return "in its tables or indexes"
        found = [_in_table(connection, table) for table in (LOG, *log.tables(connection).values())]
        return "; ".join(text for text in found if text)


def _meet(connection: sqlite3.Connection, tries: int) -> bool:
    """Begins to read both files at one position."""
    pause = threading.Event()
    for _ in range(tries):
        connection.execute("BEGIN")
        if head(connection) == head(connection, OTHER):
            return True
        connection.execute("ROLLBACK")
        pause.wait(PAUSE)
    return False


def _in_table(connection: sqlite3.Connection, table: Table) -> str:
    """What differs in a table, with the keys of the first rows; "" if nothing."""
    rows = Rows(connection, table, {">": start_of(connection, table)})
    found = rows.altered("main", OTHER)
    if found or rows.count("main") != rows.count(OTHER):  # else each row has its twin, and none is left over
        found += rows.surplus("main", OTHER)
    return f"in {counted(len(found), 'row')} of {table.name} ({listed(map(_named, found))})" if found else ""


def _named(difference: Difference) -> str:
    return f"{' '.join(map(str, difference.key))} {difference.what}"
