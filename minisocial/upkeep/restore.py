"""Restore: a backup becomes a data folder, after everything in it was looked at.

A restored database begins a new history. What was committed after the backup is lost, so its positions
must never be given out again: a file of that lost future, copied in later, would pass for one of the
same history. Therefore every shard begins a term that lies a random leap above all that were ever issued.

Sessions are restored with the rest: who was logged in is so again, and who ended a session after the
backup must end it again.
"""

import json
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial import ids
from minisocial.database import DIRECTORY, log
from minisocial.database.connection import connect, head, publish, version_of
from minisocial.database.loss.control import EMPTY, read_file
from minisocial.database.loss.control import NAME as CONTROL
from minisocial.database.schema import DIRECTORY as DIRECTORY_TABLES
from minisocial.database.schema import OUTBOX, SHARD, VERSION
from minisocial.errors import Refused
from minisocial.settings_file import load
from minisocial.upkeep.archive import Archive, NoRoom
from minisocial.upkeep.backup import DEAD_LETTERS, LEAP, NO_ROOM, count_rows, of_one_place, open_still
from minisocial.upkeep.manifest import PLACE, Manifest, ShardPart
from minisocial.upkeep.sanity import contradictions

Progress = Callable[[str], None]

MAY_STAY = ("README.md",)  # in a folder that counts as empty
LEFTOVER = re.compile(r"restore-[a-z0-9_]{8}\.tmp")
HIGHEST_TERM = 1 << 22  # of 23 bits
AHEAD = 1_000_000  # versions of the record, so that none left over from before counts
FEW = 3  # faults in one sentence


@dataclass(frozen=True, slots=True)
class Report:
    """What a rehearsal found. With a fault, the file is not what was backed up, and is not restored.

    A remark tells of rows that contradict each other. They did so in the database, say because a
    fail-over lost the last changes of one shard, and are restored as they were.
    """

    file: Path
    manifest: Manifest | None  # if it could be read
    faults: tuple[str, ...]  # sentences
    remarks: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        if self.faults or self.manifest is None:
            more = f" And {len(self.faults) - FEW} more." if len(self.faults) > FEW else ""
            return f"{self.file} can not be restored. {' '.join(self.faults[:FEW])}{more}"
        return " ".join([f"{self.file} is sound. {self.manifest}", *self.remarks])


def check(file: Path, progress: Progress = lambda line: None, within: Path | None = None) -> Report:
    """A rehearsal: restores into a temporary folder (in `within`, or the system's) and looks at everything."""
    file = file.absolute()
    within = within or Path(tempfile.gettempdir())
    with told_plainly(within), tempfile.TemporaryDirectory(prefix="rehearsal-", suffix=".tmp", dir=within) as folder:
        return rehearse(file, Path(folder), progress)


def restore(file: Path, data: Path, progress: Progress = lambda line: None) -> Report:
    """Makes a data folder of a backup, whole or not at all; refuses one that has a fault, and a folder in use."""
    file, data = file.absolute(), data.absolute()
    with told_plainly(data), empty(data) as folder:
        report = rehearse(file, folder, progress)
        if report.manifest is None or not report.is_sound:
            raise Refused(str(report))
        begin_anew(folder, report.manifest)
        sync(folder)
        take_into_use(folder, data)
    return report


