"""The worker: runs one task after another, and decides what becomes of those that fail."""

import logging
import random
import sqlite3
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from huey.consumer import Consumer

from minisocial.background.dead_letters import DeadLetters
from minisocial.background.outbox import Outbox, Task
from minisocial.background.task_queue import TaskQueue
from minisocial.background.waking_huey import TaskHuey
from minisocial.clock import Clock
from minisocial.errors import MinisocialError
from minisocial.trace import Trace, Tracer, new_id, span

Handler = Callable[[Task], None]

ERROR_LIMIT = 4000  # characters kept of a traceback, from its end
STUCK_SECONDS = 5.0  # until a dead letter or its removal, which could not be stored, is tried again

logger = logging.getLogger("minisocial.background")


class Hopeless(MinisocialError):
    """A handler raises this when trying again cannot help: the task is given up at once."""


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """A handler, and how patient to be with it: by default 14 tries, a day on average."""

    run: Handler
    tries: int = 14
    base_seconds: float = 10.0
    growth: float = 4.0
    cap_seconds: float = 6 * 3600.0

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait after a failed attempt (1, 2, …): exponential, with full jitter.

        Full jitter, "Exponential Backoff and Jitter" (AWS, 2015): tasks that failed together do not
        come back together.
        """
        return rng.uniform(0, min(self.cap_seconds, self.base_seconds * self.growth ** min(attempt - 1, 30)))


class Worker:
    """Runs tasks.

    A task is run only while its outbox row is there, and the row goes only when the handler has
    returned. So a task may be run twice (the process died in between) but is never left out.

    A handler that raises is tried again later, with growing pauses; after its last try, or when it
    raises `Hopeless`, the task becomes a dead letter: first recorded there, then taken from the
    outbox, so that at no moment it is in neither.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler | HandlerSpec],
        outbox: Outbox,
        dead: DeadLetters,
        tracer: Tracer,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.handlers: dict[str, HandlerSpec] = {}
        self.learn(handlers)
        self._outbox = outbox
        self._dead = dead
        self._tracer = tracer
        self._clock = clock
        self._rng = rng
        self._progress = threading.Condition()  # guards _counts
        self._counts: Counter[str] = Counter()

    def learn(self, handlers: Mapping[str, Handler | HandlerSpec]) -> None:
        """Handles these tasks as well."""
        for name, handler in handlers.items():
            self.handlers[name] = handler if isinstance(handler, HandlerSpec) else HandlerSpec(handler)

    def attach(self, queue: TaskQueue) -> None:
        """Names the queue that tasks go back to."""
        self._queue = queue

    def deliver(self, task: Task) -> None:
        """One attempt at one task, with a trace of its own under the id of the request that caused it."""
        with self._tracer.begin(task.request_id or new_id(), f"task {task.name}") as trace:
            self._tell_waiting(trace, task)
            try:
                with span("worker", f"{task.name}, attempt {task.attempt}"):
                    trace.status = self._attempt(task)
            finally:
                trace.status = trace.status or "died"
                self._count(trace.status)
        logger.info("task %s attempt %d %s %.1f ms %s", task.name, task.attempt, trace.status, trace.ms, trace.id)

    def count(self, outcome: str) -> int:
        """How many attempts ended as "done", "retried", "dead", "skipped" or "died"."""
        with self._progress:
            return self._counts[outcome]

    def wait_for_progress(self, timeout: float) -> None:
        """Waits until some attempt has ended."""
        with self._progress:
            self._progress.wait(timeout)

    def _attempt(self, task: Task) -> str:
        try:
            if not self._outbox.has(task):
                return self._skip(task)
            if self._dead.find(*task.key):
                return self._bury(task)  # it died before, but its row could not be removed then
            self._handler(task)(task)
            self._outbox.settle(task)
        except Exception as error:
            return self._fail(task, error)
        except BaseException as error:  # a handler that ends its thread must not have it for free
            self._fail(task, error)
            raise
        self._queue.forget(task)
        return "done"

    def _handler(self, task: Task) -> Handler:
        if task.name not in self.handlers:
            raise LookupError(f"there is no handler for tasks named {task.name!r}")
        return self.handlers[task.name].run

    def _skip(self, task: Task) -> str:
        self._queue.forget(task)
        return "skipped"

    def _fail(self, task: Task, error: BaseException) -> str:
        spec = self.handlers.get(task.name, HandlerSpec(lambda _: None))
        logger.warning("task %s attempt %d failed %s %.300r", task.name, task.attempt, task.request_id, error)
        if isinstance(error, Hopeless) or task.attempt >= spec.tries:
            return self._bury(task, "".join(traceback.format_exception(error))[-ERROR_LIMIT:])
        self._queue.put_off(task, spec.delay(task.attempt, self._rng), task.attempt + 1)
        return "retried"

    def _bury(self, task: Task, error: str = "") -> str:
        try:
            if error:
                self._dead.add(task, error)
            self._outbox.settle(task)
        except (MinisocialError, sqlite3.Error) as reason:
            logger.error("the dead letter of task %s is not settled: %s", task.name, reason)
            self._queue.put_off(task, STUCK_SECONDS, task.attempt)
            return "retried"
        self._queue.forget(task)
        return "dead"

    def _tell_waiting(self, trace: Trace, task: Task) -> None:
        """Two spans before the trace's beginning: how long the task lay in outbox and queue."""
        now, now_ms = time.perf_counter(), self._clock.milliseconds()
        in_queue = max(0, now_ms - task.enqueued_ms) / 1000
        in_outbox = max(0, task.enqueued_ms - task.created_ms) / 1000
        trace.add("outbox", "waited", now - in_queue - in_outbox, now - in_queue)
        trace.add("queue", "waited", now - in_queue, now)

    def _count(self, outcome: str) -> None:
        with self._progress:
            self._counts[outcome] += 1
            self._progress.notify_all()


class Workers(Consumer):  # type: ignore[misc]
    """Huey's consumer: worker threads, and one that moves scheduled attempts and asks for periodic jobs when due.

    It leaves the process's signals alone: they belong to whoever started the process, and Python
    lets only the main thread set them.
    """

    def __init__(self, huey: TaskHuey, workers: int) -> None:
        super().__init__(huey, workers=workers, periodic=True, max_delay=1.0)
        self.replaced = 0

    def stop_within(self, seconds: float) -> None:
        """Lets running tasks finish, but waits no longer than this."""
        self.shutdown_timeout = seconds
        self.stop(graceful=True)

    def replace_dead(self) -> None:
        """Starts a new thread for each worker whose own has ended, and for the scheduler."""
        dead = len(self.worker_threads) - self.alive()
        if (dead or not self.scheduler.is_alive()) and not self.stop_flag.is_set():
            self.replaced += dead
            self.check_worker_health()

    def alive(self) -> int:
        """Worker threads that run."""
        return sum(thread.is_alive() for _, thread in self.worker_threads)

    def _set_signal_handlers(self) -> Any:
        return None
