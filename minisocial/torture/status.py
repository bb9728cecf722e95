"""What the tortured process says of itself, some dozen times a second: one line of JSON each."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from minisocial.database import Cluster
from minisocial.database.snapshot import ShardSnapshot

CLOSE = 300  # entries of the log; a replica nearer than this follows


@dataclass(frozen=True, slots=True)
class ShardNow:
    """One shard."""

    name: str
    primary: str  # the place; "" while none leads
    files: dict[str, str]  # place → file, below the data folder; "" if there is none
    states: dict[str, str]
    is_close: bool  # every copy has, but for a few changes, all that there is
    failovers: int
    lost: int
    snapshots: int

    @property
    def sound(self) -> int:
        """How many copies have a file that nobody met an error at."""
        return sum(bool(file) and self.states[place] != "suspect" for place, file in self.files.items())

    @property
    def is_healthy(self) -> bool:
        return bool(self.primary) and self.is_close and all(state == "up" for state in self.states.values())


@dataclass(frozen=True, slots=True)
class Status:
    """The whole process."""

    shards: dict[str, ShardNow]
    folders: dict[str, str]  # place → folder
    moves: list[str]  # their states
    doing: list[str] = field(default_factory=list)  # operator's actions under way
    done: dict[str, int] = field(default_factory=dict)  # ... that succeeded
    refused: dict[str, str] = field(default_factory=dict)  # ... that did not, with the last sentence
    errors: list[str] = field(default_factory=list)  # what no operator should ever meet
    alarms: list[str] = field(default_factory=list)  # what verification found
    acknowledged: int = 0
    pauses: dict[str, float] = field(default_factory=dict)  # writer → longest time without a commit, since asked

    @property
    def is_healthy(self) -> bool:
        return all(shard.is_healthy for shard in self.shards.values())

    @property
    def files(self) -> dict[tuple[str, str], str]:
        """The file of each copy."""
        return {(name, place): file for name, shard in self.shards.items() for place, file in shard.files.items()}

    @property
    def under_way(self) -> list[str]:
        """What a kill at this moment interrupts."""
        copying = any(state == "copying" for shard in self.shards.values() for state in shard.states.values())
        leaderless = any(not shard.primary for shard in self.shards.values())
        moves = sorted({f"move, {state}" for state in self.moves if state != "waiting"})
        return [*self.doing, *moves, *(["snapshot"] if copying else []), *(["fail-over"] if leaderless else [])]


def look(cluster: Cluster) -> dict[str, Any]:
    """The part of a status that is the database's."""
    snapshot = cluster.snapshot()
    return {
        "shards": {shard.name: shard_now(shard) for shard in snapshot.shards},
        "folders": {place.name: str(place.folder) for place in cluster.places},
        "moves": [move.state for move in snapshot.moves],
    }


def shard_now(shard: ShardSnapshot) -> ShardNow:
    """The part that is one shard's."""
    positions = [copy.position for copy in shard.copies]
    return ShardNow(
        name=shard.name,
        primary=next((copy.name for copy in shard.copies if copy.role == "primary"), ""),
        files={copy.name: copy.file for copy in shard.copies},
        states={copy.name: copy.state for copy in shard.copies},
        is_close=max(positions) - min(positions) < CLOSE,
        failovers=shard.failovers,
        lost=shard.lost,
        snapshots=sum(copy.snapshots for copy in shard.copies),
    )


def to_line(status: Status) -> str:
    return json.dumps(asdict(status))


def from_line(line: str) -> Status:
    """The status in a line; raises ValueError if the line is torn."""
    data = json.loads(line)
    shards = {name: ShardNow(**shard) for name, shard in data.pop("shards").items()}
    return Status(shards=shards, **data)


class Pulse:
    """When each writer's last write was acknowledged, and the longest time that none was.

    Writers never rest, but they move: a shard without commits may be one that nobody lives on.
    """

    def __init__(self, writers: Iterable[int], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # guards all below
        self._last = dict.fromkeys(map(str, writers), clock())
        self._longest: dict[str, float] = {}
        self.count = 0

    def beat(self, number: int) -> None:
        """A write of theirs was acknowledged."""
        now, writer = self._clock(), str(number)
        with self._lock:
            self.count += 1
            self._longest[writer] = max(self._longest.get(writer, 0.0), now - self._last[writer])
            self._last[writer] = now

    def begin(self) -> None:
        """Only pauses that end from here on count."""
        with self._lock:
            self._longest.clear()

    def longest(self) -> dict[str, float]:
        """The longest pause of each writer in seconds; one that lasts counts as long as it is."""
        now = self._clock()
        with self._lock:
            return {writer: max(self._longest.get(writer, 0.0), now - last) for writer, last in self._last.items()}
