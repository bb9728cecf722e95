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
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from minisocial.background.deadline import Deadline
from minisocial.background.handlers import BATCH, SMALL, Handlers
from minisocial.background.lanes import Place
from minisocial.background.outbox import Task
from minisocial.background.queue_file import remove_file
from minisocial.background.waking_huey import FIELDS, UNREADABLE, JsonMessages, TaskHuey
from minisocial.background.waking_storage import WakingStorage
from minisocial.clock import Clock

logger = logging.getLogger("minisocial.background")


@dataclass(frozen=True, slots=True)
class Running:
    """A task that a worker is at."""

    task: Task
    place: Place
    thread: threading.Thread


class TaskQueue:
    """Tasks waiting for a worker, and those that wait for their next attempt.

    Small tasks go before batch work, and in each of these classes the oldest first. Tasks of one lane
    (see `HandlerSpec.order`) are done one after the other, whatever the number of workers.

    Bounded: `put` takes no more than there is `room` for. Each task is in it at most once, from the
    moment it is put until it is forgotten, also while it runs.

    When the file is damaged it is replaced by an empty one; the caller's sweep fills it again.
    """

    def __init__(
        self, file: Path, deliver: Callable[[Task], None], limit: int, clock: Clock, handlers: Handlers | None = None
    ) -> None:
        """`handlers` tell the class and the lane of a task, and how long it may take."""
        self._file = file
        self._deliver = deliver
        self._handlers = handlers or Handlers({})
        self.limit = limit
        self._clock = clock
        self._messages = JsonMessages()
        self._is_open = False
        self.on_room: Callable[[], None] = lambda: None
        self.lost = 0  # tasks whose number of attempts could not be kept
        self._lock = threading.Lock()  # guards the four below
        self._emptied = threading.Condition(self._lock)  # notified when it holds nothing any more
        self._held: set[tuple[str, int]] = set()
        self._running: dict[tuple[str, int], Running] = {}
        self._abandoned: dict[tuple[str, int], Running] = {}
        self._waited_for: dict[tuple[str, int], Place] = {}  # tasks whose lane waits for their next attempt

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

    def wait_until_empty(self, timeout: float) -> bool:
        """Waits until it holds no task; False if that takes too long."""
        with self._lock:
            return self._emptied.wait_for(lambda: not self._held, timeout)

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
        self._wait_for(task, attempt)
        due = self._clock.time() + seconds
        again = replace(task, attempt=attempt, enqueued_ms=int(due * 1000), _marks=set())
        try:
            self.huey.add_schedule(self._call(again, datetime.fromtimestamp(due, timezone.utc)))
        except sqlite3.Error:
            self.lost += 1
            self._let_go([task])

    def _wait_for(self, task: Task, attempt: int) -> None:
        spec = self._handlers.spec(task.name)
        with self._lock:
            if task.key not in self._abandoned and spec.lane(task) and spec.is_waited_for(attempt):
                self._waited_for[task.key] = self._place(task)

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
        with self._lock:
            self._held = {*self._running, *self._abandoned}
            self._waited_for.clear()
        self._storage.rebuild()
        return True

    @property
    def depth(self) -> int:
        """Tasks that are due and that no worker has taken yet."""
        return self._storage.depth if self._is_open else 0

    @property
    def scheduled(self) -> int:
        """Tasks that wait for their next attempt."""
        with self._lock:
            return max(0, len(self._held) - len(self._running) - len(self._abandoned) - self.depth)

    @property
    def refused(self) -> int:
        """Messages in the file that were not ours."""
        return self.huey.refused if self._is_open else 0

    @property
    def running(self) -> list[Running]:
        """Tasks that a worker is at, but for the abandoned ones."""
        with self._lock:
            return list(self._running.values())

    @property
    def abandoned(self) -> list[Running]:
        """Tasks whose thread does not obey."""
        with self._lock:
            return list(self._abandoned.values())

    @property
    def error(self) -> str:
        """What went wrong when the file was last used."""
        return self._storage.error if self._is_open else ""

    def abandon(self, running: Running) -> None:
        """A task that does not stop holds up nobody any more. It is not begun a second time while it still runs."""
        with self._lock:
            if self._running.pop(running.task.key, None) is None:
                return
            self._abandoned[running.task.key] = running
        self._storage.done(running.place)

    def allow_batches(self, number: int) -> None:
        """How many batch tasks may be at work at once."""
        self._storage.batch_limit = number

    def wake(self) -> None:
        """Has every waiting worker look up."""
        self._storage.wake()

    def oldest_ms(self) -> int:
        """How long the oldest task that is due has been waiting or running."""
        if not self._is_open:
            return 0
        since = [running.task.enqueued_ms for running in self.running]
        with suppress(sqlite3.Error):
            since += [as_task(call.args[0]).enqueued_ms for call in self.huey.pending(1)]
        return max(0, self._clock.milliseconds() - min(since)) if since else 0

    def _load(self) -> None:
        self.huey = TaskHuey(self._make_storage, self._messages, self._clock)
        self._storage: WakingStorage = self.huey.storage
        self._call_class = self.huey.task(name="deliver")(self._run).task_class
        pending, scheduled = (
            [as_task(call.args[0]) for call in calls] for calls in (self.huey.pending(), self.huey.scheduled())
        )
        with self._lock:
            self._held = {task.key for task in (*pending, *scheduled)}
        for task in (*pending, *scheduled):
            self._wait_for(task, task.attempt)
        self._storage.begin_anew()
        self._is_open = True

    def _make_storage(self, name: str) -> WakingStorage:
        return WakingStorage(name, str(self._file), self._place_of_message, self._at_work, self.on_room)

    def _place_of_message(self, data: bytes) -> Place:
        """Where it stands; a message that is not ours stands at the front, to be refused."""
        try:
            return self._place(as_task(self._messages.deserialize(data).args[0]))
        except UNREADABLE:
            return Place()

    def _place(self, task: Task) -> Place:
        spec = self._handlers.spec(task.name)
        return Place(f"{task.shard}:{task.id}", BATCH if spec.is_batch else SMALL, task.id, spec.lane(task))

    def _at_work(self) -> list[Place]:
        with self._lock:
            return [running.place for running in self._running.values()] + list(self._waited_for.values())

    def _run(self, fields: dict[str, Any]) -> None:
        task = Task(**fields, deadline=Deadline(self._clock, self._handlers.spec(fields["name"]).deadline_seconds))
        running = Running(task, self._place(task), threading.current_thread())
        with self._lock:
            self._running[task.key] = running
            self._waited_for.pop(task.key, None)
        try:
            self._deliver(task)
        finally:
            self._end(running)

    def _end(self, running: Running) -> None:
        key = running.task.key
        with self._lock:
            self._abandoned.pop(key, None)
            was_running = self._running.pop(key, None) is not None
            keeps_lane = key in self._waited_for
        if was_running:
            self._storage.done(running.place, keeps_lane)

    def _message(self, task: Task) -> bytes:
        return cast(bytes, self.huey.serialize_task(self._call(task)))

    def _call(self, task: Task, due: datetime | None = None) -> Any:
        fields = {name: getattr(task, name) for name in FIELDS}
        return self._call_class(args=(fields,), id=f"{task.shard}:{task.id}:{task.attempt}", eta=due)

    def _let_go(self, tasks: Sequence[Task]) -> None:
        with self._lock:
            self._held.difference_update(task.key for task in tasks)
            for task in tasks:
                self._waited_for.pop(task.key, None)
            if not self._held:
                self._emptied.notify_all()


def as_task(fields: dict[str, Any]) -> Task:
    """A task from its fields in a message."""
    return Task(**fields)
