"""Reading database files from beside the system: nothing is written, and nobody is kept waiting."""

import os
import sqlite3
from pathlib import Path

from minisocial.database.connection import uri

PRAGMAS = (
    "cache_size=-65536",  # KiB: whole tables are read, some of them more than once
    "mmap_size=0",  # a failing disk must give an error, not SIGBUS
    "temp_store=MEMORY",
)
# What reading a file of whatever content may raise: messages of SQLite that quote it are not always text.
UNREADABLE = (OSError, sqlite3.Error, ValueError, TypeError, KeyError, OverflowError)


def mode_of(path: Path, is_running: bool) -> str:
    """How to open a file so that nothing is written beside it.

    In write-ahead mode even a reader makes the `-wal` and `-shm` files where they are missing, unless it is
    told that nobody changes the file; and nobody does when no system runs and no log is left.
    """
    try:
        has_log = os.stat(f"{path}-wal").st_size > 0
    except OSError:
        has_log = False
    return "ro" if is_running or has_log else "ro&immutable=1"


def open_file(path: Path, is_running: bool) -> sqlite3.Connection:
    """A connection that can only read."""
    connection = sqlite3.connect(
        uri(path, mode_of(path, is_running)), uri=True, isolation_level=None, timeout=5.0, check_same_thread=False
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def attach(connection: sqlite3.Connection, path: Path, is_running: bool, name: str) -> None:
    """A second file on the same connection, as `name`."""
    connection.execute(f"ATTACH ? AS {name}", (uri(path, mode_of(path, is_running)),))
