"""All caches of one system: the global one, the nodes' local ones, and what keeps them true."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from minisocial.cache.global_cache import GlobalCache, GlobalSnapshot
from minisocial.cache.invalidation import Change, Invalidation, InvalidationSnapshot
from minisocial.cache.local_cache import LocalCache, LocalSnapshot
from minisocial.cache.read_through import ReadThrough
from minisocial.clock import Clock

C = TypeVar("C", bound=Change)

FORMS = CACHE_LOADS, NODE_LOADS = "cache-loads", "node-loads"


@dataclass(frozen=True, slots=True)
class CachesSnapshot:
    form: str  # who loads on a miss: cache-loads, node-loads
    local: tuple[LocalSnapshot, ...]  # one a node
    shared: GlobalSnapshot  # the global cache
    invalidation: InvalidationSnapshot


class Caches(Generic[C]):
    """The two tiers as one box.

    `for_node` gives each request node its way to cached values; `invalidation` is to be subscribed to
    the database's log before the first request.

    What it promises is written at Invalidation, ReadThrough and GlobalCache.

    Whatever fails in here costs speed; no failure of a cache reaches a reader or a writer.
    """

    def __init__(
        self,
        folder: Path,
        keys_of: Callable[[C], Iterable[str]],
        floor_position: Callable[[str], int],
        *,
        head_position: Callable[[str], int] = lambda shard: 0,
        local_entries: int = 4000,
        global_bytes: int = 128 << 20,
        local_enabled: bool = True,
        global_enabled: bool = True,
        form: str = CACHE_LOADS,
        nearby: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._local_entries = local_entries
        self._local_enabled = local_enabled
        self.shared = GlobalCache(folder, size_limit=global_bytes, enabled=global_enabled, clock=self._clock)
        self.form = form
        self.invalidation = Invalidation(
            keys_of, floor_position, self.shared, head_position=head_position, clock=self._clock
        )
        self.invalidation.nearby.enabled = nearby

    def for_node(self, name: str) -> ReadThrough:
        """A node's way to cached values, with a local cache of its own."""
        local = LocalCache(name, self._local_entries, self._local_enabled)
        return ReadThrough(local, self.shared, self.invalidation, clock=self._clock)

    def without_node(self, node: ReadThrough) -> None:
        """The node has gone; its local cache is no longer told of changes, so nobody may read it any more."""
        self.invalidation.leave(node.local, node.leases)

    @property
    def local_enabled(self) -> bool:
        """Whether the local caches are on: those of all nodes, also of those to come. May be changed at any time."""
        return self._local_enabled

    @local_enabled.setter
    def local_enabled(self, enabled: bool) -> None:
        self._local_enabled = enabled
        for local in self.invalidation.locals:
            local.enabled = enabled

    @property
    def form(self) -> str:
        """Who loads what nobody has: the cache, once for all nodes, or each node. May be changed at any time."""
        return CACHE_LOADS if self.shared.loads else NODE_LOADS

    @form.setter
    def form(self, form: str) -> None:
        if form not in FORMS:
            raise ValueError(f"There is no form {form!r} of a global cache. Choose one of: {', '.join(FORMS)}.")
        self.shared.loads = form == CACHE_LOADS

    def start(self) -> None:
        self.shared.start()

    def stop(self) -> None:
        self.shared.stop()

    def snapshot(self) -> CachesSnapshot:
        return CachesSnapshot(
            form=self.form,
            local=tuple(local.snapshot() for local in self.invalidation.locals),
            shared=self.shared.snapshot(),
            invalidation=self.invalidation.snapshot(),
        )
