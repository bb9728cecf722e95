"""Whether a system has the data folder open now; asked without disturbing it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from minisocial.database.connection import uri

BUSY = "locked"


def is_held(root: Path) -> bool:
    """Whether somebody holds the lock on the database's folder."""
    return _ask(root / "lock") == BUSY


def find_problem(root: Path) -> str:
    """Why nobody could take the lock, or ""."""
    answer = _ask(root / "lock")
    return "" if answer == BUSY else answer


def _ask(path: Path) -> str:
    """BUSY, "", or what is wrong with the file.

    Reading the file takes a shared lock for a moment. That is refused while a system runs, and one that
    starts at this very moment waits for its end.
    """
    if not path.exists():
        return ""
    if not path.is_file():
        return "it is no file"
    try:
        with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=0)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return ""
    except (sqlite3.Error, ValueError) as error:
        return BUSY if BUSY in str(error) else str(error)
