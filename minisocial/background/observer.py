"""Reads off the box how it is: for the console, and for the host who wonders why nothing happens."""

import sqlite3

from minisocial.background.dead_letters import DeadLetters
from minisocial.background.outbox import Outbox
from minisocial.background.relay import Relay
from minisocial.background.snapshots import AtWork, OutboxSnapshot, QueueSnapshot, WorkersSnapshot
from minisocial.background.task_queue import TaskQueue
from minisocial.background.trouble import Symptoms, tell
from minisocial.background.worker import Worker
from minisocial.background.workers import Workers
from minisocial.clock import Clock
from minisocial.errors import MinisocialError

TROUBLE_SECONDS = 2.0  # how long an answer to "why do tasks wait" may be repeated: every page of an admin asks


class Observer:
    """Looks at the parts of the box and changes nothing."""

    def __init__(
        self, outbox: Outbox, relay: Relay, queue: TaskQueue, worker: Worker, dead: DeadLetters, clock: Clock
    ) -> None:
        self._outbox, self._relay, self._queue, self._worker, self._dead = outbox, relay, queue, worker, dead
        self._clock = clock
        self._told = ("", float("-inf"))

    def trouble(self, state: str, workers: Workers | None) -> str:
        """Why the oldest task has been waiting for more than a minute; "" if none has."""
        told, at = self._told
        if self._clock.monotonic() - at >= TROUBLE_SECONDS:
            told = self._find_trouble(state, workers)
            self._told = told, self._clock.monotonic()
        return told

    def outbox(self) -> OutboxSnapshot:
        """How much is left to be done in all."""
        relay = self._relay
        return OutboxSnapshot(self._depth(), relay.relayed, relay.is_behind, relay.errors, self._outbox.limit)

    def queue(self) -> QueueSnapshot:
        """What waits, and what became of the rest."""
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

    def workers(self, state: str, wanted: int, workers: Workers | None) -> WorkersSnapshot:
        """Who is at work, and at what."""
        at_work = [running.task for running in (*self._queue.running, *self._queue.abandoned)]
        return WorkersSnapshot(
            state=state,
            number=workers.alive() if workers else 0,
            wanted=wanted,
            replaced=workers.replaced if workers else 0,
            stuck=workers.stuck if workers else 0,
            trouble=self.trouble(state, workers),
            at_work=tuple(
                AtWork(task.name, task.id, task.shard, task.attempt, round(task.deadline.elapsed, 3), task.request_id)
                for task in at_work
            ),
        )

    def _find_trouble(self, state: str, workers: Workers | None) -> str:
        if state == "stopped":
            return ""
        try:
            oldest, waiting = self._outbox.oldest(), self._outbox.depth()
        except (MinisocialError, sqlite3.Error) as error:
            return f"Tasks can not be looked at, because of a fault in the database: {error}"
        if oldest is None:
            return ""
        now, failure = self._clock.milliseconds(), self._worker.failure(oldest.name)
        return tell(
            Symptoms(
                oldest=oldest,
                age=(now - oldest.created_ms) / 1000,
                waiting=waiting,
                is_paused=state == "paused",
                workers=workers.alive() if workers else 0,
                queue_error=self._queue.error,
                relay_error=self._relay.error,
                running=self._queue.running,
                stuck=self._queue.abandoned,
                failure=failure,
                failure_in=(failure.due - now) / 1000 if failure else 0.0,
                is_behind=self._relay.is_behind,
                queue_limit=self._queue.limit,
            )
        )

    def _depth(self) -> int:
        try:
            return self._outbox.depth()
        except (MinisocialError, sqlite3.Error):
            return -1
