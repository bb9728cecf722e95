"""A database made by hand, whose copies, places and moves are as a test tells."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minisocial.database.loss.verification import EQUAL, Verdict
from minisocial.errors import NoPrimary
from minisocial.ids import logical_shard


@dataclass(frozen=True)
class Move:
    logical: int
    source: str = "0"
    target: str = "1"
    state: str = "waiting"
    rows: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Copy:
    name: str
    role: str = "replica"
    state: str = "up"
    position: int = 7
    lag_ms: int = 0


@dataclass(frozen=True)
class Shard:
    name: str
    copies: tuple[Copy, ...]


@dataclass(frozen=True)
class Database:
    shards: tuple[Shard, ...]
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True)
class Place:
    name: str
    folder: Path
    trouble: str = ""

    def problem(self) -> str:
        return self.trouble


@dataclass
class FakeCluster:
    """Two shards and a directory in the places a, b and c; a leads. It notes what it is asked to do.

    `as_time_passes` is called at each look at it: there a test lets things happen.
    """

    root: Path
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)  # of shard and copy, if it is not equal
    as_time_passes: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.places = [Place(name, self.root / "database" / name) for name in "abc"]
        copies = (Copy("a", "primary"), Copy("b"), Copy("c"))
        self.copies = dict.fromkeys(("directory", "0", "1"), copies)
        self.moves: tuple[Move, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.copies)

    @property
    def shards(self) -> tuple[str, ...]:
        return self.names[1:]

    def shard_of(self, id: int) -> str:
        return self.shards[logical_shard(id) % 2]

    def snapshot(self) -> Database:
        self.as_time_passes()
        return Database(tuple(Shard(name, copies) for name, copies in self.copies.items()), self.moves)

    def change(self, shard: str, copy: str, **changed: Any) -> None:
        """One copy is otherwise from now on."""
        self.copies[shard] = tuple(replace(c, **changed) if c.name == copy else c for c in self.copies[shard])

    def lose_primary(self, shard: str) -> None:
        self.change(shard, "a", role="replica", state="suspect")

    def promote(self, shard: str, copy: str) -> None:
        self.asked.append(("promote", shard, copy))

    def add_replica(self, folder: Path | None = None) -> str:
        self.asked.append(("add_replica", folder))
        self.places.append(Place("d", folder or self.root / "database" / "d"))
        for name in self.names:
            self.copies[name] += (Copy("d", state="missing", position=0),)
        return "d"

    def remove_replica(self, name: str) -> None:
        self.asked.append(("remove_replica", name))
        self.places = [place for place in self.places if place.name != name]

    def add_shard(self) -> str:
        self.asked.append(("add_shard",))
        return "2"

    def move(self, logical: int, to: str) -> None:
        self.asked.append(("move", logical, to))
        self.moves = (Move(logical),)

    def call_off(self, logical: int) -> None:
        self.asked.append(("call_off", logical))

    def spread_out(self) -> None:
        self.asked.append(("spread_out",))
        self.moves = (Move(5), Move(7))

    def verify(self, shard: str, copy: str, thorough: bool) -> list[Verdict]:
        self.asked.append(("verify", shard, copy))
        if not any(each.role == "primary" for each in self.copies[shard]):
            raise NoPrimary(f"shard {shard} has no primary")
        return [self.verdicts.get((shard, copy), Verdict(shard, copy, EQUAL, "It is equal.", rows=1000))]
