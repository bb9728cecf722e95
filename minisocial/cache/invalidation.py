"""Invalidation: every committed change reaches every cache, in order, before its writer gets its answer."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from minisocial.cache.floors import Floors
from minisocial.cache.global_cache import GlobalCache
from minisocial.cache.leases import Leases
from minisocial.cache.local_cache import LocalCache
from minisocial.cache.nearby import Nearby
from minisocial.clock import Clock

log = logging.getLogger(__name__)


class Change(Protocol):
    """A changed row, as the database's log tells it."""

    @property
    def shard(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def table(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def key(self) -> tuple[Any, ...]: ...
    @property
    def logged(self) -> dict[str, Any]: ...


C = TypeVar("C", bound=Change)
Purge = Callable[[Collection[str]], None]


@dataclass(frozen=True, slots=True)
class InvalidationSnapshot:
    changes: int  # seen
    keys: int  # dropped for them
    floors: int  # standing now
    leases: int  # being loaded now
    voided: int  # keys that changed while they were being loaded
    expired: int  # keys whose loader was taken for dead
    joined: int  # loads that shared a query with another one's
    overtaken: int  # loads that saw a change nobody had told of in time
    errors: int  # keys_of or a subscriber failed


class Invalidation(Generic[C]):
    """Tells all caches what has changed. Shared by all nodes of a system; a consumer of the log.

    For each key a change touches it leaves a floor, voids the lease, drops the entry everywhere, and
    tells the subscribers, in that order. When the call returns, no reader that begins then is given
    anything older than the change. Why no interleaving of a loader L and a change c at position p can
    bring an old value back:

    *A fill that comes late.*
        1. L takes the lease         2. L reads the old row         3. c commits: floor p, lease voided
        4. c drops the entries       5. L would fill
        A cache asks `lease.holds(key)` under the very lock under which it drops. So L's entry either
        came in before 4, and is dropped, or it is refused, even when the floor has gone by then.

    *A load from a copy that lags.*
        1. c: floor p, voided, dropped     2. L takes the lease     3. L reads the floor: p
        4. L asks for a copy that has reached p
        The order of 2 and 3 matters. Had L read the floor before 1 and taken the lease after 1, c
        would have met neither a lease to void nor a loader that knows the floor.

    *A reader in between*, when c can be seen already and nobody has been told yet.
        1. c commits     2. L loads from the primary, at p, and answers
        3. the same person reads again, on a node that still holds the old entry: back in time
        So L waits in 2 until the caches have heard of p (`wait_until_heard`) before it answers. Where nobody
        tells (a new term, a shard's first read), nothing from below p is believed any more.

    *One who waited*, W.
        1. W waits for L     2. L finishes     3. c: floor p, all copies reach p, the floor goes
        4. W wakes up
        W compares what it is handed with the floor and with `base`, up to which floors have gone, and
        looks again for itself if it is from below.

    What cannot be told exactly is told too widely: if `keys_of` fails for a change, everything is
    forgotten. Failures are logged and counted; nothing is raised into the commit.
    """

    def __init__(
        self,
        keys_of: Callable[[C], Iterable[str]],
        floor_position: Callable[[str], int],
        shared: GlobalCache,
        *,
        head_position: Callable[[str], int] = lambda shard: 0,
        lease_seconds: float = 2.0,
        floor_limit: int = 10_000,
        patience: float = 0.5,
        clock: Clock | None = None,
    ) -> None:
        """`floor_position(shard)`: the lowest position of any copy a reader may be given; `head_position`: the highest.

        `patience`: seconds a loader waits for the news of a change it has seen already; changes by
        other programs are noticed within 0.3.
        """
        self.leases = Leases(lease_seconds, clock or Clock())  # where one loads for all nodes
        self.nearby = Nearby()
        self._every_lease: tuple[Leases, ...] = (self.leases,)
        self._keys_of = keys_of
        self._floor_position = floor_position
        self._head_position = head_position
        self._shared = shared
        self._floor_limit = floor_limit
        self._patience = patience
        self._lock = threading.Lock()  # guards changes of _floors and of what is in it, and the counters
        self._floors: dict[str, Floors] = {}
        self._heard: dict[str, int] = {}
        self._news = threading.Condition()  # guards changes of _heard
        self.locals: tuple[LocalCache, ...] = ()
        self._subscribers: tuple[tuple[Purge, Callable[[], None]], ...] = ()
        self._changes = self._keys = self._overtaken = self._errors = 0

    def join(self, local: LocalCache, leases: Leases) -> None:
        """A node's cache and its own leases are told of changes from now on."""
        with self._lock:
            self.locals = (*self.locals, local)
            self._every_lease = (*self._every_lease, leases)

    def leave(self, local: LocalCache, leases: Leases) -> None:
        """The node is gone, and with it its cache."""
        with self._lock:
            self.locals = tuple(each for each in self.locals if each is not local)
            self._every_lease = tuple(each for each in self._every_lease if each is not leases)

    def subscribe(self, purge: Purge, purge_all: Callable[[], None]) -> None:
        """`purge(keys)` is called with each set of changed keys, after the caches have dropped them.

        `purge_all()` is called when all caches were emptied.
        """
        with self._lock:
            self._subscribers = (*self._subscribers, (purge, purge_all))

    def floors(self, shard: str) -> Floors:
        """The floors of a shard. What was committed before it is first asked for counts as heard."""
        return self._floors.get(shard) or self._begin_with(shard)

    def __call__(self, changes: Sequence[C]) -> None:
        """Changes of one shard, in the order of their commits."""
        if not changes:
            return
        self._changes += len(changes)
        shard, position = changes[-1].shard, changes[-1].position
        keys = self._touched(changes)
        floors = self.floors(shard)
        self._begin(floors, keys, position)
        try:
            self._drop(keys)
        finally:
            self._end(floors)
        self._tell(keys)
        self._hear(shard, position)
        self._settle(shard, floors)

    def forget_everything(self) -> None:
        """Empty all caches: after a bulk load, or when a shard has lost commits."""
        for shard in tuple(self._floors):
            self._believe_from(shard, self._ask(self._head_position, shard))  # nobody tells of a term's first position
        self._void(None)
        self._drop(None)
        self._tell(None)

    def wait_until_heard(self, shard: str, position: int) -> None:
        """Wait until all changes up to a position that was read have reached the caches.

        One that nobody tells of in time (a new term; a change by another program, not noticed yet) is
        waited for with patience; then whatever is older counts as changed.
        """
        if self._heard.get(shard, 0) >= position:
            return
        with self._news:
            if self._news.wait_for(lambda: self._heard.get(shard, 0) >= position, self._patience):
                return
            self._overtaken += 1
        self._believe_from(shard, position)
        self._void(None)
        for local in self.locals:  # not the global cache: the floor refuses what it has from below
            local.clear()
        self._tell(None)

    def snapshot(self) -> InvalidationSnapshot:
        for shard, floors in list(self._floors.items()):
            self._settle(shard, floors)
        return InvalidationSnapshot(
            changes=self._changes,
            keys=self._keys,
            floors=sum(len(floors.by_key) for floors in list(self._floors.values())),
            leases=sum(map(len, self._every_lease)),
            voided=sum(leases.voided for leases in self._every_lease),
            expired=sum(leases.expired for leases in self._every_lease),
            joined=self.nearby.joined,
            overtaken=self._overtaken,
            errors=self._errors,
        )

    def _touched(self, changes: Sequence[C]) -> dict[str, int] | None:
        """Each key with the position of its last change; None if that could not be found out."""
        try:
            return {key: change.position for change in changes for key in self._keys_of(change)}
        except Exception:
            log.exception("the keys of a change are not known: all caches are emptied")
            self._count_error()
            return None

    def _begin(self, floors: Floors, keys: dict[str, int] | None, position: int) -> None:
        with self._lock:
            self._keys += len(keys or ())
            floors.running += 1
            if keys is None:
                floors.lift_all(position)
            else:
                floors.lift(keys)
        self._void(keys)

    def _begin_with(self, shard: str) -> Floors:
        return self._believe_from(shard, self._ask(self._head_position, shard))

    def _believe_from(self, shard: str, position: int) -> Floors:
        """Nothing of a shard from below this position is believed from now on."""
        with self._lock:
            floors = self._floors.setdefault(shard, Floors(self._floor_limit))
            floors.lift_all(position)
        self._hear(shard, position)
        return floors

    def _void(self, keys: Collection[str] | None) -> None:
        for leases in self._every_lease:
            leases.void_all() if keys is None else leases.void(keys)

    def _hear(self, shard: str, position: int) -> None:
        with self._news:
            self._heard[shard] = max(position, self._heard.get(shard, 0))
            self._news.notify_all()

    def _drop(self, keys: Collection[str] | None) -> None:
        for local in self.locals:
            local.clear() if keys is None else local.drop(keys)
        self._shared.clear() if keys is None else self._shared.drop(keys)

    def _end(self, floors: Floors) -> None:
        with self._lock:
            floors.running -= 1

    def _settle(self, shard: str, floors: Floors) -> None:
        reached = self._ask(self._floor_position, shard)
        with self._lock:
            floors.settle(reached)

    def _ask(self, position_of: Callable[[str], int], shard: str) -> int:
        try:
            return position_of(shard)
        except Exception:
            log.exception("how far the copies of shard %s are is not known: its floors stay", shard)
            self._count_error()
            return 0

    def _tell(self, keys: Collection[str] | None) -> None:
        for purge, purge_all in self._subscribers:
            try:
                purge_all() if keys is None else purge(keys)
            except Exception:
                log.exception("a subscriber of the invalidation failed")
                self._count_error()

    def _count_error(self) -> None:
        with self._lock:
            self._errors += 1
