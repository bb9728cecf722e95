"""The box: outbox, relay, queue, workers and dead letters, joined."""

import logging
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minisocial.background.dead_letters import DeadLetter, DeadLetters
from minisocial.background.handlers import Handler, Handlers, HandlerSpec
from minisocial.background.observer import Observer
from minisocial.background.outbox import Change, Outbox, Store, Transaction
from minisocial.background.relay import Relay
from minisocial.background.schedule import Job, Schedule
from minisocial.background.snapshots import BackgroundSnapshot
from minisocial.background.task_queue import TaskQueue
from minisocial.background.worker import Worker
from minisocial.background.workers import MOST, Workers
from minisocial.clock import Clock
from minisocial.errors import NotFound, Refused
from minisocial.trace import Tracer

logger = logging.getLogger("minisocial.background")

STOP_SECONDS = 3.0  # for running tasks to finish; what does not is done again after the next start
LOOK_SECONDS = 0.25  # after which `drain` looks again whether all is done, if nobody tells it
COUNT_SECONDS = 60.0  # how often the outbox is counted anew
AT_ONCE = 200  # dead letters replayed in one go


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
        outbox_limit: int = 200_000,
        tracer: Tracer,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        """With 0 workers no thread is started, and `step` does everything in the caller's."""
        self._store = store
        self._folder = folder
        self._worker_count = workers
        self._lock = threading.RLock()  # guards _state and who starts, stops or changes the workers
        self._state = "stopped"
        rng = rng or random.Random()  # noqa: S311 - spreads retries; nothing secret
        self._dead = DeadLetters(folder / "dead.db", clock)
        self._outbox = Outbox(store, clock, outbox_limit)
        self._handlers = Handlers(handlers or {})
        self._worker = Worker(self._handlers, self._outbox, self._dead, tracer, clock, rng)
        self._queue = TaskQueue(folder / "queue.db", self._worker.deliver, queue_limit, clock, self._handlers)
        self._worker.attach(self._queue)
        self._relay = Relay(self._outbox, self._queue, clock)
        self._schedule = Schedule(store, self._outbox, clock)
        self._queue.on_room = self._relay.room_made
        self._workers: Workers | None = None
        self._thread: threading.Thread | None = None
        self._replaying = threading.Lock()  # held by who takes dead letters out: one at a time
        self._next_count = 0.0
        self._clock = clock
        self._observer = Observer(self._outbox, self._relay, self._queue, self._worker, self._dead, clock)
        store.subscribe(self._notice)

    def handle(self, handlers: Mapping[str, Handler | HandlerSpec]) -> None:
        """Runs these for the tasks of their names: before the start, since a domain needs `add` to be built."""
        self._handlers.learn(handlers)

    def schedule(self, jobs: Iterable[Job]) -> None:
        """Does these periodically, each time as a task of its own: before the start."""
        jobs = list(jobs)
        self._schedule.add(jobs)
        self._handlers.learn(self._schedule.handlers(jobs))

    def begin_job(self, name: str) -> None:
        """Has a job done now, whenever it is due; raises NotFound, or Refused while it is at work."""
        self._schedule.begin(name)

    def is_job_done(self, name: str) -> bool:
        """Whether no task of a job is left to do."""
        return self._schedule.is_done(name)

    def add(self, tx: Transaction, shard: str, task: str, args: Mapping[str, Any]) -> int:
        """Adds a task in the open write block on `shard`; it exists if and only if that commits."""
        if task not in self._handlers:
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
            self._worker.flush()
            self._queue.close()
            self._dead.close()

    def snapshot(self) -> BackgroundSnapshot:
        """Counters and state."""
        return BackgroundSnapshot(
            workers=self._observer.workers(self._state, self._worker_count, self._workers),
            queue=self._observer.queue(),
            outbox=self._observer.outbox(),
            jobs=self._schedule.snapshot(),
        )

    def pause(self) -> None:
        """The workers finish what they have and take nothing more; tasks go on to be queued."""
        self._set_paused(True)

    def resume(self) -> None:
        self._set_paused(False)

    def set_workers(self, number: int) -> None:
        """So many workers until the next start; those that are too many finish their task."""
        if not 0 <= number <= MOST:
            raise Refused(f"There can be 0 to {MOST} workers.")
        with self._lock:
            self._worker_count = number
            if self._state == "stopped":
                return
            if self._workers is not None:
                self._workers.set_number(number)
            else:
                self._start_threads()

    def restart_workers(self) -> int:
        """Replaces each worker by a new thread, after its task; how many."""
        with self._lock:
            return self._workers.restart() if self._workers and self._state != "stopped" else 0

    def trouble(self) -> str:
        """Why the oldest task has been waiting for more than a minute; "" if none has."""
        return self._observer.trouble(self._state, self._workers)

    def sweep(self) -> None:
        """Looks through the outboxes for rows the log did not tell of (a bulk load)."""
        self._relay.sweep()

    def look_at_schedule(self) -> int:
        """Leaves a task for each periodic job that is due, as happens once a minute; how many."""
        return self._schedule.step()

    def step(self) -> bool:
        """Relays, and runs the oldest task in the caller's thread; False if there was none."""
        if not self._relay.step():
            self._relay.step()  # the first one ended a sweep, and what is new waited behind it
        self._queue.move_due()
        return self._queue.run_next()

    def drain(self, timeout: float = 10) -> bool:
        """Waits until nothing is left to do; False if that took too long, or waits for a later attempt."""
        deadline = time.monotonic() + timeout
        while not self._is_drained():
            if time.monotonic() > deadline:
                return False
            if self._workers is not None:
                self._wait_for_less()
            elif not self.step() and self._queue.keys():
                return False
        return True

    def dead(self, limit: int = 100) -> list[DeadLetter]:
        """The newest dead letters."""
        return self._dead.newest(limit)

    def dead_letter(self, shard: str, id: int) -> DeadLetter:
        """One dead letter; raises NotFound."""
        letter = self._dead.find(shard, id)
        if letter is None:
            raise NotFound("There is no such dead letter any more.")
        return letter

    def replay(self, shard: str, id: int) -> None:
        """Puts a dead letter's task into the outbox again, to be tried as if for the first time."""
        with self._replaying:
            letter = self.dead_letter(shard, id)
            with self._store.write(shard) as tx:
                self._outbox.add(tx, shard, letter.name, letter.args, letter.request_id)
            self._dead.remove(shard, id)

    def replay_all(self) -> int:
        """Replays all that are dead now, the oldest first; how many."""
        last, count = self._clock.milliseconds(), 0
        while letters := self._dead.oldest(last, AT_ONCE):
            for letter in letters:
                self.replay(letter.shard, letter.id)
            count += len(letters)
        return count

    def discard(self, shard: str, id: int) -> DeadLetter:
        """Gives a dead letter up for good; what it was."""
        with self._replaying:
            letter = self.dead_letter(shard, id)
            self._dead.remove(shard, id)
            return letter

    def _notice(self, changes: Sequence[Change]) -> None:
        self._outbox.count.notice(changes)
        self._relay.notice(changes)

    def _start_threads(self) -> None:
        self._workers = Workers(self._queue, self._worker_count) if self._worker_count else None
        if self._workers is not None:
            self._workers.start()
            self._thread = threading.Thread(target=self._run, args=(self._workers,), name="relay", daemon=True)
            self._thread.start()

    def _run(self, workers: Workers) -> None:
        while not self._relay.is_stopping:
            self._relay.work()
            try:
                workers.look_after()
                self._worker.flush()  # what a worker put off before it began something long
                self._count_now_and_then()
            except Exception:  # no room for a thread, say: the relay must go on, and the next look comes soon
                logger.exception("the workers could not be looked after")

    def _count_now_and_then(self) -> None:
        if self._clock.monotonic() < self._next_count:
            return
        self._next_count = self._clock.monotonic() + COUNT_SECONDS
        self._outbox.recount()

    def _set_paused(self, is_paused: bool) -> None:
        with self._lock:
            if self._state != "stopped":
                self._queue.pause(is_paused)
                self._state = "paused" if is_paused else "running"

    def _is_drained(self) -> bool:
        if not self._relay.is_idle or not self._queue.wait_until_empty(0):
            return False
        is_empty = self._outbox.is_empty()
        if not is_empty:
            self._relay.sweep()  # for rows that nobody told it of
        return is_empty

    def _wait_for_less(self) -> None:
        """Until what is on its way is in the queue, and the queue is empty, or a while has passed."""
        if self._relay.wait_until_idle(LOOK_SECONDS):
            self._queue.wait_until_empty(LOOK_SECONDS)
