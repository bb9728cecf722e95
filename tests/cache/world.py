"""A database as the caches see it: versions of keys, a primary, and replicas that lag."""

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minisocial.cache import GlobalCache, Invalidation, Kind, LocalCache, ReadThrough
from minisocial.clock import Clock

SHARD = "0"
Load = Callable[[list[Any], int], tuple[dict[Any, int], int]]
POST: Kind[int] = Kind("post", encode=int, decode=int)


@dataclass(frozen=True, slots=True)
class FakeChange:
    shard: str
    position: int
    table: str = "posts"
    op: str = "U"
    key: tuple[Any, ...] = ()
    logged: dict[str, Any] = field(default_factory=dict)


def keys_of(change: FakeChange) -> Iterable[str]:
    yield f"post:{change.key[0]}"


class FakeShard:
    """The value of a row is the position at which it was last changed; rows never changed do not exist."""

    def __init__(self, replicas: int = 2) -> None:
        self._lock = threading.Lock()  # guards positions and history
        self._delivery = threading.Lock()  # one delivers at a time, in order
        self._waiting: deque[FakeChange] = deque()
        self.copies = [0] * (1 + replicas)  # positions; the first is the primary
        self.consumers: list[Callable[[Sequence[FakeChange]], None]] = []
        self._history: dict[Any, list[int]] = {}

    def commit(self, *ids: Hashable) -> int:
        """Change these rows. Readers of the primary see it at once; nobody has been told yet."""
        with self._lock:
            self.copies[0] += 1
            for id in ids:
                self._history.setdefault(id, []).append(self.copies[0])
                self._waiting.append(FakeChange(SHARD, self.copies[0], key=(id,)))
            return self.copies[0]

    def deliver(self) -> None:
        """Tell the consumers; when it returns, everything committed before has been told."""
        with self._delivery:
            with self._lock:  # a commit is told of whole: half of one would count as all of it
                changes = list(self._waiting)
                self._waiting.clear()
            for consumer in self.consumers:
                consumer(changes)

    def write(self, *ids: Hashable) -> int:
        """Commit and tell, as the database does before it answers."""
        position = self.commit(*ids)
        self.deliver()
        return position

    def replicate(self, copy: int = 0) -> None:
        """Bring one replica, or with 0 all of them, up to the primary."""
        with self._lock:
            for each in range(1, len(self.copies)) if copy == 0 else (copy,):
                self.copies[each] = self.copies[0]

    def lowest(self, shard: str = SHARD) -> int:
        with self._lock:
            return min(self.copies)

    def read(self, ids: Iterable[Any], at_least: int, copy: int = 1) -> tuple[dict[Any, int], int]:
        """The rows as a copy has them: the one asked for if it is far enough, else the primary."""
        with self._lock:
            position = self.copies[copy] if self.copies[copy] >= at_least else self.copies[0]
            return {id: value for id in ids if (value := self._value(id, position))}, position

    def _value(self, id: Any, position: int) -> int:
        history = self._history.get(id, [])
        count = bisect_right(history, position)
        return history[count - 1] if count else 0


class World:
    """A shard, the caches of some nodes, and a count of the loads."""

    def __init__(
        self, folder: Path, nodes: int = 2, *, lease_seconds: float = 5.0, clock: Clock | None = None, **limits: Any
    ) -> None:
        self.shard = FakeShard()
        self.shared = GlobalCache(folder / "global", clock=clock)
        self.invalidation: Invalidation[FakeChange] = Invalidation(
            keys_of,
            self.shard.lowest,
            self.shared,
            head_position=lambda shard: self.shard.copies[0],
            lease_seconds=lease_seconds,
            clock=clock,
            **limits,
        )
        self.nodes = [
            ReadThrough(LocalCache(f"read-{number}"), self.shared, self.invalidation, clock=clock)
            for number in range(nodes)
        ]
        self.shard.consumers.append(self.invalidation)
        self.loads: list[tuple[list[Any], int]] = []  # ids and at_least of each
        self.shared.start()

    def load(self, ids: list[Any], at_least: int) -> tuple[dict[Any, int], int]:
        self.loads.append((ids, at_least))
        return self.shard.read(ids, at_least)

    def fetch(self, *ids: Hashable, node: int = 0, load: Load | None = None, alike: Hashable = None) -> dict[Any, int]:
        return self.nodes[node].fetch(POST, SHARD, ids, load or self.load, alike)
