"""Backup: one ZIP that unpacks into a data folder, with all shards as they were at one moment.

What is in it: every shard (password hashes, addresses, direct posts, invites; sessions by the hash of
their token, so nobody can log in with what they find here), the record of terms and of the map of the
shards, the settings (perhaps with the password of a mail server), dead letters, and the letters and
pictures kept in files. So the file is for its owner's eyes only. What is not: the caches, and the
queue, which is filled anew from the outbox.

A backup made while rows are moving between shards is what a kill at that moment would leave, and the
move is taken up again after a restore.
"""

import errno
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import minisocial
from minisocial.clock import Clock
from minisocial.database import Cluster, log
from minisocial.database.connection import connect, head, is_full, publish, uri
from minisocial.database.loss.control import NAME as CONTROL
from minisocial.database.loss.control import read_file
from minisocial.database.schema import VERSION
from minisocial.errors import Refused, Unavailable
from minisocial.settings_file import FILE as SETTINGS
from minisocial.upkeep.manifest import NAME as MANIFEST
from minisocial.upkeep.manifest import PLACE, FilePart, Manifest, ShardPart, may_hold, size

Progress = Callable[[str], None]

DEAD_LETTERS = "dead.db"
FOLDERS = ("mail", "media")
PASSING = (".part", ".tmp")  # of files that are being written just now
STEP = 4096  # pages copied at once; in between it can be broken off
CHUNK = 1 << 20  # bytes packed at once
TELL = 16 << 20  # bytes between two lines of progress
MANY = 1000  # small files between two lines of progress
PACKING = 1  # of zlib's levels: 6 takes three times as long for a file that is a sixth smaller
ATTEMPTS = 50  # to find a moment at which the map of the shards does not change
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LEAP = 1000  # terms, at least, between a backup and a history that begins with it

logger = logging.getLogger(__name__)


def back_up(
    cluster: Cluster, data: Path, file: Path, progress: Progress = lambda line: None, clock: Clock | None = None
) -> Manifest:
    """Writes a backup while everything goes on; `file` appears when it is whole, or not at all.

    Refuses to replace a file, and says so when there is no room. `progress` may raise, to break it off.
    """
    file, data = file.absolute(), data.absolute()
    refuse(file, data)
    with told_plainly(file), unfinished(file) as folder:
        with private(folder / "backup.zip") as out:
            with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=PACKING) as archive:
                manifest = Packing(archive, folder, progress, (clock or Clock()).milliseconds()).pack(cluster, data)
            out.flush()
            os.fsync(out.fileno())
        refuse(file, data)  # it may have come meanwhile
        publish(folder / "backup.zip", file)
    return manifest


def refuse(file: Path, data: Path) -> None:
    """Refuses a name that can not be, with what to do instead."""
    if file.is_dir():
        raise Refused(f"{file} is a folder. Name the file in it, like {file / 'minisocial.zip'}.")
    if os.path.lexists(file):
        raise Refused(f"{file} is there already, and a backup replaces nothing. Choose another name.")
    if not file.parent.is_dir():
        raise Refused(f"There is no folder {file.parent}. Make it first, or choose another.")
    for folder in ("database", "cache", *FOLDERS):
        if file.resolve().is_relative_to((data / folder).resolve()):
            raise Refused(f"{data / folder} is what is backed up. Choose another folder, best on another disk.")


@contextmanager
def told_plainly(file: Path) -> Iterator[None]:
    """What can go wrong with disks, as sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise Refused(no_room(file)) from error
        raise Refused(f"The backup {file} can not be written ({error.strerror or error}). Nothing was kept.") from error
    except sqlite3.Error as error:
        if is_full(error):
            raise Refused(no_room(file)) from error
        raise Refused(f"A database can not be copied ({error}). Nothing was kept; `doctor` may know more.") from error


def no_room(file: Path) -> str:
    return f"The disk of {file.parent} is full. Nothing was kept. Make room, or choose a folder on another disk."


@contextmanager
def unfinished(file: Path) -> Iterator[Path]:
    """A folder beside the file for what is not whole yet; one left by a backup of this name that was killed goes."""
    pattern = re.compile(re.escape(file.name) + r"\.[a-z0-9_]{8}\.tmp")
    for path in file.parent.iterdir():
        if pattern.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{file.name}.", suffix=".tmp", dir=file.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def private(path: Path) -> IO[bytes]:
    """A new file for its owner's eyes only."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


@contextmanager
def moment(cluster: Cluster) -> Iterator[tuple[Mapping[str, sqlite3.Connection], dict[str, Any]]]:
    """All shards at one moment, and the record that was in force then.

    A move between shards ends with a new record. One that is the same before and after the moment
    was the same at it, so no row is looked for where it is not.
    """
    for _ in range(ATTEMPTS):
        before = on_record(cluster)
        with cluster.at_one_moment() as shards:
            if on_record(cluster) == before:
                yield shards, before
                return
    raise Unavailable("The database is being reshaped all the time. Try again when that is done.")


