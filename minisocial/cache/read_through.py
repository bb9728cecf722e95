"""Reading through both tiers: memory, then the global cache, then the database, each asked once for many keys."""

import threading
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from minisocial import trace, waiting
from minisocial.cache.entry import ABSENT, Entry
from minisocial.cache.global_cache import GlobalCache
from minisocial.cache.invalidation import Invalidation
from minisocial.cache.kind import Kind
from minisocial.cache.leases import Lease, Leases
from minisocial.cache.local_cache import LocalCache
from minisocial.clock import Clock
from minisocial.errors import ReplicaBehind

T = TypeVar("T")
I = TypeVar("I", bound=Hashable)  # noqa: E741
Load: TypeAlias = Callable[[list[I], int], tuple[Mapping[I, T], int]]

DERIVED_TTL = 120.0  # seconds; a page says "4 min" and "1 h", which no change announces (a script keeps it right)
ROUNDS = 3  # how often a reader waits for somebody else's load before it loads for itself


class ReadThrough:
    """One node's way to cached values: its local cache in front of the one for all.

    Of all readers in all nodes that miss the same keys at the same time one loads them, in one call;
    the others wait for it. What is not there is remembered as absent.

    It promises that a reader who begins after a change has been made known is given nothing older than
    the change (Invalidation tells why), and that readers never wait for each other in a circle: who
    holds a lease does not wait for one, and who waits for one holds none. (Who holds one may wait for a
    query that several share, `Nearby`; whoever makes that waits for nobody.)

    A failing load fails its own caller only; those who waited try for themselves. A loader that hangs is
    waited for until its lease expires.
    """

    def __init__(
        self,
        local: LocalCache,
        shared: GlobalCache,
        invalidation: Invalidation[Any],
        *,
        ttl: float = 3600.0,
        clock: Clock | None = None,
    ) -> None:
        """`ttl`: seconds after which an entry is loaded anew in any case, a safety net."""
        self.local = local
        self.shared = shared
        self.invalidation = invalidation
        self.ttl = ttl
        self.clock = clock or Clock()
        self.leases = Leases(invalidation.leases.seconds, self.clock)  # where each node loads for itself
        # .loads: this thread is inside of a load; .parts: what it has fetched of what it is deriving, or None
        self.thread = threading.local()
        invalidation.join(local, self.leases)

    def fetch(
        self, kind: Kind[T], shard: str, ids: Sequence[I], load: Load[I, T], alike: Hashable = None
    ) -> dict[I, T]:
        """The values of these ids, all of one shard; those that do not exist are left out.

        `load(ids, at_least)` gets what no cache has, from a copy of the shard that has reached the
        position `at_least`, and returns it with the position of the copy. A fetch inside of it works,
        but loads for itself and keeps nothing. Loads of a kind and shard that are `alike` do the same for
        any ids, so that one may do it for several; None: for these ids only.
        """
        if not ids:
            return {}
        keys = dict(zip(map(kind.key, ids), ids, strict=True))
        entries, outdated = self.look_in_memory(shard, keys)
        if len(entries) < len(keys):
            waiting.ahead()  # for a file, or for somebody who is loading it
        if self.local.enabled:
            self.local.count(len(entries), len(keys) - len(entries), outdated)
            trace.note("local", f"{len(entries)}/{len(keys)}")
        if len(entries) < len(keys):
            missing = {key: id for key, id in keys.items() if key not in entries}
            try:
                entries.update(_Search(self, kind, shard, load, alike).find(missing))
            except BaseException:
                self.depends_on_more()  # what is derived without it is not to be kept
                raise
        if getattr(self.thread, "parts", None) is not None:
            self._note_parts(entries)
        return {keys[key]: entry.value for key, entry in entries.items() if entry.value is not ABSENT}

    def derive(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """What `make` makes of fetched values, kept in this node until one of them changes.

        All that it depends on must be in `key` or come from `fetch`; where it read something else as
        well (`depends_on_more`) it is not kept. `size` tells its bytes.
        """
        now = self.clock.monotonic()
        kept: T | None = self.local.derived.get(key, now) if self.local.enabled else None
        if kept is not None:
            trace.note("local", "page")
            return kept
        self.thread.parts = {}
        try:
            made = make()
            parts: dict[str, Entry] | None = self.thread.parts
        finally:
            self.thread.parts = None
        if parts is not None:
            self.local.derived.keep(key, made, size(made), parts, now + DERIVED_TTL)
        return made

    def depends_on_more(self) -> None:
        """What is being derived in this thread also depends on something no cached value stands for."""
        self.thread.parts = None

    def _note_parts(self, entries: Mapping[str, Entry]) -> None:
        parts = self.thread.parts
        for key, entry in entries.items():
            if parts.setdefault(key, entry) is not entry:  # it changed between two looks: the value may be of both
                self.thread.parts = None
                return

    def one(self, kind: Kind[T], shard: str, id: I, load: Load[I, T]) -> T | None:
        """The value of one id, or None."""
        return self.fetch(kind, shard, (id,), load).get(id)

    def look_in_memory(self, shard: str, keys: Collection[str]) -> tuple[dict[str, Entry], int]:
        """What the local cache has of these keys and may be believed, and the number of entries that may not."""
        entries = self.local.get_many(keys)
        floors = self.invalidation.floors(shard)
        return floors.judge(shard, self.clock.monotonic(), zip(keys, entries, strict=True))


class _Search(Generic[I, T]):
    """One reader's search for keys that are not in its node's memory. `missing` is always key → id."""

    def __init__(self, node: ReadThrough, kind: Kind[T], shard: str, load: Load[I, T], alike: Hashable) -> None:
        self._node = node
        self._kind = kind
        self._shard = shard
        self._load_values = load
        self._floors = node.invalidation.floors(shard)
        self._leases = node.invalidation.leases if node.shared.loads else node.leases
        self._nearby = node.invalidation.nearby
        self._alike = alike and (kind.name, shard, alike)
        self._has_set_out = False

    def find(self, missing: dict[str, I]) -> dict[str, Entry]:
        """An entry for each key."""
        found: dict[str, Entry] = {}
        for _ in range(ROUNDS):
            if self._is_inside_a_load():
                break  # it may hold leases, and who holds one does not wait
            self._share(missing, found)
            missing = {key: id for key, id in missing.items() if key not in found}
            if not missing:
                return found
        return found | self._load(missing)

    def _is_inside_a_load(self) -> bool:
        return getattr(self._node.thread, "loads", False)

    def _share(self, missing: dict[str, I], found: dict[str, Entry]) -> None:
        """Load what nobody else loads; only then, holding no lease any more, wait for what others load."""
        lease, others = self._leases.take(missing)
        mine = {key: id for key, id in missing.items() if key not in others}
        if mine:
            found.update(self._lead(lease, mine))
        for key, other in others.items():
            other.wait(self._leases.remaining(other))
            entry = other.entries.get(key)
            if entry is not None and entry.shard == self._shard and self._floors.allows_waiter(key, entry):
                found[key] = entry

    def _lead(self, lease: Lease, missing: dict[str, I]) -> dict[str, Entry]:
        """Find these keys for everybody. The lease must be held before the floors are read."""
        entries: dict[str, Entry] = {}
        self._set_out()
        try:
            # Somebody may have filled them between our look and our lease.
            entries.update(self._node.look_in_memory(self._shard, missing)[0])
            self._look_in_global_cache(missing, entries)
            self._load_and_store(lease, missing, entries)
            self._node.local.put_many(entries, lease.holds)
        finally:
            self._turn_back()
            self._leases.finish(lease, entries)
        return entries

    def _set_out(self) -> None:
        if self._alike is not None:
            self._nearby.set_out()
            self._has_set_out = True

    def _turn_back(self) -> None:
        if self._has_set_out:
            self._nearby.turn_back()
            self._has_set_out = False

    def _look_in_global_cache(self, missing: dict[str, I], entries: dict[str, Entry]) -> None:
        shared = self._node.shared
        keys = [key for key in missing if key not in entries]
        if not keys or not self._may_share():
            return
        with trace.span("global") as span:
            found = shared.get_many(keys)
            believed, outdated = self._floors.judge(self._shard, self._node.clock.monotonic(), found.items())
            span.what = f"{len(believed)}/{len(keys)}"
        shared.count_outdated(outdated)
        decode = self._kind.decode
        for key, entry in believed.items():
            entries[key] = entry if entry.value is ABSENT else entry._replace(value=decode(entry.value))

    def _load_and_store(self, lease: Lease, missing: dict[str, I], entries: dict[str, Entry]) -> None:
        missing = {key: id for key, id in missing.items() if key not in entries}
        if not missing:
            return
        loaded = self._load(missing)
        entries.update(loaded)
        if self._may_share():
            self._node.shared.put_many({key: self._encoded(entry) for key, entry in loaded.items()}, lease.holds)

    def _may_share(self) -> bool:
        return self._node.shared.enabled and self._kind.is_shared

    def _load(self, missing: dict[str, I]) -> dict[str, Entry]:
        """Ask the database, once, for everything that is missing."""
        at_least = self._floors.at_least(missing)
        values, position = self._ask(list(missing.values()), at_least)
        if position < at_least:
            raise ReplicaBehind(f"Shard {self._shard} was read at {position} instead of {at_least}.")
        self._node.invalidation.wait_until_heard(self._shard, position)
        until = self._node.clock.monotonic() + self._node.ttl
        return {
            key: Entry(self._shard, position, until, values[id] if id in values else ABSENT)  # noqa: SIM401
            for key, id in missing.items()
        }

    def _ask(self, ids: list[I], at_least: int) -> tuple[Mapping[I, T], int]:
        if not self._has_set_out:
            return self._query(ids, at_least)
        self._has_set_out = False
        return self._nearby.ask(self._alike, ids, at_least, self._query)

    def _query(self, ids: list[I], at_least: int) -> tuple[Mapping[I, T], int]:
        outermost = not self._is_inside_a_load()
        self._node.thread.loads = True
        try:
            return self._load_values(ids, at_least)
        finally:
            self._node.thread.loads = not outermost

    def _encoded(self, entry: Entry) -> Entry:
        return entry if entry.value is ABSENT else entry._replace(value=self._kind.encode(entry.value))
