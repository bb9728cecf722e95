"""What the box says of itself at one moment."""

from dataclasses import dataclass

from minisocial.background.schedule import PeriodicSnapshot


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
    limit: int  # with so many tasks in it, writes that would add more are refused


@dataclass(frozen=True, slots=True)
class AtWork:
    """A task that a worker is at."""

    task: str
    id: int
    shard: str
    attempt: int
    seconds: float
    request_id: str


@dataclass(frozen=True, slots=True)
class WorkersSnapshot:
    """The worker threads."""

    state: str  # stopped, running, paused
    number: int  # that are alive and take tasks
    wanted: int
    replaced: int  # because they died, or did not stop when told
    stuck: int  # threads that were given up and have not ended yet
    trouble: str  # why the oldest task has been waiting for long; "" if it has not
    at_work: tuple[AtWork, ...]


@dataclass(frozen=True, slots=True)
class BackgroundSnapshot:
    """Counters and state of the box."""

    workers: WorkersSnapshot
    queue: QueueSnapshot
    outbox: OutboxSnapshot
    jobs: tuple[PeriodicSnapshot, ...]
