"""The relay: hands outbox rows to the queue right after the commit, and sweeps for what was left."""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from minisocial.background.outbox import TABLE, Change, Outbox
from minisocial.background.task_queue import TaskQueue
from minisocial.clock import Clock

PAGE = 500  # rows handed over at once
FRESH_LIMIT = 10_000  # commits remembered; beyond it a sweep finds their rows
SWEEP_SECONDS = 2.0  # between two looks for rows nobody told us of; a look costs one query per shard
RETRY_SECONDS = 0.5  # after a failure of the database or the queue

logger = logging.getLogger("minisocial.background")


class Relay:
    """Feeds the queue from the outbox.

    Two ways lead there. The log names each new row as it is committed: these go first come, first
    served, within milliseconds. And a *sweep* pages through a whole outbox for rows the queue does
    not hold: at start, every few seconds, and whenever the queue was full or too much came at once.
    While a sweep is on, the newly committed wait behind it, so the oldest go first.

    A row is in the queue at most once: the queue knows what it holds. When the queue is full the
    rows wait where they are safe, in the outbox, and the relay sleeps until there is room again.
    """

    def __init__(self, outbox: Outbox, queue: TaskQueue, clock: Clock) -> None:
        self._outbox = outbox
        self._queue = queue
        self._clock = clock
        lock = threading.RLock()  # guards the six below
        self._wake, self._rested = threading.Condition(lock), threading.Condition(lock)
        self._is_at_work = False
        self._fresh: deque[tuple[str, int, int]] = deque()  # shard, id, position
        self._sweeps: dict[str, int] = {}  # shard → the last id looked at
        self.is_stopping = False
        self._is_waiting_for_room = False
        self._next_sweep = 0.0
        self._stepping = threading.Lock()  # guards the order of what is put: one step at a time
        self.relayed = 0
        self.errors = 0
        self.error = ""  # why it can not go on; "" if it can

    def notice(self, changes: Sequence[Change]) -> None:
        """A consumer of the log: remembers the new rows and leaves the work to the relay's thread."""
        added = [
            (change.shard, change.key[0], change.position)
            for change in changes
            if change.table == TABLE and change.op == "I"
        ]
        if not added:
            return
        with self._wake:
            if len(self._fresh) + len(added) <= FRESH_LIMIT:
                self._fresh.extend(added)
            else:
                self._sweeps.setdefault(added[0][0], 0)
            self._wake.notify()

    def sweep(self) -> None:
        """Asks for a look through all outboxes."""
        with self._wake:
            for shard in self._outbox.shards:
                self._sweeps.setdefault(shard, 0)
            self._next_sweep = self._clock.monotonic() + SWEEP_SECONDS
            self._wake.notify()

    def room_made(self) -> None:
        """The queue says that a task was taken from it."""
        if self._is_waiting_for_room and self._has_room():
            with self._wake:
                self._wake.notify()

    def step(self) -> int:
        """Hands over what there is room for, a page of each shard at most; how many tasks."""
        with self._stepping, self._working():
            if self._queue.repair():
                self.sweep()
            with self._wake:
                sweeps = dict(self._sweeps)
            moved = sum(self._sweep_page(shard, after) for shard, after in sweeps.items())
            if not sweeps:
                moved += self._hand_over_fresh()
            self.relayed += moved
            return moved

    def work(self) -> None:
        """One step, and then sleep until there is something to do and room for it."""
        try:
            self.step()
        except Exception as error:  # whatever it is, the relay must go on
            self._note_failure(error)
        else:
            self.error = ""
            self._wait()

    def start(self) -> None:
        """Begins with a look for what an earlier process left."""
        self.is_stopping = False
        self.sweep()

    def stop(self) -> None:
        with self._wake:
            self.is_stopping = True
            self._wake.notify_all()

    @property
    def is_behind(self) -> bool:
        """Whether rows wait in the outbox because the queue is full."""
        return self._has_work() and not self._queue.room

    @property
    def is_idle(self) -> bool:
        """Whether all it was told of is in the queue."""
        return not (self._has_work() or self._is_at_work)

    def wait_until_idle(self, timeout: float) -> bool:
        """Waits until its thread has handed everything over; False if that takes too long."""
        with self._rested:
            return self._rested.wait_for(lambda: self.is_idle, timeout)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """What is taken from the lists in this block is on its way."""
        with self._wake:
            self._is_at_work = True
        try:
            yield
        finally:
            with self._rested:
                self._is_at_work = False
                if self.is_idle:
                    self._rested.notify_all()

    def _sweep_page(self, shard: str, after: int) -> int:
        room = min(PAGE, self._queue.room)
        if not room:
            return 0
        ids = self._outbox.ids_after(shard, after, PAGE)
        new = self._queue.missing(shard, ids)[:room]
        moved = self._queue.put(self._outbox.tasks(shard, new, 0)) if new else 0
        with self._wake:
            if len(new) == room:
                self._sweeps[shard] = new[-1]
            elif len(ids) == PAGE:
                self._sweeps[shard] = ids[-1]
            else:
                self._sweeps.pop(shard, None)
        return moved

    def _hand_over_fresh(self) -> int:
        batch = self._take_fresh(min(PAGE, self._queue.room))
        moved = 0
        try:
            for shard, rows in groupby(batch, lambda row: row[0]):
                moved += self._hand_over(shard, list(rows))
        except BaseException:
            self.sweep()  # what was taken from the list and not put is found again
            raise
        return moved

    def _hand_over(self, shard: str, rows: list[tuple[str, int, int]]) -> int:
        new = self._queue.missing(shard, [id for _, id, _ in rows])
        at_least = max(position for _, _, position in rows)
        return self._queue.put(self._outbox.tasks(shard, new, at_least)) if new else 0

    def _take_fresh(self, limit: int) -> list[tuple[str, int, int]]:
        with self._wake:
            return [self._fresh.popleft() for _ in range(min(limit, len(self._fresh)))]

    def _wait(self) -> None:
        with self._wake:
            self._is_waiting_for_room = self._has_work()
            timeout = min(SWEEP_SECONDS, max(0.0, self._next_sweep - self._clock.monotonic()))
            is_woken = self._wake.wait_for(lambda: self.is_stopping or self._can_work(), timeout)
            self._is_waiting_for_room = False
        if not is_woken:
            self.sweep()

    def _has_work(self) -> bool:
        return bool(self._fresh or self._sweeps)

    def _has_room(self) -> bool:
        """Room for a page, or for half a small queue: not one query per task taken."""
        return self._queue.room >= min(PAGE, (self._queue.limit + 1) // 2)

    def _can_work(self) -> bool:
        return self._has_work() and self._has_room()

    def _note_failure(self, error: Exception) -> None:
        self.errors += 1
        self.error = f"{error}" or type(error).__name__
        logger.warning("the relay could not go on, and tries again: %s: %s", type(error).__name__, error)
        with self._wake:
            self._wake.wait_for(lambda: self.is_stopping, RETRY_SECONDS)
