"""The schedule: work that is due again and again, each time as an ordinary task.

Huey's scheduler asks once a minute whether anything is due. What is due goes into the outbox, and in
the same transaction the moment is noted, so that no start, stop or kill skips an interval or doubles it.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from minisocial.background.handlers import Handler, HandlerSpec
from minisocial.background.outbox import Outbox, Store, Task, Transaction
from minisocial.clock import Clock
from minisocial.errors import NotFound, Refused

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 7 * 86_400.0
MONDAY = 4 * DAY  # 1970 began on a Thursday
SHARD = "directory"  # where it is noted, and where the tasks are left
PREFIX = "job:"  # of the tasks' names
OUTCOME = 300  # characters

logger = logging.getLogger("minisocial.background")


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do once in each interval, at its beginning or as soon after it as the system runs.

    `every`: its length in seconds. Days and weeks are local ones: with `at=7 * HOUR` a day begins at
    seven in the morning, a week on Monday at seven. What was missed is made up for once, not many times.

    `run` gets a task with the arguments `at` and `before`: when it was found due, and when the time
    before (0: never), in milliseconds since 1970. Like any task it may run twice and must bear it.
    """

    name: str
    every: float
    run: Handler | HandlerSpec
    at: float = 0.0

    @property
    def task(self) -> str:
        """The name of its tasks."""
        return PREFIX + self.name


@dataclass(frozen=True, slots=True)
class PeriodicSnapshot:
    """When a job was last found due, and will be next, in milliseconds since 1970; 0: not since it is known."""

    name: str
    every_seconds: float
    last_at: int
    next_at: int
    outcome: str  # of the newest task of this process: "at work", what it said in the end, or why it failed


