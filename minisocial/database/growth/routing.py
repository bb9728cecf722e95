"""Which shard holds what: identifiers carry one of 64 logical shards, and a map says where each of those lies."""

import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from minisocial import ids
from minisocial.clock import Clock
from minisocial.database.loss.control import Control
from minisocial.errors import Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """What is known of all logical shards at one moment. Nothing in it changes: a change makes another map."""

    homes: tuple[str, ...] = ()  # the shard of each logical shard, by its number
    moving: Mapping[int, str] = field(default_factory=dict)  # → where it goes, or, once there, where it must leave
    arrived: frozenset[int] = frozenset()  # those of `moving` that are there
    floors: Mapping[str, int] = field(default_factory=dict)  # shard → rows that came or went are so from here on
    is_told: bool = True  # False while a switch is made known to the caches

    def foreign(self, shard: str) -> tuple[int, ...]:
        """Logical shards of which a shard may hold rows that do not count: not all yet, or not any more."""
        return tuple(logical for logical, other in self.moving.items() if other == shard) if self.moving else ()


class Routing:
    """The map from logical shards to shards, and the makers of identifiers. The map on record counts.

    Everybody reads the map without a lock, as it was at some moment. Whoever must know that it did not
    change meanwhile looks whether it is still the same object.
    """

    def __init__(self, control: Control, clock: Clock) -> None:
        self.map = Map()
        self._control = control
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())  # guards changes of the map
        self._ids: list[ids.IdMaker] = []
        self._turn = itertools.count(clock.milliseconds())

    def open(self, newest: int) -> None:
        """Begins; no identifier is made at or below the milliseconds `newest`, those of the newest one stored."""
        control = self._control
        self.map = Map(tuple(control.map), control.moving, control.arrived, control.floors)
        self._ids = [ids.IdMaker(logical, self._clock, newest) for logical in range(ids.LOGICAL_SHARDS)]

    def shard_of(self, id: int) -> str:
        """The shard an identifier's row lives on."""
        return self.map.homes[ids.logical_shard(id)]

    def new_account_id(self) -> int:
        """An identifier for a new person; they are dealt out over the logical shards in turn."""
        return self._ids[next(self._turn) % ids.LOGICAL_SHARDS].make()

    def new_id(self, like: int) -> int:
        """A new identifier on the logical shard of another."""
        return self._ids[ids.logical_shard(like)].make()

    # --- what stays the same while the map changes

    def steadily(self, work: Callable[[], T]) -> T:
        """What `work` returns, done again if a logical shard went elsewhere meanwhile."""
        while True:
            map = self.map
            done = work()
            if self.map.homes is map.homes:
                return done

    def gather(self, work: Callable[[], T]) -> T:
        """What `work` finds on all shards, each row once though rows move; done again if the map changed meanwhile."""
        while True:
            map = self._told()
            found = work()
            if self.map is map:
                return found

    def _told(self) -> Map:
        """The map, once the caches know of it; until then a list of before may stand beside one of after."""
        map = self.map
        if map.is_told:
            return map
        with self._changed:
            self._changed.wait_for(lambda: self.map.is_told)
            return self.map

    # --- moves

    def plan(self, choose: Callable[[Map], Mapping[int, str]]) -> None:
        """Puts moves on record, {logical shard: where it is to go}, chosen by the map as it is."""
        with self._changed:
            moves = choose(self.map)
            if moves:
                self._record(replace(self.map, moving={**self.map.moving, **moves}))

    def switch(self, logical: int, floor: int, tell: Callable[[], None]) -> None:
        """From here on a logical shard lies where it was to go, complete from the position `floor` on.

        Raises Unavailable if that was called off.

        `tell` makes it known to the caches. The caller holds the right to write where it was.
        """
        with self._changed:
            map = self.map
            if logical in map.arrived:
                raise Unavailable("The move was called off.")
            source, target = map.homes[logical], map.moving[logical]
            homes = (*map.homes[:logical], target, *map.homes[logical + 1 :])
            moving, floors = {**map.moving, logical: source}, _raised(map.floors, target, floor)
            self._record(Map(homes, moving, map.arrived | {logical}, floors, is_told=False))
        try:
            tell()
        finally:
            with self._changed:
                self.map = replace(self.map, is_told=True)
                self._changed.notify_all()

    def call_off(self, logical: int, refuse: Callable[[Map], None]) -> None:
        """A logical shard stays where it is: from here on it counts as arrived there, and what was copied must go.

        `refuse` may raise, by the map as it is.
        """
        with self._changed:
            refuse(self.map)
            self._record(replace(self.map, arrived=self.map.arrived | {logical}))

    def end(self, logical: int, floor: int) -> None:
        """Nothing of a logical shard is left where it was, from the position `floor` on."""
        with self._changed:
            map = self.map
            moving = {number: shard for number, shard in map.moving.items() if number != logical}
            floors = _raised(map.floors, map.moving[logical], floor)
            self._record(replace(map, moving=moving, arrived=map.arrived - {logical}, floors=floors))

    def _record(self, map: Map) -> None:
        try:
            self._control.record_map(map.homes, map.moving, map.floors, map.arrived)
        except OSError as error:
            raise Unavailable(f"Most places can not be written to, so nothing moves: {error}") from error
        self.map = map


def _raised(floors: Mapping[str, int], shard: str, floor: int) -> Mapping[str, int]:
    return {**floors, shard: max(floor, floors.get(shard, 0))}


def spread(shards: Sequence[str]) -> list[str]:
    """The first map: logical shards dealt out over the shards."""
    return [shards[logical % len(shards)] for logical in range(ids.LOGICAL_SHARDS)]


def evened_out(homes: Sequence[str], shards: Sequence[str], fixed: Collection[int]) -> dict[int, str]:
    """The fewest moves after which all shards hold a fair share; those `fixed` stay where they are."""
    held = {shard: [logical for logical, home in enumerate(homes) if home == shard] for shard in shards}
    share, rest = divmod(len(homes), len(shards))
    most_first = sorted(shards, key=lambda shard: len(held[shard]), reverse=True)
    fair = {shard: share + (place < rest) for place, shard in enumerate(most_first)}  # who has most keeps one more
    spare: list[int] = []
    for shard in shards:
        free = [logical for logical in held[shard] if logical not in fixed]
        spare += free[: max(0, len(held[shard]) - fair[shard])]
    lacking = [shard for shard in shards for _ in range(fair[shard] - len(held[shard]))]
    return dict(zip(sorted(spare), lacking, strict=False))
