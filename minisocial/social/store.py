"""What every noun is handed: the database, the node's cache, the outbox and the clock."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from minisocial.cache import Kind, ReadThrough
from minisocial.clock import Clock
from minisocial.database import DIRECTORY, Cluster, Reader, Transaction

I = TypeVar("I", bound=Hashable)  # noqa: E741
T = TypeVar("T")
Query = Callable[[Reader, list[I]], dict[I, T]]


class Outbox(Protocol):
    def add(self, tx: Transaction, shard: str, task: str, args: Mapping[str, Any]) -> object: ...


@dataclass(frozen=True, slots=True)
class Store:
    """Reading and writing as the nouns see it: by identifier, wherever the row lives."""

    cluster: Cluster
    cache: ReadThrough
    outbox: Outbox
    clock: Clock

    def home(self, id: int) -> str:
        """The shard on which an identifier's rows live."""
        return self.cluster.shard_of(id)

    def write(self, id: int) -> AbstractContextManager[Transaction]:
        """A write on the shard of this identifier, wherever it moves."""
        return self.cluster.write_home(id)

    def read(self, id: int) -> AbstractContextManager[Reader]:
        """A read on the shard of this identifier, as fresh as the person reading has seen."""
        self.cache.depends_on_more()
        return self.cluster.read_home(id)

    def fresh(self, id: int) -> AbstractContextManager[Reader]:
        """A read that misses no commit made before it: for tasks, which must see what caused them."""
        self.cache.depends_on_more()
        return self.cluster.read_home(id, self.cluster.position)

    def fresh_directory(self) -> AbstractContextManager[Reader]:
        """The same of the directory."""
        self.cache.depends_on_more()
        return self.cluster.read(DIRECTORY, self.cluster.position(DIRECTORY))

    def beside(self, kind: Kind[Any], id: int) -> AbstractContextManager[Reader]:
        """A read of rows that also make up this cached value: never behind what the cache may have shown."""
        self.cache.depends_on_more()
        return self.cluster.read_home(id, lambda shard: self._floor(kind, shard, id))

    def beside_on(self, kind: Kind[Any], shard: str, id: Hashable) -> AbstractContextManager[Reader]:
        """The same of a value that each shard has one of."""
        self.cache.depends_on_more()
        return self.cluster.read(shard, self._floor(kind, shard, id))

    def _floor(self, kind: Kind[Any], shard: str, id: Hashable) -> int:
        return self.cache.invalidation.floors(shard).at_least([kind.key(id)])

    def later(self, tx: Transaction, task: str, **args: Any) -> None:
        """Leave a task in the outbox of the shard that is written, in the open transaction."""
        self.outbox.add(tx, tx.shard, task, args)

    # --- through the cache

    def cached(self, kind: Kind[T], shard: str, ids: list[I], query: "Query[I, T]") -> dict[I, T]:
        """Values of one shard through the cache; `query` loads those that are missing, in one go.

        It must do the same for any ids: what several people miss at the same moment is loaded at once.
        """
        return self._through(kind, shard, ids, query, alike=query)

    def _through(self, kind: Kind[T], shard: str, ids: list[I], query: "Query[I, T]", alike: Hashable) -> dict[I, T]:

        def load(missing: list[I], at_least: int) -> tuple[dict[I, T], int]:
            with self.cluster.read(shard, at_least) as reader:
                return query(reader, missing), reader.position

        return self.cache.fetch(kind, shard, ids, load, alike)

    def cached_many(
        self, kind: Kind[T], ids: Iterable[I], query: "Query[I, T]", lives_with: Callable[[I], int]
    ) -> dict[I, T]:
        """The same for values of any shards: one fetch a shard. `lives_with(id)` tells whose shard it is."""
        wanted = list(ids)
        return self.cluster.steadily(lambda: self._fetch(kind, wanted, query, lives_with))

    def _fetch(self, kind: Kind[T], ids: list[I], query: "Query[I, T]", lives_with: Callable[[I], int]) -> dict[I, T]:
        groups: defaultdict[str, list[I]] = defaultdict(list)
        shard_of = self.cluster.shard_of
        for id in ids:
            groups[shard_of(lives_with(id))].append(id)
        if len(groups) == 1:
            return self.cached(kind, *groups.popitem(), query)
        found: dict[I, T] = {}
        for shard, group in groups.items():
            found.update(self.cached(kind, shard, group, query))
        return found

    def cached_home(self, kind: Kind[T], id: int, query: Callable[[Reader], T | None]) -> T | None:
        """One value of what lives with this identifier."""
        return self.cluster.steadily(lambda: self.cached_one(kind, self.home(id), id, query))

    def cached_one(self, kind: Kind[T], shard: str, id: I, query: Callable[[Reader], T | None]) -> T | None:
        """One value through the cache."""

        def of_one(reader: Reader, ids: list[I]) -> dict[I, T]:
            value = query(reader)
            return {} if value is None else {id: value}

        return self._through(kind, shard, [id], of_one, alike=None).get(id)

    def cached_in_directory(self, kind: Kind[T], id: I, query: Callable[[Reader], T | None]) -> T | None:
        """One value of the directory through the cache."""
        return self.cached_one(kind, DIRECTORY, id, query)


def marks(values: Iterable[Any]) -> str:
    """Question marks for `IN (...)`."""
    return ",".join("?" for _ in values)
