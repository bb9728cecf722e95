"""What must be known before any shard can be opened: the places, who leads which term, which shard holds what.

The file `control.json` lies in every place and is believed by majority: the newest version counts,
and there must be enough of them to be sure that none newer is missing. One more beside the places is
believed in nothing but where to look for them. A term is recorded before
it is used, so no two copies ever lead the same one.
"""

import json
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from minisocial.database.connection import publish
from minisocial.database.loss.places import Place
from minisocial.errors import CannotStart

NAME = "control.json"
EMPTY: dict[str, Any] = {
    "version": 0,  # of this file; grows with each change
    "issued": {},  # shard → the highest term ever given out
    "leaders": {},  # shard → [term, place]
    "map": [],  # the shard of each logical shard, by its number
    "places": [],  # names
    # files of the first release lack what follows
    "identities": {},  # shard → the number in all files of it
    "folders": {},  # place → its folder, if it does not lie beside this one
    "separate": [],  # places that have a disk of their own
    "shards": [],  # names of all shards with people's rows, also of those that hold none yet
    "replicas": None,  # the setting when it was last followed
    "moving": {},  # logical shard → where it is to go; or, once it is there, where it must still be removed
    "arrived": [],  # those of them that are there
    "floors": {},  # shard → no reader is given less: here is what moved in
}
NEEDED = {"version", "issued", "leaders", "map", "places"}


