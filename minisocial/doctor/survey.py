"""What lies in the data folder: places, control files, database files. No database is opened here."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial.clock import Clock
from minisocial.database import DIRECTORY
from minisocial.database.loss.control import EMPTY, NAME, NEEDED
from minisocial.database.loss.places import Place
from minisocial.doctor.lock import is_held
from minisocial.ids import LOGICAL_SHARDS
from minisocial.settings import Settings

LOCK = "lock"  # made at the first start
SHARD_FILE = re.compile(r"shard-(.+)-(\d+)\.db")
LEFT_OVER = re.compile(r"(shard-.+-\d+\.db)-(?:wal|shm)")


@dataclass(frozen=True, slots=True)
class Record:
    """What a control file says."""

    version: int
    places: tuple[str, ...]
    folders: Mapping[str, str]  # of places that lie elsewhere
    separate: frozenset[str]  # places with a disk of their own
    shards: tuple[str, ...]  # with people's rows
    leaders: Mapping[str, tuple[int, str]]  # shard → (term, place)
    map: tuple[str, ...]  # the shard of each logical shard
    moving: frozenset[int]  # logical shards whose rows may lie on two shards
    everything: Mapping[str, Any]  # as it lies there


@dataclass(frozen=True, slots=True)
class ControlFile:
    """The control file of one folder: its record, or what is wrong with it."""

    path: Path
    record: Record | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A database file of one copy of a shard."""

    shard: str
    place: str
    path: Path


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies in one place."""

    place: Place
    problem: str  # why nothing can be seen, or kept, there
    files: tuple[ShardFile, ...]  # the newest of each shard first
    set_aside: tuple[Path, ...] = ()  # failed files, kept for inspection
    unfinished: tuple[Path, ...] = ()  # left by a snapshot that did not end
    lone: tuple[Path, ...] = ()  # logs whose database is gone

    def of(self, shard: str) -> list[ShardFile]:
        """The files of a shard, newest first."""
        return [file for file in self.files if file.shard == shard]


@dataclass(frozen=True, slots=True)
class Survey:
    """The data folder as it was found."""

    settings: Settings
    clock: Clock
    is_running: bool  # a system has the folder open now
    controls: tuple[ControlFile, ...]
    record: Record | None  # the newest one that can be read
    shelves: tuple[Shelf, ...]
    hint: ControlFile | None = None  # beside the places: believed in nothing but where to look for them

    @property
    def data(self) -> Path:
        return self.settings.data

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever kept here."""
        was_opened = (self.data / "database" / LOCK).exists()
        return not (was_opened or self.controls or self.hint or any(shelf.files for shelf in self.shelves))

    @property
    def shards(self) -> tuple[str, ...]:
        """All shards there should be, the directory first; without a record, those there are."""
        if self.record:
            return (DIRECTORY, *self.record.shards)
        return tuple(sorted({file.shard for shelf in self.shelves for file in shelf.files}, reverse=True))

    @property
    def current(self) -> list[ShardFile]:
        """The file in use of each shard in each place."""
        return [files[0] for shelf in self.shelves for shard in self.shards if (files := shelf.of(shard))]


def take(settings: Settings, clock: Clock) -> Survey:
    """Looks through the data folder; raises OSError where it may not look."""
    root = settings.data.absolute() / "database"
    is_running = is_held(root)
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    controls, hints = list(_controls(folders)), list(_controls([root]))
    record = _newest(controls + hints)
    elsewhere = [Path(folder) for folder in record.folders.values()] if record else []
    controls += _controls(folder for folder in elsewhere if folder not in folders)
    record = _newest(controls)
    places = _places(root, record) if record else [Place(f.name, f, root) for f in folders if len(f.name) == 1]
    shelves = tuple(map(_shelf, places))
    return Survey(settings, clock, is_running, tuple(controls), record, shelves, next(iter(hints), None))


def _controls(folders: Iterable[Path]) -> Iterator[ControlFile]:
    return (_control(folder / NAME) for folder in folders if (folder / NAME).exists())


def _newest(controls: Iterable[ControlFile]) -> Record | None:
    records = [control.record for control in controls if control.record]
    return max(records, key=lambda record: record.version, default=None)


def _control(path: Path) -> ControlFile:
    try:
        return ControlFile(path, _record(json.loads(path.read_text("utf-8"))))
    except OSError as error:
        return ControlFile(path, None, f"it can not be read ({error.strerror})")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ControlFile(path, None, "it holds something else than a record")


def _record(data: Any) -> Record:
    """The record in a file's JSON; raises ValueError, TypeError or AttributeError where it makes no sense."""
    if not data.keys() >= NEEDED:
        raise ValueError("a key is missing")
    data = {**EMPTY, **data}
    if len(data["map"]) not in (0, LOGICAL_SHARDS) or not all(isinstance(name, str) for name in data["places"]):
        raise ValueError("the map or the places make no sense")
    if not all(isinstance(number, int) for key in ("issued", "floors") for number in data[key].values()):
        raise ValueError("a term or a position makes no sense")
    return Record(
        version=int(data["version"]),
        places=tuple(data["places"]),
        folders={str(place): str(folder) for place, folder in data["folders"].items() if folder},
        separate=frozenset(data["separate"]),
        shards=tuple(map(str, data["shards"])) or tuple(sorted(set(map(str, data["map"])), key=int)),
        leaders={shard: (int(term), str(place)) for shard, (term, place) in data["leaders"].items()},
        map=tuple(map(str, data["map"])),
        moving=frozenset(int(logical) for logical in data["moving"]),
        everything=data,
    )


def _places(root: Path, record: Record) -> list[Place]:
    return [
        Place(name, Path(record.folders.get(name) or root / name), root, name in record.separate)
        for name in record.places
    ]


def _shelf(place: Place) -> Shelf:
    """What lies in a place; empty, with the reason, where it can not be looked into."""
    try:
        problem = place.problem()
        paths = sorted(place.folder.iterdir())
    except FileNotFoundError:
        return Shelf(place, problem, ())
    except OSError as error:
        return Shelf(place, f"{place.folder} can not be looked into ({error.strerror})", ())
    names = {path.name for path in paths}
    matches = [(match, path) for path in paths if (match := SHARD_FILE.fullmatch(path.name))]
    matches.sort(key=lambda found: int(found[0][2]), reverse=True)
    return Shelf(
        place,
        problem,
        files=tuple(ShardFile(match[1], place.name, path) for match, path in matches),
        set_aside=tuple(path for path in paths if re.fullmatch(r"failed-.+\.db", path.name)),
        unfinished=tuple(path for path in paths if re.search(r"\.tmp(-|$)", path.name)),
        lone=tuple(path for path in paths if (m := LEFT_OVER.fullmatch(path.name)) and m[1] not in names),
    )
