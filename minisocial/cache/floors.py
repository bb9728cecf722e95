"""Floors: below which position a cached value is not believed any more."""

from collections import deque
from collections.abc import Iterable, Mapping

from minisocial.cache.entry import Entry


class Floors:
    """The floors of one shard. Read by anybody without a lock; changed under the lock of Invalidation.

    A change at position p leaves the floor p under each key it touched: a value computed from a copy
    below p may lack the change. The floor can go when every copy a reader may be given has passed p,
    since then no such value can be computed any more, and those computed before were dropped.

    There are at most `limit` of them: beyond, the older half becomes one floor for the whole shard. It
    refuses more than it must, which costs loads, never truth. It stays for good: what lies below it was not
    dropped, and every copy passes it soon.
    """

    __slots__ = ("_limit", "_order", "base", "by_key", "running", "whole")

    def __init__(self, limit: int) -> None:
        self.by_key: dict[str, int] = {}
        self.whole = 0  # holds for every key; only ever rises
        self.base = 0  # every copy has reached this once; a copy brought back from before is not believed
        self.running = 0  # changes whose entries are being dropped: no floor may go meanwhile
        self._limit = limit
        self._order: deque[tuple[int, str]] = deque()  # each key of by_key once, roughly by position

    def at_least(self, keys: Iterable[str]) -> int:
        """The position a copy must have reached to load these keys from it."""
        highest = max(map(self.of, keys), default=0)
        return max(highest, self.base)  # last: settle() raises it before it removes a floor

    def of(self, key: str) -> int:
        """The floor of a key; 0 if it has none."""
        floor = self.by_key.get(key, 0)
        return max(floor, self.whole)  # in this order: _fold() raises `whole` before it removes a floor

    def judge(
        self, shard: str, now: float, entries: Iterable[tuple[str, Entry | None]]
    ) -> tuple[dict[str, Entry], int]:
        """Those entries that may be believed at this moment, and the number of those that may not."""
        believed = {}
        outdated = 0
        floor_of = self.by_key.get
        for key, entry in entries:
            if entry is None:
                continue
            position = entry.position
            if position < floor_of(key, 0) or position < self.whole or entry.until < now or entry.shard != shard:
                outdated += 1
            else:
                believed[key] = entry
        return believed, outdated

    def allows_waiter(self, key: str, entry: Entry) -> bool:
        """Whether one who has waited may take this: no change may have come, not even one whose floor has gone."""
        floor = self.of(key)
        return entry.position >= max(floor, self.base)

    def lift(self, positions: Mapping[str, int]) -> None:
        """Leave a floor under each of these keys."""
        for key, position in positions.items():
            before = self.by_key.get(key)
            if before is None:
                self._order.append((position, key))
            self.by_key[key] = max(position, before or 0)

    def lift_all(self, position: int) -> None:
        """Leave a floor under every key of the shard, for good."""
        self.whole = max(self.whole, position)

    def settle(self, reached: int) -> None:
        """Let go of the floors that every copy has reached; see to it that there are not too many."""
        if self.running:
            return
        self.base = max(self.base, reached)
        while self._order and self._order[0][0] <= reached:
            self._let_go(reached)
        if len(self.by_key) > self._limit:
            self._fold()

    def _let_go(self, reached: int) -> None:
        _, key = self._order.popleft()
        floor = self.by_key[key]
        if floor <= reached:
            del self.by_key[key]
        else:  # it was changed again since
            self._order.append((floor, key))

    def _fold(self) -> None:
        oldest = [self._order.popleft()[1] for _ in range(len(self._order) // 2 + 1)]
        self.whole = max(self.whole, *(self.by_key[key] for key in oldest))
        for key in oldest:
            del self.by_key[key]