class Control:
    """The small file of terms and places. Not durable until a majority of the places has it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.RLock()  # guards _data, places and the writing of them
        self._data: dict[str, Any] = dict(EMPTY)
        self.places: tuple[Place, ...] = ()

    def read(self) -> None:
        """Takes the newest file; refuses when too few are left to be sure that it is the newest."""
        self._data, self.places = dict(EMPTY), ()
        found = self._read_all(self._beside())
        hint = self._read_all([self._root])  # counts for nothing, but leads to places that all lie elsewhere
        if not found + hint:
            return
        self._take_newest(found + hint)
        elsewhere = [Path(folder) for folder in self._data["folders"].values()]
        found += self._read_all(elsewhere)
        self._take_newest(found or hint)
        expected = len(self.places)
        if len(found) < majority(expected):
            raise CannotStart(
                f"Only {len(found)} of {expected} {NAME} files are there, so a newer one may be missing. Put the other "
                f"folders back. To go on with what is here, copy the newest {NAME} that is left into each folder of "
                f"{self._root}: what only the others knew is lost then."
            )

    def _beside(self) -> list[Path]:
        return [path for path in self._root.iterdir() if path.is_dir()] if self._root.is_dir() else []

    def _read_all(self, folders: Sequence[Path]) -> list[dict[str, Any]]:
        return [data for data in map(read_file, folders) if data]

    def _take_newest(self, found: Sequence[dict[str, Any]]) -> None:
        self._data = {**EMPTY, **max(found, key=lambda data: int(data["version"]))}
        self.places = tuple(map(self._place, self._data["places"]))

    def _place(self, name: str) -> Place:
        folder = self._data["folders"].get(name)
        return Place(name, Path(folder) if folder else self._root / name, self._root, name in self._data["separate"])

    # --- what it says

    @property
    def record(self) -> Mapping[str, Any]:
        """All of it, as in the file."""
        return dict(self._data)

    @property
    def is_new(self) -> bool:
        """Whether nothing is on record yet."""
        return not self._data["version"]

    @property
    def map(self) -> list[str]:
        """The shard of each logical shard, by its number."""
        return list(self._data["map"])

    @property
    def shards(self) -> tuple[str, ...]:
        """All shards with people's rows, in order."""
        return tuple(self._data["shards"] or sorted(set(self._data["map"]), key=int))

    @property
    def replicas(self) -> int:
        """The setting that was last followed."""
        asked = self._data["replicas"]
        return len(self.places) - 1 if asked is None else int(asked)

    @property
    def moving(self) -> dict[int, str]:
        """Logical shards on their way: the shard they go to, or, once there, the one they must still leave."""
        return {int(logical): str(shard) for logical, shard in self._data["moving"].items()}

    @property
    def arrived(self) -> frozenset[int]:
        """Those of `moving` that are where they were to go."""
        return frozenset(self._data["arrived"])

    @property
    def floors(self) -> dict[str, int]:
        """The position of each shard below which rows that moved in are missing."""
        return dict(self._data["floors"])

    def leader(self, shard: str) -> tuple[int, str]:
        """The last term that began and the place that leads it; (0, "") if none did."""
        term, place = self._data["leaders"].get(shard, (0, ""))
        return int(term), str(place)

    def identity(self, shard: str) -> int:
        """The number that all files of a shard carry; 0 if none is on record."""
        return int(self._data["identities"].get(shard, 0))

    # --- what it is told

    def begin(self, places: Sequence[str], shards: Sequence[str], map: Sequence[str], replicas: int) -> None:
        """The first record of a new database."""
        self.save(places=list(places), shards=list(shards), map=list(map), replicas=replicas)

    def add_place(self, name: str, folder: Path | None) -> Place:
        """One more place; on record once this returns."""
        with self._lock:
            folders = {**self._data["folders"], name: str(folder)} if folder else self._data["folders"]
            self.save(places=[*self._data["places"], name], folders=folders)
            self.look_at_disks()
            return self.place(name)

    def remove_place(self, name: str) -> None:
        """Forgets a place."""
        with self._lock:
            places = [place for place in self._data["places"] if place != name]
            folders = {place: folder for place, folder in self._data["folders"].items() if place != name}
            self.save(places=places, folders=folders)

    def place(self, name: str) -> Place:
        return next(place for place in self.places if place.name == name)

    def look_at_disks(self) -> None:
        """Keeps on record which places have a disk of their own; one that lacks it now is not forgotten."""
        with self._lock:
            separate = {place.name for place in self.places if place.is_separate or place.has_own_disk()}
            if separate != set(self._data["separate"]):
                self.save(separate=sorted(separate))

    def new_term(self, shard: str, above: int) -> int:
        """A term that never was, recorded before anybody can use it."""
        with self._lock:
            term: int = max(self._data["issued"].get(shard, 0), above) + 1
            self.save(issued={**self._data["issued"], shard: term})
            return term

    def record_leader(self, shard: str, term: int, place: str) -> None:
        """From here on, older terms are fenced off."""
        with self._lock:
            leaders = {**self._data["leaders"], shard: [term, place]}
            self.save(issued={**self._data["issued"], shard: term}, leaders=leaders)

    def record_identity(self, shard: str, identity: int) -> None:
        """From here on, files without this number are not this shard's."""
        with self._lock:
            if self.identity(shard) != identity:
                self.save(identities={**self._data["identities"], shard: identity})

    def record_map(
        self, map: Sequence[str], moving: Mapping[int, str], floors: Mapping[str, int], arrived: Collection[int]
    ) -> None:
        """Which shard holds which logical shard, which are on their way, and from which position on they are there."""
        on_their_way = {str(logical): shard for logical, shard in moving.items()}
        self.save(map=list(map), moving=on_their_way, floors=dict(floors), arrived=sorted(arrived))

    def mend(self) -> None:
        """Writes the record to places that lack it: they came back, or their file was lost."""
        with self._lock:
            for place in self.places:
                found = read_file(place.folder) or EMPTY
                if found["version"] != self._data["version"]:
                    self._save_one(place)

    def save(self, **values: Any) -> None:
        """Changes the record; raises OSError unless a majority of the places has it then."""
        with self._lock:
            before = self._data
            failures = self._write({**before, **values})
            if len(self.places) - len(failures) < majority(len(self.places)):
                self._write(before)  # where it did arrive it would count after a restart
                raise failures[0]

    def _write(self, data: Mapping[str, Any]) -> list[OSError]:
        self._data = {**data, "version": self._data["version"] + 1}
        self.places = tuple(map(self._place, self._data["places"]))
        self._save_in(self._root)
        return [error for error in map(self._save_one, self.places) if error]

    def _save_one(self, place: Place) -> OSError | None:
        if problem := place.problem():
            return OSError(problem)
        return self._save_in(place.folder)

    def _save_in(self, folder: Path) -> OSError | None:
        temporary = folder / f"{NAME}.tmp"
        try:
            with open(temporary, "w") as file:
                json.dump(self._data, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            publish(temporary, folder / NAME)
        except OSError as error:
            return error
        return None


def replicas_on_record(root: Path) -> int | None:
    """How many replicas a database has, and is to have; None if there is none yet."""
    control = Control(root)
    control.read()
    return None if control.is_new else control.replicas


def read_file(folder: Path) -> dict[str, Any] | None:
    """The record in one place; None if there is none, or nothing that makes sense."""
    with suppress(OSError, ValueError):
        data = json.loads((folder / NAME).read_text())
        if isinstance(data, dict) and data.keys() >= NEEDED:
            return data
    return None


def majority(places: int) -> int:
    """How many of so many places are enough. Of two, one: else losing either would stop everything."""
    return places // 2 + 1 if places > 2 else 1
