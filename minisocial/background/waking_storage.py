"""Huey's SQLite storage, made to wake its workers at once and to say who is next."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from huey.constants import EmptyData
from huey.storage import SqliteStorage

from minisocial.background.handlers import BATCH, SMALL
from minisocial.background.lanes import Lanes, Place
from minisocial.background.queue_file import DDL, TABLE_TASK, discard_old, is_damage, remove_file

IDLE_SECONDS = 60.0  # a worker with nothing to do looks up this often, in case it was never woken
FOR_EVER = float("inf")
AT_ONCE = 500  # messages moved or parked in one transaction
IN_A_ROW = 20  # small tasks taken one after the other while batch work waits: then it has its turn

NEXT = "select id, data, priority from task where queue = ? and parked = 0 {} order by priority desc, rank, id limit 1"
COUNT = "select priority < 0, count(*) from task where queue = ? and parked = 0 group by 1"


class WakingStorage(SqliteStorage):  # type: ignore[misc]
    """Huey's SQLite storage, whose `dequeue` waits on a condition instead of polling.

    What comes next: small tasks before batch work, within a class the oldest task, whenever it was put
    in. So a task that comes back after a failure or a crash stands where it stood. One whose lane is in
    use is parked until the lane is free. Batch work never has all the workers, and always has its turn.

    Results, locks and revocations are off: nothing here needs them, and they cost two more
    transactions per task.
    """

    _conn: sqlite3.Connection | None  # Huey's only connection to the file; `lock` guards it
    blocking = True  # tells Huey's worker not to sleep, with growing naps up to 10 s, when nothing came
    table_task = TABLE_TASK
    ddl = DDL

    def __init__(
        self,
        name: str,
        filename: str,
        place: Callable[[bytes], Place],
        at_work: Callable[[], Iterable[Place]],
        on_room: Callable[[], None],
    ) -> None:
        """`place` tells where a message stands, `at_work` what has its lane; `on_room`: a message was taken."""
        self.gate = threading.Condition()  # guards all up to is_shut
        self._ready: Counter[int] = Counter()  # messages of each class that may be taken
        self._wakes = 0
        self.is_paused = False
        self.is_shut = False
        self.is_broken = False
        self.error = ""  # what went wrong when the file was last used; "" if nothing did
        self._lanes = Lanes()  # Huey's `lock` guards this and the four below
        self._parked = 0
        self._batches = 0  # batch tasks at work
        self._in_a_row = 0
        self._is_unsure = False  # something failed half-way: what is known of the file may be wrong
        self.batch_limit = 1  # batch tasks at work at once
        self._place, self._at_work, self._on_room = place, at_work, on_room
        self._next_due = FOR_EVER
        discard_old(Path(filename))
        super().__init__(name, filename=filename, strict_fifo=True, journal_mode="wal", cache_mb=2, timeout=5)

    def begin_anew(self) -> None:
        """Learns from the file what is in it, and from the queue what is at work."""
        with self.db(commit=True) as cursor:
            at_work = list(self._at_work())
            cursor.execute("update task set parked = 0 where parked")
            self._lanes.begin_anew(at_work)
            self._parked, self._batches = 0, sum(place.priority == BATCH for place in at_work)
            ready = self._count(cursor)
            self._is_unsure = False
        self._next_due = self._earliest()
        with self.gate:
            self._ready = ready
            self.gate.notify_all()

    @property
    def depth(self) -> int:
        """Messages in the queue, the scheduled ones not counted."""
        return max(0, self._ready.total() + self._parked)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        self.enqueue_all([data])

    def enqueue_all(self, batch: Sequence[bytes]) -> None:
        """Adds messages in one transaction and wakes as many workers."""
        with self.db(commit=True) as cursor:
            counts = self._insert(cursor, batch)
        self._announce(counts)

    def enqueued_items(self, limit: int | None = None) -> list[bytes]:
        """The messages, the oldest tasks first."""
        sql = "select data from task where queue = ? order by rank, id limit ?"
        return [data for (data,) in self.sql(sql, (self.name, -1 if limit is None else limit), results=True)]

    def dequeue(self) -> bytes | None:
        """Takes the message that is next; waits for one. None when woken for another reason."""
        with self.gate:
            wakes = self._wakes
            self.gate.wait_for(lambda: self.is_shut or self._wakes != wakes or self._has_next(), IDLE_SECONDS)
            if self.is_shut or not self._has_next():
                return None
        return self.take()

    def take(self) -> bytes | None:
        """Takes the message that is next, also while paused, without waiting."""
        if self._is_unsure:
            self.begin_anew()
        try:
            with self.db(commit=True) as cursor:
                data, passed = self._take(cursor)
                with self.gate:
                    self._ready.subtract(passed)
        except BaseException:
            self._is_unsure = True
            raise
        if data is not None:
            self._on_room()
        return data

    def done(self, place: Place, keeps_lane: bool = False) -> None:
        """An attempt is over. Unless the next one is waited for, the next task of the lane may come."""
        freed: Counter[int] = Counter()
        try:
            with self.lock:
                self._batches -= place.priority == BATCH
                is_awaited = not keeps_lane and self._lanes.is_awaited(place)
                if not keeps_lane and not is_awaited:
                    self._lanes.leave(place)
            if is_awaited:  # left and freed in one: else one that comes now could overtake those that wait
                with self.db(commit=True) as cursor:
                    self._lanes.leave(place)
                    freed = self._unpark(cursor, str(place.lane))
        except sqlite3.Error:
            self._is_unsure = True  # the next look at the file brings them back
        self._announce(freed, at_least=1)

    def add_to_schedule(self, data: bytes, ts: datetime) -> None:
        super().add_to_schedule(data, ts)
        with self.gate:
            self._next_due = min(self._next_due, ts.timestamp())

    def read_schedule(self, ts: datetime) -> list[bytes]:
        """Moves what is due from the schedule into the queue, a few hundred in one transaction.

        Huey would take the messages out first and enqueue them one by one afterwards; a crash in
        between forgets how often they were tried. So nothing is left for the caller to enqueue.
        """
        while ts.timestamp() >= self._next_due:  # usually not: once a second, not even a look at the file
            with self.db(commit=True) as cursor:
                due = cursor.execute(_DUE, (self.name, ts.timestamp(), AT_ONCE)).fetchall()
                counts = self._insert(cursor, [bytes(data) for _, data in due])
                cursor.executemany("delete from schedule where id = ?", [(id,) for id, _ in due])
            earliest = self._earliest()
            with self.gate:
                self._next_due = earliest
            self._announce(counts)
        return []

    def peek_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        return {}

    def pop_data(self, key: str) -> Any:
        return EmptyData

    def put_data(self, key: str, value: bytes, is_result: bool = False) -> None:
        raise NotImplementedError("this queue keeps no results")

    def pause(self, is_paused: bool) -> None:
        """Lets no worker take anything, or lets them again."""
        with self.gate:
            self.is_paused = is_paused
            self.gate.notify_all()

    def wake(self) -> None:
        """Has every waiting worker look up."""
        with self.gate:
            self._wakes += 1
            self.gate.notify_all()

    def shut(self) -> None:
        """Sends every waiting worker home."""
        with self.gate:
            self.is_shut = True
            self.gate.notify_all()

    def rebuild(self) -> None:
        """Throws the file away and begins an empty one."""
        with self.lock:
            if self._conn is not None:
                self._conn.close()
            self._conn = None
            remove_file(Path(self.filename))
        self.initialize_schema()
        self.is_broken = False
        self.begin_anew()

    @contextmanager
    def db(self, commit: bool = False, close: bool = False) -> Any:
        try:
            with super().db(commit, close) as cursor:
                yield cursor
        except sqlite3.Error as error:
            self.error = str(error)
            self.is_broken = self.is_broken or is_damage(error)
            raise
        self.error = ""

    def _create_connection(self) -> sqlite3.Connection:
        if self.is_shut:
            raise sqlite3.ProgrammingError("the queue is closed")
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("pragma synchronous = normal")
        return connection

    def _has_next(self) -> bool:
        if self.is_paused:
            return False
        return self._ready[SMALL] > 0 or (self._ready[BATCH] > 0 and self._batches < self.batch_limit)

    def _take(self, cursor: sqlite3.Cursor) -> tuple[bytes | None, Counter[int]]:
        """The next message whose lane is free; also, how many of each class are not ready any more."""
        passed: Counter[int] = Counter()
        for _ in range(AT_ONCE):
            row = self._next(cursor)
            if row is None:  # were more announced than there are, workers would look again and again
                return None, self._ready - self._count(cursor)
            id, data, priority = row
            place = self._place(bytes(data))
            passed[BATCH if priority < 0 else SMALL] += 1
            if self._lanes.enter(place):
                cursor.execute("delete from task where id = ?", (id,))
                self._batches += place.priority == BATCH
                self._in_a_row = 0 if place.priority == BATCH else self._in_a_row + 1
                return bytes(data), passed
            cursor.execute("update task set parked = 1, lane = ? where id = ?", (place.lane, id))
            self._lanes.parked[str(place.lane)] += 1
            self._parked += 1
        return None, passed

    def _next(self, cursor: sqlite3.Cursor) -> tuple[int, bytes, float] | None:
        """Small tasks first, but not for ever; and no batch work while enough of it is at work."""
        ways = ["and priority >= 0"] if self._batches >= self.batch_limit else [""]
        if self._in_a_row >= IN_A_ROW and self._batches < self.batch_limit:
            ways.insert(0, "and priority < 0")
        found = (cursor.execute(NEXT.format(way), (self.name,)).fetchone() for way in ways)
        return next((row for row in found if row), None)

    def _insert(self, cursor: sqlite3.Cursor, batch: Sequence[bytes]) -> Counter[int]:
        places = [self._place(data) for data in batch]
        cursor.executemany(
            "insert into task (queue, data, priority, rank) values (?, ?, ?, ?)",
            [(self.name, data, place.priority, place.rank) for data, place in zip(batch, places, strict=True)],
        )
        return Counter(place.priority for place in places)

    def _unpark(self, cursor: sqlite3.Cursor, lane: str) -> Counter[int]:
        rows = cursor.execute("select priority from task where lane = ? and parked", (lane,)).fetchall()
        cursor.execute("update task set parked = 0 where lane = ? and parked", (lane,))
        freed = Counter(BATCH if priority < 0 else SMALL for (priority,) in rows)
        self._parked -= freed.total()
        return freed

    def _count(self, cursor: sqlite3.Cursor) -> Counter[int]:
        rows = cursor.execute(COUNT, (self.name,)).fetchall()
        return Counter({BATCH if is_batch else SMALL: number for is_batch, number in rows})

    def _earliest(self) -> float:
        rows = self.sql("select min(timestamp) from schedule where queue = ?", (self.name,), results=True)
        return FOR_EVER if rows[0][0] is None else float(rows[0][0])

    def _announce(self, counts: Counter[int], at_least: int = 0) -> None:
        with self.gate:
            self._ready.update(counts)
            self.gate.notify(max(at_least, counts.total()))


_DUE = "select id, data from schedule where queue = ? and timestamp <= ? order by timestamp, id limit ?"
