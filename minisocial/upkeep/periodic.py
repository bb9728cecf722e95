"""Jobs that are due again and again: what a host sees of them, and one done at once."""

import threading

from minisocial.background import Background, PeriodicSnapshot
from minisocial.errors import Unavailable
from minisocial.upkeep.desk import when
from minisocial.upkeep.jobs import Progress
from minisocial.upkeep.table import table

LOOK_SECONDS = 0.1  # between two looks whether a job is done
LOOKS = 6000  # before the waiting ends, ten minutes later
HOUR = 3600


def listing(background: Background) -> str:
    """Every job, when it was and will be due, and what the newest one said."""
    rows = [_row(job) for job in background.snapshot().jobs]
    return "\n".join(table([("job", "every", "last", "next", "outcome"), *rows]))


def run(background: Background, name: str, progress: Progress) -> str:
    """Has a job done now, and waits for it; raises Unavailable where that takes very long."""
    background.begin_job(name)
    pause = threading.Event()
    for _ in range(LOOKS):
        if background.is_job_done(name):
            return f"{name}: {_outcome(background, name)}."
        progress("")
        pause.wait(LOOK_SECONDS)
    raise Unavailable(f"The job {name} is not done yet, and goes on: {_outcome(background, name) or 'it waits'}.")


def _outcome(background: Background, name: str) -> str:
    return next(job.outcome for job in background.snapshot().jobs if job.name == name) or "done"


def _row(job: PeriodicSnapshot) -> tuple[str, ...]:
    last, following = (when(at) if at else "–" for at in (job.last_at, job.next_at))
    return job.name, f"{job.every_seconds / HOUR:g} h", last, following, job.outcome or "–"