class Schedule:
    """The jobs, and when each was last begun.

    Intervals are counted from a fixed moment, so a restart changes nothing, and a job that was never
    seen before begins with the next interval. While the task of the last interval is still to be done
    there is no second one: a job that fails for a day does not come back as a crowd.

    A clock set forward brings each job once. A clock set back by more than an interval is believed,
    and the count goes on from there; less is waited out, so that no interval is done twice.
    """

    def __init__(
        self, store: Store, outbox: Outbox, clock: Clock, offset: Callable[[float], float] | None = None
    ) -> None:
        """`offset`: how many seconds local time is ahead of UTC at a moment."""
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._offset = offset or local_offset
        self.jobs: dict[str, Job] = {}
        self._last_at: dict[str, int] = {}
        self._outcomes: dict[str, str] = {}
        self.errors = 0

    def add(self, jobs: Iterable[Job]) -> None:
        """Does these from now on."""
        for job in jobs:
            if job.name in self.jobs:
                raise ValueError(f"there is a job named {job.name!r} already")
            if not job.every >= MINUTE:
                raise ValueError(f"the job {job.name!r} would come more often than anybody looks")
            self.jobs[job.name] = job

    def step(self) -> int:
        """Leaves a task for each job that is due; how many. What fails is tried again with the next look."""
        return sum(map(self._try, list(self.jobs.values())))

    def snapshot(self) -> tuple[PeriodicSnapshot, ...]:
        return tuple(map(self._told, self.jobs.values()))

    def begin(self, name: str) -> None:
        """Leaves a task of a job at once, because somebody asked for it; raises NotFound, or Refused while one waits.

        The count of intervals goes on as if nothing had been: it is as if the time before had been now.
        """
        job = self._named(name)
        with self._store.write(SHARD) as tx:
            if self._waits(tx, job):
                raise Refused(f"The job {name} is at work already.")
            now = self._clock.milliseconds()
            self._outbox.add(tx, SHARD, job.task, {"at": now, "before": now})
            self._outcomes.pop(name, None)

    def is_done(self, name: str) -> bool:
        """Whether no task of a job is left to do."""
        with self._store.read(SHARD, self._store.position(SHARD)) as reader:
            return not reader.rows("SELECT 1 FROM outbox WHERE task = ? LIMIT 1", (self._named(name).task,))

    def handlers(self, jobs: Iterable[Job]) -> dict[str, HandlerSpec]:
        """What runs the tasks of these jobs, and remembers what became of them."""
        return {job.task: self._watched(job) for job in jobs}

    def _watched(self, job: Job) -> HandlerSpec:
        spec = job.run if isinstance(job.run, HandlerSpec) else HandlerSpec(job.run)

        def run(task: Task) -> None:
            self._outcomes[job.name] = "at work"
            try:
                self._outcomes[job.name] = str(spec.run(task) or "done")
            except BaseException as error:
                self._outcomes[job.name] = f"failed: {type(error).__name__}: {error}"[:OUTCOME]
                raise

        return replace(spec, run=run)

    def _named(self, name: str) -> Job:
        if name not in self.jobs:
            raise NotFound(f"There is no job {name[:40]!r}. There are: {', '.join(self.jobs)}.")
        return self.jobs[name]

    def _told(self, job: Job) -> PeriodicSnapshot:
        name, last_at = job.name, self._last_at.get(job.name, 0)
        return PeriodicSnapshot(name, job.every, last_at, self._next_at(job), self._outcomes.get(name, ""))

    def _next_at(self, job: Job) -> int:
        """When the next interval begins; what was missed comes at once."""
        begins = (self._slot(job) + 1) * job.every + job.at
        if job.every >= DAY:
            begins += MONDAY - self._offset(self._clock.time())
        return int(begins * 1000)

    def _waits(self, tx: Transaction, job: Job) -> bool:
        found = tx.execute("SELECT 1 FROM outbox WHERE task = ? LIMIT 1", (job.task,)).fetchone()
        return found is not None

    def _try(self, job: Job) -> bool:
        try:
            return self._look(job)
        except Exception as error:  # whatever it is, the others must be looked at, and Huey's thread must go on
            self.errors += 1
            logger.warning(
                "the job %s could not be begun, and is tried again: %s: %s", job.name, type(error).__name__, error
            )
            return False

    def _look(self, job: Job) -> bool:
        slot = self._slot(job)
        with self._store.read(SHARD, self._store.position(SHARD)) as reader:
            rows = reader.rows("SELECT slot, at FROM schedule WHERE job = ?", (job.name,))
        last, last_at = rows[0] if rows else (slot, 0)
        self._last_at[job.name] = last_at
        if rows and last - 1 <= slot <= last:
            return False  # the usual case: not even a write
        with self._store.write(SHARD) as tx:
            return self._begin(tx, job, slot)

    def _begin(self, tx: Transaction, job: Job, slot: int) -> bool:
        """Looks again, as the block sees it: another thread may have been faster."""
        row = tx.execute("SELECT slot, at FROM schedule WHERE job = ?", (job.name,)).fetchone()
        is_due = row is not None and slot > row[0]
        if is_due and self._waits(tx, job):
            return False
        now = self._clock.milliseconds()
        before = row[1] if row else 0
        tx.execute(_NOTE, (job.name, slot, now if is_due else before))
        if is_due:
            self._outbox.add(tx, SHARD, job.task, {"at": now, "before": before})
            self._last_at[job.name] = now
        return is_due

    def _slot(self, job: Job) -> int:
        """The number of the interval that it is now."""
        now = self._clock.time()
        if job.every >= DAY:
            now += self._offset(now) - MONDAY
        return math.floor((now - job.at) / job.every)


def until(args: Mapping[str, Any], every: float) -> int:
    """What ended before this moment a job may remove: now, but no more than two intervals after the time before.

    So a clock that is wrong by a year costs nobody what is still good, if it is noticed before the second
    time; and the very first time removes nothing. `args`: of the job's task; the answer is milliseconds.
    """
    return min(int(args["at"]), int(args["before"]) + 2 * int(every * 1000))


def local_offset(now: float) -> float:
    """Seconds by which this machine's local time is ahead of UTC at a moment."""
    offset = datetime.fromtimestamp(now).astimezone().utcoffset()
    return offset.total_seconds() if offset else 0.0


_NOTE = """
INSERT INTO schedule (job, slot, at) VALUES (?, ?, ?)
ON CONFLICT (job) DO UPDATE SET slot = excluded.slot, at = excluded.at
"""