@contextmanager
def told_plainly(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise Refused(f"The disk of {folder} is full. Make room there, and try again.") from error
        raise Refused(f"{folder} can not be used ({error.strerror or error}). Choose another folder.") from error


@contextmanager
def empty(data: Path) -> Iterator[Path]:
    """A folder in the empty data folder for what is not checked yet; both go if it is not used."""
    if os.path.lexists(data) and not data.is_dir():
        raise Refused(f"{data} is a file. Choose a folder to restore into.")
    was_there = data.is_dir()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in data.iterdir():
        if LEFTOVER.fullmatch(path.name):
            shutil.rmtree(path)  # of a restore that was killed
        elif path.name not in MAY_STAY:
            raise Refused(f"{data} holds something already. Move that away, or restore into another folder.")
    folder = Path(tempfile.mkdtemp(prefix="restore-", suffix=".tmp", dir=data))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not was_there and not any(data.iterdir()):
            data.rmdir()


def rehearse(file: Path, folder: Path, progress: Progress) -> Report:
    """Unpacks into an empty folder and looks at everything."""
    try:
        with closing(Archive(file)) as archive:
            manifest = archive.manifest
            if manifest.schema > VERSION:
                raise Refused(newer(f"It was made by minisocial {manifest.program}, and", manifest.schema))
            faults = [*archive.unlisted(), *archive.unpack(folder, progress)]
    except NoRoom:
        raise
    except Refused as refused:
        return Report(file, None, (str(refused),))
    for shard in manifest.shards if not faults else ():
        progress(f"looking through shard {shard.name}")
        faults += faults_of_shard(folder / shard.path, shard)
    if not faults:
        faults += [*faults_of_dead_letters(folder / DEAD_LETTERS), *faults_of_record(folder / PLACE, manifest)]
    if faults:
        return Report(file, manifest, tuple(faults))
    progress("comparing the shards with each other")
    files = {shard.name: folder / shard.path for shard in manifest.shards}
    return Report(file, manifest, (), (*contradictions(files), *remarks_on_settings(folder)))


def remarks_on_settings(folder: Path) -> Iterator[str]:
    """What the start will say of the settings in the backup, if it will not take them."""
    try:
        load({"data": folder}, {})
    except (Refused, ValueError, RecursionError) as error:
        yield f"Its settings are restored as they are, but no start will take them: {error}".replace(f"{folder}/", "")


def newer(begin: str, version: int) -> str:
    return f"{begin} has version {version} of the tables; this minisocial knows version {VERSION}. Use the newer one."


def faults_of_shard(path: Path, shard: ShardPart) -> Iterator[str]:
    """What is wrong with the file of a shard, by itself and compared with the manifest."""
    try:
        with closing(open_still(path)) as connection:
            if (found := connection.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                yield f"Shard {shard.name} is damaged ({found})."
                return
            if (version := version_of(connection)) > VERSION:
                yield newer(f"Shard {shard.name}", version)
                return
            yield from differences(connection, shard, version)
    except sqlite3.Error as error:
        yield f"Shard {shard.name} is no sound database ({error})."


def differences(connection: sqlite3.Connection, shard: ShardPart, version: int) -> Iterator[str]:
    rows = count_rows(connection)
    for table in sorted(tables_of(shard.name) - set(rows)) if version == VERSION else ():
        yield f"Shard {shard.name} lacks the table {table}."
    for table in sorted(set(rows) | set(shard.rows)):
        if (there := rows.get(table, 0)) != (then := shard.rows.get(table, 0)):
            yield f"Shard {shard.name} has {there:,} rows in {table}, and had {then:,}."
    if "_log" in rows and (position := head(connection)) != shard.position:
        yield f"Shard {shard.name} is at position {position}, and was at {shard.position}."


def tables_of(shard: str) -> set[str]:
    """The tables that a shard of this version has."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"{DIRECTORY_TABLES if shard == DIRECTORY else SHARD}\n{OUTBOX}\n{log.CREATE};")
        return set(count_rows(connection))


def faults_of_dead_letters(path: Path) -> Iterator[str]:
    """What is wrong with their file; one that is not there has none."""
    if not path.exists():
        return
    try:
        with closing(open_still(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        yield f"{DEAD_LETTERS} is damaged ({found})."


def faults_of_record(place: Path, manifest: Manifest) -> Iterator[str]:
    """What is wrong with the record of terms and of the map of the shards."""
    record, names = read_file(place), {shard.name for shard in manifest.shards}
    if record is None or not is_record(record):
        yield f"{PLACE}/{CONTROL} is missing, or not one that minisocial wrote."
        return
    told = {**EMPTY, **record}
    if missing := sorted({*told["map"], *told["shards"], *told["moving"].values(), DIRECTORY} - names):
        yield f"The map of the shards names some that are not there: {', '.join(missing)}."


def is_record(record: dict[str, Any]) -> bool:
    try:
        terms = [*record["issued"].values(), *(term for term, _ in record["leaders"].values())]
        is_map = len(record["map"]) == ids.LOGICAL_SHARDS and is_shape({**EMPTY, **record})
        return is_map and all(type(term) is int and 0 <= term < HIGHEST_TERM for term in [*terms, record["version"]])
    except (AttributeError, TypeError, ValueError):
        return False


def is_shape(record: dict[str, Any]) -> bool:
    """Whether what it says of shards and moves can be read; it may raise instead of False."""
    moving, arrived = record["moving"], record["arrived"]
    numbers = [*record["identities"].values(), *record["floors"].values(), *arrived]
    people = [*record["map"], *record["shards"], *moving.values()]
    return (
        all(type(number) is int and 0 <= number < 1 << 63 for number in numbers)
        and all(isinstance(name, str) and name.isascii() and name.isdecimal() for name in people)
        and {str(logical) for logical in arrived} <= set(moving) <= set(map(str, range(ids.LOGICAL_SHARDS)))
    )


def begin_anew(folder: Path, manifest: Manifest) -> None:
    """Begins a term in every shard that was never issued, and puts it on record."""
    place = folder / PLACE
    record = of_one_place(read_file(place) or {})
    for shard in manifest.shards:
        term = max(record["issued"].get(shard.name, 0), log.term_of(shard.position)) + secrets.randbelow(LEAP) + 1
        with closing(connect(folder / shard.path, "rw", "FULL")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            log.start_term(connection, term)
            connection.execute("COMMIT")
        record["issued"][shard.name] = term
        record["leaders"][shard.name] = [term, place.name]
    record["version"] += AHEAD
    (place / f"{CONTROL}.tmp").write_text(json.dumps(record, indent=1), "utf-8")
    publish(place / f"{CONTROL}.tmp", place / CONTROL)


def sync(folder: Path) -> None:
    """Sees to it that everything is on disk before it gets its name."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_file() or os.name == "posix":
            handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def take_into_use(folder: Path, data: Path) -> None:
    """The database comes last: without it nothing else counts, and with it all is there."""
    data.chmod(0o700)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == "database"):
        publish(path, data / path.name)