def on_record(cluster: Cluster) -> dict[str, Any]:
    """The newest record of all places."""
    found = [record for record in (read_file(place.folder) for place in cluster.places) if record]
    if not found:
        raise Unavailable("No place can be read right now. Try again soon.")
    return max(found, key=lambda record: int(record["version"]))


def of_one_place(record: Mapping[str, Any]) -> dict[str, Any]:
    """The same record for a database in one place, whose first leader begins a term far above all before.

    So positions that were given out after the backup are never given out again.
    """
    leap = LEAP + secrets.randbelow(LEAP)
    leaders = {shard: [term, ""] for shard, (term, _) in record["leaders"].items()}
    issued = {shard: term + leap for shard, term in record["issued"].items()}
    where = {"places": [Path(PLACE).name], "folders": {}, "separate": [], "replicas": 0}
    return {**record, **where, "leaders": leaders, "issued": issued}


@dataclass
class Packing:
    """A backup that is being written: each part goes through a temporary file, one at a time, into the archive."""

    archive: ZipFile
    folder: Path  # for the copy of one database
    progress: Progress
    at: int
    files: list[FilePart] = field(default_factory=list)

    def pack(self, cluster: Cluster, data: Path) -> Manifest:
        """Everything; the shards first, so that files which their rows name are there too."""
        with moment(cluster) as (shards, record):
            parts = tuple(self.shard(name, connection) for name, connection in shards.items())
        self.text(f"{PLACE}/{CONTROL}", json.dumps(of_one_place(record), indent=1).encode())
        if (data / SETTINGS).is_file():
            self.text(SETTINGS, (data / SETTINGS).read_bytes())
        if (data / DEAD_LETTERS).is_file():
            with closing(connect(data / DEAD_LETTERS)) as connection:
                self.database(DEAD_LETTERS, connection)
        for name in FOLDERS:
            self.tree(data, data / name)
        manifest = Manifest(minisocial.__version__, VERSION, self.at, parts, tuple(self.files))
        self.archive.writestr(self.entry(MANIFEST), manifest.written())
        return manifest

    def shard(self, name: str, connection: sqlite3.Connection) -> ShardPart:
        """One shard, under a name that no file of it had before."""
        path = f"{PLACE}/shard-{name}-{self.at}.db"
        rows, position = count_rows(connection), head(connection)
        self.database(path, connection)
        return ShardPart(name, path, position, rows)

    def database(self, path: str, source: sqlite3.Connection) -> None:
        """The state that a connection sees, copied by SQLite and checked."""
        copy = self.folder / "copy.db"
        copy_state(source, copy, lambda done, total: self.progress(f"{path}: {done:,} of {total:,} pages copied"))
        with copy.open("rb") as file:
            self.stream(path, file)
        copy.unlink()

    def tree(self, data: Path, folder: Path) -> None:
        """The files of a folder; letters and pictures never change once they are there."""
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(data).as_posix()
            if path.is_symlink() or not path.is_file() or path.name.startswith(".") or path.suffix in PASSING:
                continue
            if not may_hold(name):
                logger.warning("%s is left out of the backup: nothing of ours has such a name", path)
                continue
            self.file(name, path)
            if len(self.files) % MANY == 0:
                self.progress(f"{len(self.files):,} files packed")

    def file(self, name: str, path: Path) -> None:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return  # deleted since it was listed
        with file:
            self.stream(name, file)

    def text(self, path: str, content: bytes) -> None:
        self.archive.writestr(self.entry(path), content)
        self.files.append(FilePart(path, len(content), hashlib.sha256(content).hexdigest()))

    def stream(self, path: str, source: IO[bytes]) -> None:
        """A file of any length, a piece at a time."""
        digest, done = hashlib.sha256(), 0
        with self.archive.open(self.entry(path), "w", force_zip64=True) as entry:
            while piece := source.read(CHUNK):
                entry.write(piece)
                digest.update(piece)
                done += len(piece)
                if done % TELL == 0:
                    self.progress(f"{path}: {size(done)} packed")
        self.files.append(FilePart(path, done, digest.hexdigest()))

    def entry(self, path: str) -> ZipInfo:
        info = ZipInfo(path, datetime.fromtimestamp(self.at / 1000).timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has, the log too."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"
    ).fetchall()
    counted = "SELECT count(*) FROM {}"
    return {name: connection.execute(counted.format(log.quoted(name))).fetchone()[0] for (name,) in names}


def copy_state(source: sqlite3.Connection, target: Path, told: Callable[[int, int], None]) -> None:
    """Copies what a connection sees into a new file; raises sqlite3.Error if that is not sound.

    With a read transaction open the source stands still for SQLite's backup, so it may be done in steps,
    whatever others commit in between.
    """
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")  # what is not whole is thrown away anyhow
        copy.execute("PRAGMA synchronous = OFF")
        source.backup(copy, pages=STEP, progress=lambda _, left, total: told(total - left, total))
    with closing(open_still(target)) as copy:
        if (found := copy.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"the copy is not sound: {found}")


def open_still(path: Path) -> sqlite3.Connection:
    """A file that nobody else has open, for reading: SQLite makes no files beside it and trusts nothing in it."""
    connection = sqlite3.connect(f"{uri(path, 'ro')}&immutable=1", uri=True, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection
