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
        """A write on the shard of this identifier."""
        return self.cluster.write(self.cluster.shard_of(id))

    def read(self, id: int) -> AbstractContextManager[Reader]:
        """A read on the shard of this identifier, as fresh as the person reading has seen."""
        self.cache.depends_on_more()
        return self.cluster.read(self.cluster.shard_of(id))

    def fresh(self, shard: str) -> AbstractContextManager[Reader]:
        """A read that misses no commit made before it: for tasks, which must see what caused them."""
        self.cache.depends_on_more()
        return self.cluster.read(shard, self.cluster.position(shard))

    def beside(self, kind: Kind[Any], shard: str, id: Hashable) -> AbstractContextManager[Reader]:
        """A read of rows that also make up this cached value: never behind what the cache may have shown."""
        self.cache.depends_on_more()
        return self.cluster.read(shard, self.cache.invalidation.floors(shard).at_least([kind.key(id)]))

    def later(self, tx: Transaction, id: int, task: str, **args: Any) -> None:
        """Leave a task in the outbox of this identifier's shard, in the open transaction."""
        self.outbox.add(tx, self.cluster.shard_of(id), task, args)

    def cached(self, kind: Kind[T], shard: str, ids: list[I], query: "Query[I, T]") -> dict[I, T]:
        """Values of one shard through the cache; `query` loads those that are missing, in one go."""

        def load(missing: list[I], at_least: int) -> tuple[dict[I, T], int]:
            with self.cluster.read(shard, at_least) as reader:
                return query(reader, missing), reader.position

        return self.cache.fetch(kind, shard, ids, load)

    def cached_many(
        self, kind: Kind[T], ids: Iterable[I], query: "Query[I, T]", lives_with: Callable[[I], int]
    ) -> dict[I, T]:
        """The same for values of any shards: one fetch a shard. `lives_with(id)` tells whose shard it is."""
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

    def cached_one(self, kind: Kind[T], shard: str, id: I, query: Callable[[Reader], T | None]) -> T | None:
        """One value through the cache."""

        def of_one(reader: Reader, ids: list[I]) -> dict[I, T]:
            value = query(reader)
            return {} if value is None else {id: value}

        return self.cached(kind, shard, [id], of_one).get(id)

    def cached_in_directory(self, kind: Kind[T], id: I, query: Callable[[Reader], T | None]) -> T | None:
        """One value of the directory through the cache."""
        return self.cached_one(kind, DIRECTORY, id, query)


def marks(values: Iterable[Any]) -> str:
    """Question marks for `IN (...)`."""
    return ",".join("?" for _ in values)
