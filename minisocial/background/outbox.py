"""The outbox: what must still happen because of a write, stored in the write's own transaction.

A row is there as long as its task has not finished: the rows are the truth, and the queue behind
them only says what comes next. A commit that survives brings its tasks with it, and one that does
not leaves none behind.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from minisocial.background.deadline import Deadline
from minisocial.clock import Clock
from minisocial.errors import QueueFull
from minisocial.ids import IdMaker, milliseconds
from minisocial.trace import note, request_id

TABLE = "outbox"
ARGS_LIMIT = 256 << 10  # characters of JSON; a task names rows, it does not carry them


class Transaction(Protocol):
    """An open write block on one shard."""

    def execute(self, sql: str, params: Sequence[Any] = (), /) -> Any: ...


class Reader(Protocol):
    """One copy of a shard at one moment."""

    def rows(self, sql: str, params: Sequence[Any] = (), /) -> list[tuple[Any, ...]]: ...


class Change(Protocol):
    """A changed row, as the log of a shard tells it."""

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


class Store(Protocol):
    """The part of the database this box needs: shards that each hold an `outbox` table."""

    @property
    def names(self) -> Sequence[str]: ...
    def write(self, shard: str) -> AbstractContextManager[Transaction]: ...
    def read(self, shard: str, at_least: int = 0) -> AbstractContextManager[Reader]: ...
    def position(self, shard: str) -> int: ...
    def subscribe(self, consumer: Callable[[Sequence[Change]], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. It may come more than once, so what a handler does must bear repeating."""

    id: int  # of its outbox row
    shard: str  # where that row lies
    name: str
    args: dict[str, Any]
    attempt: int = 1
    request_id: str = ""  # of the request that caused it
    created_ms: int = 0  # when its cause was written
    enqueued_ms: int = 0  # when it went to the queue for this attempt
    deadline: Deadline = field(default_factory=Deadline, repr=False, compare=False)
    _marks: set[str] = field(default_factory=set, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from all others."""
        return self.shard, self.id

    def check(self) -> None:
        """A handler that takes long calls this now and then: it raises OutOfTime when it should stop."""
        self.deadline.check()

    def finish(self, tx: Transaction) -> bool:
        """Takes the task out of the outbox in the handler's own write block, on the task's shard.

        Effect and removal then commit together: an effect guarded by this answer happens exactly
        once, and the task costs one commit less. False if it had been finished before.
        """
        self._marks.add("finished")
        return bool(tx.execute("DELETE FROM outbox WHERE id = ?", (self.id,)).rowcount)

    @property
    def says_finished(self) -> bool:
        """Whether the handler called `finish`; its block may have been undone since."""
        return "finished" in self._marks


class OutboxCount:
    """How many tasks all outboxes hold, kept from the log: asking costs a write nothing.

    A count may be off by what was committed while it was begun; it is begun anew now and then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _of
        self._of: dict[str, int] = {}
        self.total = 0

    def begin(self, shard: str, number: int) -> None:
        with self._lock:
            self._set(shard, number)

    def notice(self, changes: Sequence[Change]) -> None:
        """A consumer of the log."""
        for shard, table, op in ((change.shard, change.table, change.op) for change in changes):
            if table == TABLE and op != "U":
                with self._lock:
                    self._set(shard, self._of.get(shard, 0) + (1 if op == "I" else -1))

    def _set(self, shard: str, number: int) -> None:
        self._of[shard] = max(0, number)
        self.total = sum(self._of.values())


class Outbox:
    """The outbox tables of all shards."""

    def __init__(self, store: Store, clock: Clock, limit: int = 1 << 62) -> None:
        """With `limit` tasks in it, or more, nothing new is taken on."""
        self._store = store
        self._clock = clock
        self._ids: dict[str, IdMaker] = {}
        self.limit = limit
        self.count = OutboxCount()
        self._exempt = threading.local()

    @property
    def shards(self) -> Sequence[str]:
        """All shards with an outbox, also those added since the start."""
        return self._store.names

    def open(self, known: Iterable[tuple[str, int]]) -> None:
        """Sees to it that new rows get identifiers above all that are stored or `known` elsewhere.

        An identifier used again, after the clock was set back, could be taken for the older task:
        one still queued would run twice, one that is dead would have the new one thrown away.
        """
        newest = {shard: self._newest(shard) for shard in self._store.names}
        for shard, id in known:
            newest[shard] = max(newest.get(shard, 0), id)
        self._ids = {shard: IdMaker(0, self._clock, milliseconds(id)) for shard, id in newest.items()}
        self.recount()

    def recount(self) -> None:
        """Learns from the database how many tasks there are: at the start, and now and then, to be sure."""
        for shard in self._store.names:
            with self._store.read(shard, self._store.position(shard)) as reader:
                self.count.begin(shard, reader.rows("SELECT count(*) FROM outbox")[0][0])

    @contextmanager
    def no_limit(self) -> Iterator[None]:
        """In this block and thread the limit does not hold: for tasks, which make the outbox shorter in the end."""
        self._exempt.here = True
        try:
            yield
        finally:
            self._exempt.here = False

    def _check_room(self) -> None:
        if self.count.total >= self.limit and not getattr(self._exempt, "here", False):
            raise QueueFull(
                "So much is still to be done that nothing new can be taken on right now. "
                "Nothing was saved. Please try again in a minute."
            )

    def add(self, tx: Transaction, shard: str, task: str, args: Mapping[str, Any], cause: str = "") -> int:
        """Adds a row in the open write block; its id. `cause`: a request other than the current one.

        Raises QueueFull, which undoes the block: so much is waiting that a promise of more would be empty.
        """
        self._check_room()
        text = json.dumps(args, separators=(",", ":"), allow_nan=False)
        if len(text) > ARGS_LIMIT:
            raise ValueError(f"the arguments of task {task!r} are too long for the outbox")
        id = self._maker(shard).make()
        row = (id, task, text, cause or request_id(), self._clock.milliseconds())
        tx.execute("INSERT INTO outbox (id, task, args, request_id, created_at) VALUES (?, ?, ?, ?, ?)", row)
        note("outbox", task)
        return id

    def ids_after(self, shard: str, id: int, limit: int) -> list[int]:
        """The oldest rows above `id`, as they are now."""
        with self._store.read(shard, self._store.position(shard)) as reader:
            rows = reader.rows("SELECT id FROM outbox WHERE id > ? ORDER BY id LIMIT ?", (id, limit))
        return [row[0] for row in rows]

    def tasks(self, shard: str, ids: Sequence[int], at_least: int = 0) -> list[Task]:
        """The tasks with these ids, in this order; those that are gone are left out."""
        marks = ",".join("?" * len(ids))
        sql = f"SELECT id, task, args, request_id, created_at FROM outbox WHERE id IN ({marks})"
        with self._store.read(shard, at_least) as reader:
            found = {row[0]: row for row in reader.rows(sql, tuple(ids))}
        return [self._task(shard, found[id]) for id in ids if id in found]

    def has(self, task: Task) -> bool:
        """Whether the task is still to be done."""
        with self._store.read(task.shard, self._store.position(task.shard)) as reader:
            return bool(reader.rows("SELECT 1 FROM outbox WHERE id = ?", (task.id,)))

    def is_empty(self) -> bool:
        """Whether nothing is left to do, at this moment."""
        return not any(self._newest(shard) for shard in self._store.names)

    def settle(self, task: Task) -> None:
        """Takes a task out, unless its handler did."""
        if task.says_finished and not self.has(task):
            return
        self.remove(task.shard, [task.id])

    def remove(self, shard: str, ids: Sequence[int]) -> None:
        """Takes these out, together."""
        with self._store.write(shard) as tx:
            tx.execute("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))

    def oldest(self) -> Task | None:
        """The task whose cause lies back furthest, be it waiting, at work or between two attempts."""
        found = list[Task]()
        for shard in self._store.names:
            with self._store.read(shard) as reader:
                rows = reader.rows("SELECT id, task, args, request_id, created_at FROM outbox ORDER BY id LIMIT 1")
            found += [self._task(shard, row) for row in rows]
        return min(found, key=lambda task: task.created_ms, default=None)

    def depth(self, limit: int = 100_000) -> int:
        """How many tasks are not finished; counted up to `limit` per shard."""
        total = 0
        for shard in self._store.names:
            with self._store.read(shard) as reader:
                sql = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)"
                total += reader.rows(sql, (limit,))[0][0]
        return total

    def _maker(self, shard: str) -> IdMaker:
        maker = self._ids.get(shard)  # a shard that was added while it runs has none yet, and no rows
        return maker or self._ids.setdefault(shard, IdMaker(0, self._clock))

    def _newest(self, shard: str) -> int:
        with self._store.read(shard, self._store.position(shard)) as reader:
            return int(reader.rows("SELECT coalesce(max(id), 0) FROM outbox")[0][0])

    def _task(self, shard: str, row: tuple[Any, ...]) -> Task:
        id, name, text, cause, created_ms = row
        now = self._clock.milliseconds()
        created_ms = created_ms if type(created_ms) is int else now
        return Task(id, shard, str(name), arguments(text), 1, str(cause), created_ms, now)


def arguments(text: Any) -> dict[str, Any]:
    """The arguments as stored; a row written by hand may hold anything, and stops nobody else."""
    try:
        args = json.loads(str(text))
    except (ValueError, RecursionError):
        args = None
    return args if isinstance(args, dict) else {"unreadable": str(text)}
