"""The worker: runs one task after another, and decides what becomes of those that fail."""

import logging
import random
import sqlite3
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass

from minisocial.background.dead_letters import DeadLetters
from minisocial.background.handlers import Handlers, Hopeless
from minisocial.background.outbox import Outbox, Task
from minisocial.background.settling import Settling
from minisocial.background.task_queue import TaskQueue
from minisocial.clock import Clock
from minisocial.errors import MinisocialError
from minisocial.trace import Trace, Tracer, new_id, span

ERROR_LIMIT = 4000  # characters kept of a traceback, from its end
SHORT = 300  # characters of an error as the console shows it
STUCK_SECONDS = 5.0  # until a dead letter or its removal, which could not be stored, is tried again

logger = logging.getLogger("minisocial.background")


@dataclass(frozen=True, slots=True)
class Failure:
    """The last attempt of a kind of task that failed, if none succeeded since."""

    error: str
    attempt: int
    at: int  # milliseconds since 1970
    due: int  # the next attempt


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
        handlers: Handlers,
        outbox: Outbox,
        dead: DeadLetters,
        tracer: Tracer,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._handlers = handlers
        self._outbox = outbox
        self._dead = dead
        self._tracer = tracer
        self._clock = clock
        self._rng = rng
        self._lock = threading.Lock()  # guards the two below
        self._counts: Counter[str] = Counter()
        self._failures: dict[str, Failure] = {}  # by the names of tasks

    def attach(self, queue: TaskQueue) -> None:
        """Names the queue that tasks go back to."""
        self._queue = queue
        self._settling = Settling(self._outbox, queue.forget, self._put_back)

    def flush(self) -> None:
        """Takes what is done out of the outbox, as far as that was put off."""
        self._settling.flush()

    def deliver(self, task: Task) -> None:
        """One attempt at one task, with a trace of its own under the id of the request that caused it."""
        with self._tracer.begin(task.request_id or new_id(), f"task {task.name}") as trace:
            self._tell_waiting(trace, task)
            try:
                with span("worker", f"{task.name}, attempt {task.attempt}"):
                    trace.status = self._attempt(task)
            finally:
                if not self._queue.depth:
                    self._settling.flush()  # nothing else is to be done
                trace.status = trace.status or "died"
                self._count(trace.status)
        logger.info("task %s attempt %d %s %.1f ms %s", task.name, task.attempt, trace.status, trace.ms, trace.id)

    def count(self, outcome: str) -> int:
        """How many attempts ended as "done", "retried", "dead", "skipped" or "died"."""
        with self._lock:
            return self._counts[outcome]

    def failure(self, name: str) -> Failure | None:
        """Why the tasks of a name fail; None if the last one did not."""
        with self._lock:
            return self._failures.get(name)

    def _attempt(self, task: Task) -> str:
        try:
            if not self._outbox.has(task):
                return self._skip(task)
            if self._dead.holds(*task.key):
                return self._bury(task)  # it died before, but its row could not be removed then
            spec = self._handlers.spec(task.name)
            with self._outbox.no_limit():  # what a task sets going is part of it
                spec.run(task)
            if not (task.says_finished or spec.order):
                self._note(task, None)
                self._settling.add(task)
                return "done"
            self._outbox.settle(task)
        except Exception as error:
            return self._fail(task, error)
        except BaseException as error:  # a handler that ends its thread must not have it for free
            self._fail(task, error)
            raise
        self._queue.forget(task)
        self._note(task, None)
        return "done"

    def _put_back(self, task: Task, error: Exception) -> None:
        self._count(self._fail(task, error))

    def _skip(self, task: Task) -> str:
        self._queue.forget(task)
        return "skipped"

    def _fail(self, task: Task, error: BaseException) -> str:
        spec = self._handlers.spec(task.name)
        logger.warning("task %s attempt %d failed %s %.300r", task.name, task.attempt, task.request_id, error)
        if isinstance(error, Hopeless) or task.attempt >= spec.tries:
            return self._bury(task, "".join(traceback.format_exception(error))[-ERROR_LIMIT:])
        seconds, now = spec.delay(task.attempt, self._rng), self._clock.milliseconds()
        self._note(
            task, Failure(f"{error}"[:SHORT] or type(error).__name__, task.attempt, now, now + int(seconds * 1000))
        )
        self._queue.put_off(task, seconds, task.attempt + 1)
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

    def _note(self, task: Task, failure: Failure | None) -> None:
        with self._lock:
            if failure:
                self._failures[task.name] = failure
            else:
                self._failures.pop(task.name, None)

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._counts[outcome] += 1
