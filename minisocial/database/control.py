"""Who leads which shard, in which term, and which shard holds which logical shards.

The file `control.json` lies in every place and is believed by majority: the newest version counts,
and there must be enough of them to be sure that none newer is missing. A term is recorded before
it is used, so no two copies ever lead the same one.
"""

import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from minisocial.database.connection import publish
from minisocial.errors import CannotStart

NAME = "control.json"


class Control:
    """The small file of terms. Not durable until a majority of the places has it."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self._lock = threading.Lock()  # guards _data and the writing of it
        self._data: dict[str, Any] = {"version": 0, "issued": {}, "leaders": {}, "map": [], "places": []}

    def read(self) -> None:
        """Takes the newest file; refuses when too few are left to be sure that it is the newest."""
        found = [data for data in map(self._read_one, self._places) if data]
        if not found:
            return
        self._data = max(found, key=lambda data: int(data["version"]))
        expected = len(self._data["places"])
        if len(found) < majority(expected):
            raise CannotStart(
                f"Only {len(found)} of {expected} {NAME} files are there, so a newer one may be missing. Put the other "
                f"folders back. To go on with what is here, delete {NAME} in each folder of {self._places[0].parent}."
            )

    def _read_one(self, place: Path) -> dict[str, Any] | None:
        with suppress(OSError, ValueError):
            data = json.loads((place / NAME).read_text())
            if isinstance(data, dict) and self._data.keys() <= data.keys():
                return data
        return None

    @property
    def map(self) -> list[str]:
        """The shard of each logical shard, by its number; empty before the first start."""
        return list(self._data["map"])

    def leader(self, shard: str) -> tuple[int, str]:
        """The last term that began and the place that leads it; (0, "") if none did."""
        term, place = self._data["leaders"].get(shard, (0, ""))
        return int(term), str(place)

    def set_map(self, shards: Sequence[str]) -> None:
        self._save(map=list(shards))

    def new_term(self, shard: str, above: int) -> int:
        """A term that never was, recorded before anybody can use it."""
        term: int = max(self._data["issued"].get(shard, 0), above) + 1
        self._save(issued={**self._data["issued"], shard: term})
        return term

    def record_leader(self, shard: str, term: int, place: str) -> None:
        """From here on, older terms are fenced off."""
        leaders = {**self._data["leaders"], shard: [term, place]}
        self._save(issued={**self._data["issued"], shard: term}, leaders=leaders)

    def _save(self, **values: Any) -> None:
        with self._lock:
            places = [place.name for place in self._places]
            self._data = {**self._data, **values, "places": places, "version": self._data["version"] + 1}
            failures = [error for error in map(self._save_one, self._places) if error]
            if len(self._places) - len(failures) < majority(len(self._places)):
                raise failures[0]

    def _save_one(self, place: Path) -> OSError | None:
        temporary = place / f"{NAME}.tmp"
        try:
            with open(temporary, "w") as file:
                json.dump(self._data, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            publish(temporary, place / NAME)
        except OSError as error:
            return error
        return None


def majority(places: int) -> int:
    """How many of so many places are enough. Of two, one: else losing either would stop everything."""
    return places // 2 + 1 if places > 2 else 1
