"""Which shard holds what: identifiers carry one of 64 logical shards, and a map says where each of those lies."""

import itertools
from collections.abc import Sequence

from minisocial import ids
from minisocial.clock import Clock
from minisocial.database.control import Control


class Routing:
    """The map from logical shards to shards, and the makers of identifiers. The map on record counts."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._map: list[str] = []
        self._ids: list[ids.IdMaker] = []
        self._turn = itertools.count(clock.milliseconds())

    def open(self, newest: int) -> None:
        """Begins; no identifier is made at or below the milliseconds `newest`, those of the newest one stored."""
        self._map = self._control.map
        self._ids = [ids.IdMaker(logical, self._clock, newest) for logical in range(ids.LOGICAL_SHARDS)]

    def shard_of(self, id: int) -> str:
        """The shard an identifier's row lives on."""
        return self._map[ids.logical_shard(id)]

    def new_account_id(self) -> int:
        """An identifier for a new person; they are dealt out over the logical shards in turn."""
        return self._ids[next(self._turn) % ids.LOGICAL_SHARDS].make()

    def new_id(self, like: int) -> int:
        """A new identifier on the logical shard of another."""
        return self._ids[ids.logical_shard(like)].make()


def spread(shards: Sequence[str]) -> list[str]:
    """The first map: logical shards dealt out over the shards."""
    return [shards[logical % len(shards)] for logical in range(ids.LOGICAL_SHARDS)]
