"""SQLite files: how they are opened, when they are believed, how they are named and removed.

Two rules that look odd and are not:

- A live database file is opened through SQLite and nothing else. POSIX drops *all* locks a process
  holds on a file when any descriptor of it is closed, so one `open(path).close()` would unlock
  SQLite's own connections.
- A file name is never used twice, so a left-over `-wal` can not meet a database it does not belong to.
"""

import os
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from minisocial.database.loss.places import LOW, room
from minisocial.errors import DataInUse

IDLE_CONNECTIONS = 4  # kept per copy; more readers at one moment open one and close it again
CACHE_KIB = 2000  # of memory for pages, for who writes
READ_CACHE_KIB = 256  # the same for who reads: there are dozens of them, and each commit empties what they hold
CHECKED_BYTES = 32 << 20  # at start, larger files are opened but not read through
SUFFIXES = ("", "-wal", "-shm")

IO_ERROR, CORRUPT, FULL, CANNOT_OPEN, NOT_A_DATABASE = 10, 11, 13, 14, 26
MESSAGES = {  # Python 3.10 knows the message of an error but not its code
    "disk I/O error": IO_ERROR,
    "malformed": CORRUPT,
    "database or disk is full": FULL,
    "unable to open database file": CANNOT_OPEN,
    "file is not a database": NOT_A_DATABASE,
}


class Damaged(Exception):
    """A file is not sound."""


class Replaced(Damaged):
    """A file, or its WAL, no longer is what its name stands for: deleted, moved or replaced."""


def error_code(error: BaseException) -> int:
    """SQLite's primary result code, 0 if it is none of interest."""
    known = getattr(error, "sqlite_errorcode", None)
    if known is not None:
        return int(known) & 0xFF
    text = str(error) if isinstance(error, sqlite3.Error) else ""
    return next((code for message, code in MESSAGES.items() if message in text), 0)


def is_damage(error: BaseException) -> bool:
    """True if the error condemns the file. "Unable to open" does not: too many open files say the same."""
    return isinstance(error, Damaged) or error_code(error) in (IO_ERROR, CORRUPT, NOT_A_DATABASE)


def is_full(error: BaseException) -> bool:
    return error_code(error) == FULL


def uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def connect(path: Path, mode: str = "ro", sync: str = "NORMAL") -> sqlite3.Connection:
    """`mode`: ro to read, rw for the one connection that writes and checkpoints, rwc to create."""
    connection = sqlite3.connect(
        uri(path, mode), uri=True, isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=128
    )
    try:
        for pragma in pragmas(mode, sync):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def pragmas(mode: str, sync: str) -> Sequence[str]:
    """What every connection sets, each with its reason."""
    both = (
        f"cache_size=-{READ_CACHE_KIB if mode == 'ro' else CACHE_KIB}",
        "mmap_size=0",  # a failing disk must give an error, not SIGBUS
        "temp_store=MEMORY",  # trouble with the temporary folder must not look like trouble with the file
    )
    if mode == "ro":
        return (*both, "query_only=1")
    return (
        *both,
        "journal_mode=WAL",
        f"synchronous={sync}",
        "journal_size_limit=67108864",  # a long reader lets the WAL grow; it shrinks again afterwards
        "recursive_triggers=1",  # else REPLACE deletes rows without firing their delete triggers
    )


def open_writer(path: Path, sync: str) -> sqlite3.Connection:
    """The one connection of a file that writes; afterwards its WAL exists and has an identity."""
    connection = connect(path, "rw", sync)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


Identity = tuple[int, int, int, int]


def identity(path: Path) -> Identity:
    """What the file system says of the file and its WAL; raises Replaced if one is gone, or the file is empty."""
    name = str(path)  # it is asked at every commit, and of a text in half the time
    try:
        file, wal = os.stat(name), os.stat(name + "-wal")
    except OSError as error:
        raise Replaced(f"{path.name}: {error.strerror}") from error
    if not file.st_size:  # all pages in use may be in memory and in the WAL, so nobody else would notice
        raise Replaced(f"{path.name} is empty")
    return file.st_dev, file.st_ino, wal.st_dev, wal.st_ino


HEAD = "SELECT max(seq) FROM main._log"


