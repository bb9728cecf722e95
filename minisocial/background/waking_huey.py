"""Huey on SQLite, made to wake its workers at once, to keep strict order and to run nobody's pickle."""

import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from huey.api import Huey
from huey.constants import EmptyData
from huey.exceptions import HueyException
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

from minisocial.clock import Clock

IDLE_SECONDS = 60.0  # a worker with nothing to do looks up this often, in case it was never woken
FIELDS = ("id", "shard", "name", "args", "attempt", "request_id", "created_ms", "enqueued_ms")
TYPES = (int, str, str, dict, int, str, int, int)
UNREADABLE = (ValueError, TypeError, OverflowError, OSError, HueyException)  # what a message that is not ours raises
FOR_EVER = float("inf")


class JsonMessages(Serializer):  # type: ignore[misc]
    """Messages as JSON: what is read from the file cannot run code, and people can read it."""

    def _serialize(self, message: Message) -> bytes:
        due = message.eta.timestamp() if message.eta else None
        (task,) = message.args
        text = json.dumps({"message": message.id, "run": message.name, "due": due, "task": task})
        return text.encode()

    def _deserialize(self, data: bytes) -> Message:
        fields = json.loads(bytes(data))
        if not isinstance(fields, dict) or set(fields) != {"message", "run", "due", "task"}:
            raise ValueError("not a message of this queue")
        task = fields["task"]
        if not isinstance(task, dict) or tuple(task) != FIELDS:
            raise ValueError("not a task of this queue")
        if not all(type(value) is kind for value, kind in zip(task.values(), TYPES, strict=True)):
            raise ValueError("a task with fields of the wrong type")
        due = datetime.fromtimestamp(fields["due"], timezone.utc) if fields["due"] is not None else None
        return Message(str(fields["message"]), str(fields["run"]), due, args=(task,))


class WakingStorage(SqliteStorage):  # type: ignore[misc]
    """Huey's SQLite storage, whose `dequeue` waits on a condition instead of polling.

    Results, locks and revocations are off: nothing here needs them, and they cost two more
    transactions per task.
    """

    _conn: sqlite3.Connection | None  # Huey's only connection to the file; its `lock` guards it
    blocking = True  # tells Huey's worker not to sleep, with growing naps up to 10 s, when nothing came

    def __init__(self, name: str, filename: str, on_room: Callable[[], None]) -> None:
        self.gate = threading.Condition()  # guards ready, is_paused, is_shut
        self.ready = 0  # messages in the queue, the scheduled ones not counted
        self.is_paused = False
        self.is_shut = False
        self.is_broken = False
        self._on_room = on_room
        self._next_due = FOR_EVER
        super().__init__(name, filename=filename, strict_fifo=True, journal_mode="wal", cache_mb=2, timeout=5)
        self.count()

    def count(self) -> None:
        """Learns from the file what is in it."""
        ready, due = self.queue_size(), self._earliest()
        with self.gate:
            self.ready, self._next_due = ready, due

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        self.enqueue_all([data])

    def enqueue_all(self, batch: Sequence[bytes]) -> None:
        """Adds messages in one transaction and wakes as many workers."""
        with self.db(commit=True) as cursor:
            cursor.executemany("insert into task (queue, data) values (?, ?)", [(self.name, data) for data in batch])
        self._announce(len(batch))

    def dequeue(self) -> bytes | None:
        """Takes the oldest message; waits for one. None when woken for another reason."""
        with self.gate:
            self.gate.wait_for(lambda: self.is_shut or (self.ready > 0 and not self.is_paused), IDLE_SECONDS)
            if self.is_shut or self.is_paused or not self.ready:
                return None
            self.ready -= 1
        return self._take()

    def take(self) -> bytes | None:
        """Takes the oldest message, also while paused, without waiting."""
        with self.gate:
            if not self.ready:
                return None
            self.ready -= 1
        return self._take()

    def add_to_schedule(self, data: bytes, ts: datetime) -> None:
        super().add_to_schedule(data, ts)
        with self.gate:
            self._next_due = min(self._next_due, ts.timestamp())

    def read_schedule(self, ts: datetime) -> list[bytes]:
        """Moves what is due from the schedule into the queue, in one transaction.

        Huey would take the messages out first and enqueue them one by one afterwards; a crash in
        between forgets how often they were tried. So nothing is left for the caller to enqueue.
        """
        if ts.timestamp() < self._next_due:
            return []  # the usual case, once a second: not even a look at the file
        due = (self.name, ts.timestamp())
        with self.db(commit=True) as cursor:
            cursor.execute(
                "insert into task (queue, data) select queue, data from schedule"
                " where queue = ? and timestamp <= ? order by timestamp, id",
                due,
            )
            moved = cursor.rowcount
            cursor.execute("delete from schedule where queue = ? and timestamp <= ?", due)
        earliest = self._earliest()
        with self.gate:
            self._next_due = earliest
        self._announce(moved)
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
        self.count()

    @contextmanager
    def db(self, commit: bool = False, close: bool = False) -> Any:
        try:
            with super().db(commit, close) as cursor:
                yield cursor
        except sqlite3.OperationalError:
            raise  # busy, full, input/output: the file itself may be sound
        except sqlite3.DatabaseError:
            self.is_broken = True
            raise

    def _create_connection(self) -> sqlite3.Connection:
        if self.is_shut:
            raise sqlite3.ProgrammingError("the queue is closed")
        connection = super()._create_connection()
        connection.execute("pragma synchronous = normal")
        return cast(sqlite3.Connection, connection)

    def _take(self) -> bytes | None:
        try:
            data = super().dequeue()
        except sqlite3.Error:
            self._announce(1)
            raise
        self._on_room()
        return cast("bytes | None", data)

    def _earliest(self) -> float:
        rows = self.sql("select min(timestamp) from schedule where queue = ?", (self.name,), results=True)
        return FOR_EVER if rows[0][0] is None else float(rows[0][0])

    def _announce(self, messages: int) -> None:
        with self.gate:
            self.ready += messages
            self.gate.notify(messages)


class TaskHuey(Huey):  # type: ignore[misc]
    """Huey by our clock. Times know their zone: Huey's own are naive and jump with daylight saving."""

    def __init__(self, storage: Callable[..., WakingStorage], clock: Clock) -> None:
        self.clock = clock
        self.refused = 0
        self.on_minute: Callable[[], object] = lambda: None
        super().__init__("minisocial", results=False, serializer=JsonMessages(), storage_class=storage)

    def _get_timestamp(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), timezone.utc)

    def read_periodic(self, timestamp: datetime | None) -> list[Any]:
        """Huey's scheduler asks once a minute what is due: it goes by way of the outbox, as everything does."""
        self.on_minute()
        return []

    def deserialize_task(self, data: bytes) -> Any:
        try:
            return super().deserialize_task(data)
        except UNREADABLE:
            self.refused += 1  # its outbox row brings it again
            raise


def remove_file(file: Path) -> None:
    """Deletes a SQLite file with what belongs to it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
