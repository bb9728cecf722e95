"""The queue: Huey on a SQLite file of its own, made to wake at once and to run nobody's pickle.

The file may be lost at any time: every task in it still has its outbox row, and the relay's sweep
hands it over again. So it is written with `synchronous=NORMAL`: no wait for the disk per task, and
yet no power cut can leave it corrupt (as OFF could). What a survivor saves is the number of
attempts and the time of the next one, which the outbox does not hold.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from minisocial.background.outbox import Task
from minisocial.background.waking_huey import FIELDS, UNREADABLE, TaskHuey, WakingStorage, remove_file
from minisocial.clock import Clock

logger = logging.getLogger("minisocial.background")


class TaskQueue:
    """Tasks waiting for a worker, oldest first, and those that wait for their next attempt.

    Bounded: `put` takes no more than there is `room` for. Each task is in it at most once, from the
    moment it is put until it is forgotten, also while it runs.

    When the file is damaged it is replaced by an empty one; the caller's sweep fills it again.
    """

    def __init__(self, file: Path, deliver: Callable[[Task], None], limit: int, clock: Clock) -> None:
        self._file = file
        self._deliver = deliver
        self.limit = limit
        self._clock = clock
        self._is_open = False
        self.on_room: Callable[[], None] = lambda: None
        self.lost = 0  # tasks whose number of attempts could not be kept
        self._lock = threading.Lock()  # guards _held and _running
        self._held: set[tuple[str, int]] = set()
        self._running: dict[tuple[str, int], Task] = {}

    def open(self) -> None:
        """Opens the file, or begins a new one, and learns which tasks are in it."""
        try:
            self._load()
        except sqlite3.OperationalError:
            raise  # no permission, no space, another process: nothing that a new file would cure
        except sqlite3.DatabaseError as error:
            logger.warning("the task queue's file is damaged (%s): it is begun anew from the outbox", error)
            remove_file(self._file)
            self._load()

    def close(self) -> None:
        self._is_open = False
        self._storage.shut()
        self._storage.close()

    def keys(self) -> set[tuple[str, int]]:
        """Shard and id of every task in it."""
        with self._lock:
            return set(self._held)

    @property
    def room(self) -> int:
        """How many more tasks it takes."""
        return max(0, self.limit - self.depth)

    def missing(self, shard: str, ids: Iterable[int]) -> list[int]:
        """Those of the ids that it does not hold."""
        with self._lock:
            return [id for id in ids if (shard, id) not in self._held]

    def put(self, tasks: Sequence[Task]) -> int:
        """Adds tasks in this order, except those it holds; how many."""
        with self._lock:
            new = [task for task in tasks if task.key not in self._held]
            self._held.update(task.key for task in new)
        try:
            self._storage.enqueue_all([self._message(task) for task in new])
        except BaseException:
            self._let_go(new)
            raise
        return len(new)

    def put_off(self, task: Task, seconds: float, attempt: int) -> None:
        """Schedules the next attempt. If even that cannot be stored, the sweep begins again at the first."""
        due = self._clock.time() + seconds
        again = replace(task, attempt=attempt, enqueued_ms=int(due * 1000), _marks=set())
        try:
            self.huey.add_schedule(self._call(again, datetime.fromtimestamp(due, timezone.utc)))
        except sqlite3.Error:
            self.lost += 1
            self._let_go([task])

    def forget(self, task: Task) -> None:
        """The task is done with."""
        self._let_go([task])

    def move_due(self) -> None:
        """Puts the scheduled attempts whose time has come into the queue."""
        self.huey.read_schedule()

    def run_next(self) -> bool:
        """Runs the oldest task in the caller's thread; False if there is none."""
        data = self._storage.take()
        if data is None:
            return False
        with suppress(*UNREADABLE):  # counted as refused
            self.huey.execute(self.huey.deserialize_task(data))
        return True

    def pause(self, is_paused: bool) -> None:
        self._storage.pause(is_paused)

    def shut(self) -> None:
        """Hands out nothing any more."""
        self._storage.shut()

    def repair(self) -> bool:
        """Replaces a damaged file by an empty one; True if it had to."""
        if not self._storage.is_broken:
            return False
        logger.warning("the task queue's file was damaged: it is begun anew from the outbox")
        self._storage.rebuild()
        with self._lock:
            self._held = set(self._running)
        return True

    @property
    def depth(self) -> int:
        """Tasks that are due and that no worker has taken yet."""
        return self._storage.ready if self._is_open else 0

    @property
    def scheduled(self) -> int:
        """Tasks that wait for their next attempt."""
        with self._lock:
            return max(0, len(self._held) - len(self._running) - self.depth)

    @property
    def refused(self) -> int:
        """Messages in the file that were not ours."""
        return self.huey.refused if self._is_open else 0

    @property
    def running(self) -> list[Task]:
        """Tasks that a worker is at."""
        with self._lock:
            return list(self._running.values())

    def oldest_ms(self) -> int:
        """How long the oldest task that is due has been waiting or running."""
        if not self._is_open:
            return 0
        since = [task.enqueued_ms for task in self.running]
        with suppress(sqlite3.Error):
            since += [as_task(call.args[0]).enqueued_ms for call in self.huey.pending(1)]
        return max(0, self._clock.milliseconds() - min(since)) if since else 0

    def _load(self) -> None:
        self.huey = TaskHuey(lambda name: WakingStorage(name, str(self._file), self.on_room), self._clock)
        self._storage: WakingStorage = self.huey.storage
        self._call_class = self.huey.task(name="deliver")(self._run).task_class
        calls = [*self.huey.pending(), *self.huey.scheduled()]
        with self._lock:
            self._held = {as_task(call.args[0]).key for call in calls}
        self._is_open = True

    def _run(self, fields: dict[str, Any]) -> None:
        task = as_task(fields)
        with self._lock:
            self._running[task.key] = task
        try:
            self._deliver(task)
        finally:
            with self._lock:
                self._running.pop(task.key, None)

    def _message(self, task: Task) -> bytes:
        return cast(bytes, self.huey.serialize_task(self._call(task)))

    def _call(self, task: Task, due: datetime | None = None) -> Any:
        fields = {name: getattr(task, name) for name in FIELDS}
        return self._call_class(args=(fields,), id=f"{task.shard}:{task.id}:{task.attempt}", eta=due)

    def _let_go(self, tasks: Sequence[Task]) -> None:
        with self._lock:
            self._held.difference_update(task.key for task in tasks)


def as_task(fields: dict[str, Any]) -> Task:
    """A task from its fields in a message."""
    return Task(**fields)
