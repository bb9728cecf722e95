"""The state before a migration, kept as a data folder of its own on which the old program starts.

`data/before-version-2/` holds one place with a copy of every shard, and the settings. It is written
under another name, checked, and renamed when it is complete; so one that was interrupted is begun
anew, and a complete one is never touched again. It may be deleted when nobody wants to go back.
"""

import itertools
import json
import logging
import math
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from minisocial.database import log
from minisocial.database.connection import Damaged, connect, find_problem, head, numbered, publish, version_of
from minisocial.database.loss.control import NAME
from minisocial.database.steps import Tell, percent
from minisocial.errors import CannotStart

logger = logging.getLogger(__name__)

NAMED = re.compile(r"before-version-(\d+)(?:-(\d+))?")
SETTINGS = "minisocial.toml"
PLACE = "a"  # alone it is a majority
SPARE = 16 << 20  # bytes that are left free
PAGES = 2048  # copied between two words about it

Files = Mapping[str, Path]  # shard → the file that has all there is
Free = Callable[[Path], int]  # → bytes


def free_bytes(folder: Path) -> int:
    """How much room there is on the disk of a folder."""
    return shutil.disk_usage(folder).free


def keep(data: Path, files: Files, record: Mapping[str, Any], version: int, tell: Tell, free: Free) -> Path | None:
    """The folder that holds the state before `version`: one that is there already, or a new one.

    None if there is none and it is too late: some shards have the new version. `record` is the content of the
    control file. Raises CannotStart if it can not be made; nothing is changed then.
    """
    versions = {describe(path)[0] for path in files.values()}
    if len(versions) > 1:  # an attempt was interrupted
        return next((folder for folder in complete(data) if number(folder)[0] > min(versions)), None)
    for folder in complete(data):
        if holds(folder, files):
            return folder
    folder = unused(data / f"before-version-{version}")
    make(folder, data, files, record, tell, free)
    return folder


def complete(data: Path) -> list[Path]:
    """All that were finished, the newest first."""
    there = (path for path in data.glob("before-version-*") if NAMED.fullmatch(path.name))
    return sorted((path for path in there if (place_in(path) / NAME).exists()), key=number, reverse=True)


def number(folder: Path) -> tuple[int, int]:
    """Before which version it was made, and which of several it is."""
    version, turn = NAMED.findall(folder.name)[0]
    return int(version), int(turn or 1)


def unused(folder: Path) -> Path:
    """This name, or with a number if it is taken."""
    names = (folder.with_name(f"{folder.name}-{turn}") for turn in itertools.count(2))
    return next(path for path in itertools.chain([folder], names) if not path.exists())


def known_to(data: Path, version: int) -> Path | None:
    """The newest that a program which knows this version of the tables can start on."""
    return next((folder for folder in complete(data) if newest_version(folder) <= version), None)


def newest_version(folder: Path) -> float:
    """The newest version of the tables in a folder; infinite if that can not be said."""
    with suppress(sqlite3.Error):
        return max((describe(path)[0] for path in place_in(folder).glob("shard-*.db")), default=math.inf)
    return math.inf


def holds(folder: Path, files: Files) -> bool:
    """Whether a folder has just this state: not if the old program was used again since it was made."""
    with suppress(sqlite3.Error):
        kept = {shard: numbered(place_in(folder), shard)[:1] for shard in files}
        return all(kept[shard] and describe(kept[shard][0][1]) == describe(path) for shard, path in files.items())
    return False


def describe(path: Path) -> tuple[int, int]:
    """The version of the tables, and the position."""
    with closing(connect(path)) as connection:
        return version_of(connection), head(connection)


def place_in(folder: Path) -> Path:
    return folder / "database" / PLACE


def make(folder: Path, data: Path, files: Files, record: Mapping[str, Any], tell: Tell, free: Free) -> None:
    """Writes a complete copy under another name, and gives it its own."""
    temporary = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    refuse_without_room(folder, sum(map(size, files.values())), free(data))
    logger.warning("the tables need a change: first everything is copied, as it is, to %s", folder)
    try:
        fill(temporary, data, files, record, tell)
        publish(temporary, folder)
    except (OSError, sqlite3.Error, Damaged) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CannotStart(
            f"The tables need a change, and the copy of the old state in {folder} could not be made ({error}). "
            "Nothing was changed: the minisocial you had before can still be started."
        ) from error


def refuse_without_room(folder: Path, needed: int, free: int) -> None:
    if free < needed + SPARE:
        raise CannotStart(
            f"The tables need a change, and there is no room for a copy of the old state in {folder}: "
            f"it takes {megabytes(needed + SPARE)}, and {megabytes(free)} are free. Make room and start again. "
            "Nothing was changed: the minisocial you had before can still be started."
        )


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def size(path: Path) -> int:
    """Bytes of a database with what lies in its WAL."""
    with closing(connect(path)) as connection:
        pages, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * page)


def fill(folder: Path, data: Path, files: Files, record: Mapping[str, Any], tell: Tell) -> None:
    """Everything that the old program needs, durably."""
    place = place_in(folder)
    folder.mkdir(mode=0o700)  # like the data folder itself
    place.mkdir(parents=True)
    for shard, path in files.items():
        copy(path, place / path.name, f"shard {shard}: copied", tell)
    (place / NAME).write_text(json.dumps(alone(record, files), indent=1))
    if (data / SETTINGS).exists():
        shutil.copy2(data / SETTINGS, folder / SETTINGS)
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder before the folder
        sync(path)
    sync(folder)


def copy(source_path: Path, target_path: Path, label: str, tell: Tell) -> None:
    """One file through SQLite, read through afterwards."""

    def told(status: int, remaining: int, total: int) -> None:
        tell(f"{label}: {percent(1 - remaining / (total or 1))}")

    with closing(connect(source_path)) as source, closing(connect(target_path, "rwc", "FULL")) as target:
        source.backup(target, pages=PAGES, progress=told)
    if problem := find_problem(target_path):
        raise Damaged(f"{source_path.name}: {problem}")
    connect(target_path, "rw").close()  # takes the WAL away that the check left


def alone(record: Mapping[str, Any], files: Files) -> dict[str, Any]:
    """The control file for one place that leads everything, each shard in the last term of its own file."""
    terms = {shard: log.term_of(describe(path)[1]) for shard, path in files.items()}
    leaders = {shard: [term, PLACE] for shard, term in terms.items()}
    return {**record, "leaders": leaders, "places": [PLACE], "folders": {}, "separate": [], "replicas": 0}


def sync(path: Path) -> None:
    """Has the disk keep a file that nobody has open, or a folder."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
