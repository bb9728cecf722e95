"""Long pieces of work for the host, one at a time, beside the requests of people."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from minisocial.clock import Clock
from minisocial.errors import MinisocialError, Overloaded, Unavailable

Progress = Callable[[str], None]  # "": nothing new; whoever waits says so now and then, to hear of a stop
Work = Callable[[Progress], str]

KEPT = 20  # outcomes
LINES = 100  # of progress, of one job
LINE = 500  # characters of one line
BESIDE = 4  # short pieces of work at once, beside the long one
STOP_SECONDS = 1.5  # how long a stop waits for the work to notice

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """One piece of work: `said` counts all lines of progress, `progress` has the newest of them."""

    id: int
    name: str
    state: str  # running, done, failed
    progress: tuple[str, ...]
    said: int
    outcome: str  # the sentence at the end; "" while it runs
    since: int  # milliseconds since 1970
    seconds: float


@dataclass(frozen=True, slots=True)
class JobsSnapshot:
    """What runs, and what ran, newest first."""

    running: tuple[JobSnapshot, ...]
    finished: tuple[JobSnapshot, ...]
    failed: int


class Jobs:
    """One long piece of work at a time, in a thread of its own, and a few short ones beside it.

    A second long one is refused with a sentence that names the first. Progress is bounded, and the
    last outcomes are kept. What goes wrong ends the job and nothing else: its outcome is the sentence.

    `stop` tells the work to end where it next speaks of its progress, and waits a moment. Work that
    does not notice meets a database that is closed.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()  # guards all below, and what is in a `_Job`
        self._is_open = False
        self._last = 0
        self._failed = 0
        self._running: list[_Job] = []
        self._finished: deque[_Job] = deque(maxlen=KEPT)

    def start(self) -> None:
        self._is_open = True

    def stop(self) -> None:
        with self._lock:
            self._is_open = False
            running = list(self._running)
        last = time.monotonic() + STOP_SECONDS
        for job in running:
            job.thread.join(max(0.0, last - time.monotonic()))

    def snapshot(self) -> JobsSnapshot:
        with self._lock:
            running, finished = map(self._told, self._running), map(self._told, reversed(self._finished))
            return JobsSnapshot(tuple(running), tuple(finished), self._failed)

    def begin(self, name: str, work: Work, is_long: bool = True) -> JobSnapshot:
        """Starts the work, which speaks through the function it is handed; its answer is the outcome."""
        with self._lock:
            self._check_room(is_long)
            self._last += 1
            job = _Job(self._last, name, is_long, self._clock)
            job.thread = threading.Thread(target=self._run, args=(job, work), name=f"job {name}", daemon=True)
            job.thread.start()  # if it can not, nothing runs
            self._running.append(job)
            return self._told(job)

    def find(self, id: int) -> JobSnapshot | None:
        """The job of that number, if it runs or is still remembered."""
        with self._lock:
            return next((self._told(job) for job in (*self._running, *self._finished) if job.id == id), None)

    def _check_room(self, is_long: bool) -> None:
        if not self._is_open:
            raise Unavailable("The system is stopping, or has not started yet. Try again when it runs.")
        same = [job for job in self._running if job.is_long == is_long]
        if len(same) < (1 if is_long else BESIDE):
            return
        seconds = round(self._clock.monotonic() - same[0].began)
        raise Overloaded(
            f"“{same[0].name}” has been running for {seconds} s, and only so much is done at a time. "
            "Nothing was begun. Try again when it is done."
        )

    def _run(self, job: "_Job", work: Work) -> None:
        state, outcome = "failed", ""
        try:
            outcome = work(lambda line: self._say(job, line))
            state = "done"
        except (MinisocialError, OSError) as error:
            outcome = str(error) or type(error).__name__
        except Exception:  # whatever it meets must not look like work that never ends
            log.exception("job %d, %s, failed", job.id, job.name)
            outcome = "Something broke on our side. What it was is in the log of the running system."
        with self._lock:
            job.state, job.outcome, job.ended = state, outcome, self._clock.monotonic()
            self._failed += state == "failed"
            self._finished.append(job)
            self._running.remove(job)

    def _say(self, job: "_Job", line: str) -> None:
        with self._lock:
            if line:
                job.lines.append(line[:LINE])
                job.said += 1
            if not self._is_open:
                raise Unavailable("It was broken off, because the system was stopped.")

    def _told(self, job: "_Job") -> JobSnapshot:
        ended = self._clock.monotonic() if job.ended is None else job.ended
        seconds = round(ended - job.began, 3)
        return JobSnapshot(job.id, job.name, job.state, tuple(job.lines), job.said, job.outcome, job.since, seconds)


class _Job:
    """What is known of one piece of work; `Jobs` guards it."""

    def __init__(self, id: int, name: str, is_long: bool, clock: Clock) -> None:
        self.id = id
        self.name = name
        self.is_long = is_long
        self.state = "running"
        self.lines: deque[str] = deque(maxlen=LINES)
        self.said = 0
        self.outcome = ""
        self.since = clock.milliseconds()
        self.began = clock.monotonic()
        self.ended: float | None = None
        self.thread = threading.Thread()  # replaced before anybody sees it
