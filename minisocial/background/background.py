"""The box: outbox, relay, queue, workers and dead letters, joined."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial.background.dead_letters import DeadLetter, DeadLetters
from minisocial.background.outbox import Outbox, Store, Transaction
from minisocial.background.relay import Relay
from minisocial.background.schedule import Job, JobState, Schedule, handlers
from minisocial.background.task_queue import TaskQueue
from minisocial.background.worker import Handler, HandlerSpec, Worker, Workers
from minisocial.clock import Clock
from minisocial.errors import MinisocialError, NotFound
from minisocial.trace import Tracer

STOP_SECONDS = 3.0  # for running tasks to finish; what does not is done again after the next start
LOOK_SECONDS = 0.25  # how often `drain` looks whether all is done


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """The queue and what became of its tasks since the start."""

    depth: int
    scheduled: int  # waiting for their next attempt
    running: int
    limit: int
    oldest_ms: int  # how long the oldest task that is due has been there
    done: int
    retried: int
    skipped: int  # came again after they were done
    refused: int  # messages in the file that are not ours
    dead: int  # dead letters now


@dataclass(frozen=True, slots=True)
class OutboxSnapshot:
    """The outbox and its relay."""

    depth: int  # -1 while the database does not answer
    relayed: int
    is_behind: bool  # rows wait because the queue is full
    errors: int


@dataclass(frozen=True, slots=True)
class BackgroundSnapshot:
    """Counters and state of the box."""

    state: str  # stopped, running, paused
    workers: int
    replaced: int
    queue: QueueSnapshot
    outbox: OutboxSnapshot
    jobs: tuple[JobState, ...]


class Background:
    """Does what need not happen before the answer.

    `add` writes a task into the outbox in the caller's own transaction. A relay hands it to the
    queue right after the commit, and a worker runs the handler of its name, oldest first.

    A task of a committed write is run at least once, also when the process is killed at any moment,
    and its effect happens once if the handler bears repeating (or uses `task.finish`).

    A handler that fails is tried again with growing, random pauses, and given up as a dead letter
    that can be looked at and replayed. With the queue full or its file lost, tasks wait in the outbox.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        handlers: Mapping[str, Handler | HandlerSpec] | None = None,
        *,
        workers: int = 2,
        queue_limit: int = 50_000,
        tracer: Tracer,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        """With 0 workers no thread is started, and `step` does everything in the caller's."""
        self._store = store
        self._folder = folder
        self._worker_count = workers
        self._lock = threading.Lock()  # guards _state and who starts or stops
        self._state = "stopped"
        rng = rng or random.Random()  # noqa: S311 - spreads retries; nothing secret
        self._dead = DeadLetters(folder / "dead.db", clock)
        self._outbox = Outbox(store, clock)
        self._worker = Worker(handlers or {}, self._outbox, self._dead, tracer, clock, rng)
        self._queue = TaskQueue(folder / "queue.db", self._worker.deliver, queue_limit, clock)
        self._worker.attach(self._queue)
        self._relay = Relay(self._outbox, self._queue, clock)
        self._schedule = Schedule(store, self._outbox, clock)
        self._queue.on_room = self._relay.room_made
        self._workers: Workers | None = None
        self._thread: threading.Thread | None = None
        store.subscribe(self._relay.notice)

    def handle(self, handlers: Mapping[str, Handler | HandlerSpec]) -> None:
        """Runs these for the tasks of their names: before the start, since a domain needs `add` to be built."""
        self._worker.learn(handlers)

    def schedule(self, jobs: Iterable[Job]) -> None:
        """Does these periodically, each time as a task of its own: before the start."""
        jobs = list(jobs)
        self._schedule.add(jobs)
        self._worker.learn(handlers(jobs))

    def add(self, tx: Transaction, shard: str, task: str, args: Mapping[str, Any]) -> int:
        """Adds a task in the open write block on `shard`; it exists if and only if that commits."""
        if task not in self._worker.handlers:
            raise LookupError(f"there is no handler for tasks named {task!r}")
        return self._outbox.add(tx, shard, task, args)

    def start(self) -> None:
        """Opens the files and begins with what an earlier process left."""
        with self._lock:
            if self._state != "stopped":
                return
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._dead.open()
            self._queue.open()
            self._queue.huey.on_minute = self._schedule.step
            self._outbox.open([*self._queue.keys(), *self._dead.highest()])
            self._relay.start()
            self._start_threads()
            self._state = "running"

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Takes no further task; running ones finish in time, or are done again after the next start."""
        with self._lock:
            if self._state == "stopped":
                return
            self._state = "stopped"
            self._relay.stop()
            self._queue.shut()
            if self._workers is not None and self._thread is not None:
                self._workers.stop_within(seconds)
                self._thread.join(1)  # at most one step away from its end
            self._queue.close()
            self._dead.close()

    def snapshot(self) -> BackgroundSnapshot:
        """Counters and state."""
        workers = self._workers
        return BackgroundSnapshot(
            state=self._state,
            workers=workers.alive() if workers else 0,
            replaced=workers.replaced if workers else 0,
            queue=self._queue_snapshot(),
            outbox=OutboxSnapshot(self._depth(), self._relay.relayed, self._relay.is_behind, self._relay.errors),
            jobs=self._schedule.snapshot(),
        )

    def pause(self) -> None:
        """The workers finish what they have and take nothing more; tasks go on to be queued."""
        self._set_paused(True)

    def resume(self) -> None:
        self._set_paused(False)

    def sweep(self) -> None:
        """Looks through the outboxes for rows the log did not tell of (a bulk load)."""
        self._relay.sweep()

    def look_at_schedule(self) -> int:
        """Leaves a task for each periodic job that is due, as happens once a minute; how many."""
        return self._schedule.step()

    def step(self) -> bool:
        """Relays, and runs the oldest task in the caller's thread; False if there was none."""
        self._relay.step()
        self._queue.move_due()
        return self._queue.run_next()

    def drain(self, timeout: float = 10) -> bool:
        """Waits until nothing is left to do; False if that took too long, or waits for a later attempt."""
        deadline = time.monotonic() + timeout
        while not self._is_drained():
            if time.monotonic() > deadline:
                return False
            if self._workers is not None:
                self._worker.wait_for_progress(LOOK_SECONDS)
            elif not self.step() and self._queue.keys():
                return False
        return True

    def dead(self, limit: int = 100) -> list[DeadLetter]:
        """The newest dead letters."""
        return self._dead.newest(limit)

    def replay(self, shard: str, id: int) -> None:
        """Puts a dead letter's task into the outbox again, to be tried as if for the first time."""
        letter = self._dead.find(shard, id)
        if letter is None:
            raise NotFound("There is no such dead letter any more.")
        with self._store.write(shard) as tx:
            self._outbox.add(tx, shard, letter.name, letter.args, letter.request_id)
        self._dead.remove(shard, id)

    def _start_threads(self) -> None:
        self._workers = Workers(self._queue.huey, self._worker_count) if self._worker_count else None
        if self._workers is not None:
            self._workers.start()
            self._thread = threading.Thread(target=self._run, args=(self._workers,), name="relay", daemon=True)
            self._thread.start()

    def _run(self, workers: Workers) -> None:
        while not self._relay.is_stopping:
            self._relay.work()
            workers.replace_dead()

    def _set_paused(self, is_paused: bool) -> None:
        with self._lock:
            if self._state != "stopped":
                self._queue.pause(is_paused)
                self._state = "paused" if is_paused else "running"

    def _is_drained(self) -> bool:
        if self._queue.keys() or not self._relay.is_idle:
            return False
        is_empty = not self._outbox.depth(1)
        if not is_empty:
            self._relay.sweep()
        return is_empty

    def _depth(self) -> int:
        try:
            return self._outbox.depth()
        except (MinisocialError, sqlite3.Error):
            return -1

    def _queue_snapshot(self) -> QueueSnapshot:
        queue, count = self._queue, self._worker.count
        return QueueSnapshot(
            depth=queue.depth,
            scheduled=queue.scheduled,
            running=len(queue.running),
            limit=queue.limit,
            oldest_ms=queue.oldest_ms(),
            done=count("done"),
            retried=count("retried"),
            skipped=count("skipped"),
            refused=queue.refused,
            dead=self._dead.count(),
        )
