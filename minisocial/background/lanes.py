"""Lanes: tasks that must not overtake each other, as those for one person."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """Where a message stands: by class, within a class by the age of its task, behind the one at work in its lane."""

    key: str = ""  # of its task
    priority: int = 0  # the highest first
    rank: int = 0  # the outbox row's identifier: rows of a shard are as old as it is low
    lane: str | None = None


class Lanes:
    """Who is at work in each lane, or is waited for. Not safe from two threads: the storage guards it."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}  # lane → key of the task
        self.parked: Counter[str] = Counter()  # lane → messages that met a lane in use

    def enter(self, place: Place) -> bool:
        """Takes the lane for this task; False if another one has it."""
        if place.lane is None:
            return True
        return self._owners.setdefault(place.lane, place.key) == place.key

    def is_awaited(self, place: Place) -> bool:
        """Whether the task has its lane, and messages wait for it."""
        return place.lane is not None and self._owners.get(place.lane) == place.key and self.parked[place.lane] > 0

    def leave(self, place: Place) -> None:
        """Gives the lane up, if the task has it."""
        if place.lane is not None and self._owners.get(place.lane) == place.key:
            del self._owners[place.lane]
            self.parked.pop(place.lane, None)

    def begin_anew(self, places: Iterable[Place]) -> None:
        """Only these have their lanes; nothing is parked."""
        self._owners.clear()
        self.parked.clear()
        for place in places:
            self.enter(place)