def head(connection: sqlite3.Connection, schema: str = "main") -> int:
    """The position of the last change in the log."""
    sql = HEAD if schema == "main" else f"SELECT max(seq) FROM {schema}._log"
    return connection.execute(sql).fetchone()[0] or 0


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def schema_version(connection: sqlite3.Connection) -> int:
    """SQLite's own count of changes to the schema."""
    version: int = connection.execute("PRAGMA schema_version").fetchone()[0]
    return version


def roll_back(connection: sqlite3.Connection) -> None:
    """Undoes what is open; an error of a connection that is done for is of no interest."""
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def identity_of(connection: sqlite3.Connection) -> int:
    """The number that tells which shard of which database a file belongs to; 0 if it was given none."""
    number: int = connection.execute("PRAGMA application_id").fetchone()[0]
    return number


def find_problem(path: Path, thorough: bool = True, identity: int = 0) -> str:
    """Why a file can not be used, or "". A new connection looks, for an old one has pages in memory.

    `identity`: the number it must carry, if not 0.
    """
    if not path.exists():
        return "it is missing"
    try:
        with closing(connect(path)) as connection:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if thorough else "ok"
            if found != "ok":
                return found
            if identity and identity_of(connection) != identity:
                return "it belongs to another database or shard"
            return "" if head(connection) else "its log is empty"
    except sqlite3.Error as error:
        if error_code(error) == IO_ERROR and room(path.parent) < LOW:
            return ""  # for want of room; that says nothing about the file
        return str(error) if is_damage(error) or "no such table" in str(error) else ""


def is_small(path: Path) -> bool:
    return path.exists() and path.stat().st_size <= CHECKED_BYTES


def numbered(folder: Path, shard: str) -> list[tuple[int, Path]]:
    """The files of a shard in a place with their numbers, newest first."""
    pattern = re.compile(rf"shard-{re.escape(shard)}-(\d+)\.db")
    found = ((pattern.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(((int(match[1]), path) for match, path in found if match), reverse=True)


def files_of(folder: Path, shard: str) -> list[Path]:
    """All database files of a shard in a place, those set aside too."""
    return [*(path for _, path in numbered(folder, shard)), *folder.glob(f"failed-{shard}.db")]


def new_path(folder: Path, shard: str, milliseconds: int) -> Path:
    """A name never used before: numbered by the time, and above everything that lies there, a lone WAL too."""
    used = re.findall(rf"^shard-{re.escape(shard)}-(\d+)\.", "\n".join(os.listdir(folder)), re.MULTILINE)
    number = max([milliseconds, *(int(number) + 1 for number in used)])
    return folder / f"shard-{shard}-{number}.db"


def remove(path: Path) -> None:
    for suffix in SUFFIXES:
        with suppress(OSError):
            os.unlink(f"{path}{suffix}")


def set_aside(path: Path, shard: str) -> None:
    """Keeps a failed file for inspection, one per place and shard, under a name nothing opens."""
    for suffix in SUFFIXES:
        with suppress(OSError):
            os.replace(f"{path}{suffix}", path.with_name(f"failed-{shard}.db{suffix}"))


def publish(temporary: Path, path: Path) -> None:
    """Gives a complete file its name, durably."""
    os.replace(temporary, path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def own(root: Path) -> sqlite3.Connection:
    """A lock on the folder that the kernel takes back when the process dies; raises DataInUse."""
    connection = sqlite3.connect(
        uri(root / "lock", "rwc"), uri=True, isolation_level=None, timeout=0.2, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")  # in this mode the lock outlives the transaction
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" not in str(error):
            raise
        raise DataInUse(
            f"Another running minisocial uses {root.parent}. Stop it first, or choose another data folder with --data."
        ) from None
    return connection


class ReadPool:
    """Read-only connections of one file, each used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []  # append and pop are atomic, so it needs no lock
        self._closed = False

    def take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return connect(self.path)

    def give(self, connection: sqlite3.Connection) -> None:
        """Takes a connection back, unless it is in the middle of something or there are enough."""
        if self._closed or connection.in_transaction or len(self._idle) >= IDLE_CONNECTIONS:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Closes the idle ones; those in use are closed as they come back."""
        self._closed = True
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()
