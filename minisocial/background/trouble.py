"""Why tasks wait for long: the first cause that holds, in a sentence for the host."""

from collections.abc import Iterator
from dataclasses import dataclass

from minisocial.background.outbox import Task
from minisocial.background.task_queue import Running
from minisocial.background.worker import Failure

LONG_SECONDS = 60.0  # a task older than this is a sign that something needs somebody
SHOWN = 3  # tasks at work that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptoms:
    """All there is to go by."""

    oldest: Task  # of all that are to be done
    age: float  # seconds since its cause
    waiting: int
    is_paused: bool
    workers: int
    queue_error: str
    relay_error: str
    running: list[Running]
    stuck: list[Running]
    failure: Failure | None  # of the last task of the oldest one's name
    failure_in: float  # seconds until the next attempt
    is_behind: bool
    queue_limit: int


def tell(symptoms: Symptoms) -> str:
    """What the host should know, and do; "" while no task is old."""
    if symptoms.age < LONG_SECONDS:
        return ""
    cause = next(_causes(symptoms))
    return f"The oldest of {_count(symptoms.waiting)} is {_long(symptoms.age)} old. {cause}"


def _causes(by: Symptoms) -> Iterator[str]:
    name = by.oldest.name
    if by.is_paused:
        yield "The workers are paused: python3 run.py workers resume lets them go on."
    if by.queue_error:
        yield f"The file of the queue can not be used ({by.queue_error}). Nothing is lost: all tasks are in the outbox."
    if by.relay_error:
        yield f"The relay can not hand over what is in the outbox: {by.relay_error}"
    if not by.workers:
        yield "There are no workers: python3 run.py workers set 2 starts two."
    for running in (*by.running, *by.stuck):
        if running.task.key == by.oldest.key:
            yield f"It is at work: {_at_work(running)}."
    if by.failure:
        when = f"The next attempt is in {_long(by.failure_in)}." if by.failure_in > 0 else "It is tried again."
        yield f"The task {name} fails: {_sentence(by.failure.error)} {when}"
    if len(by.running) >= by.workers:
        shown = ", ".join(_at_work(running) for running in by.running[:SHOWN])
        yield f"All {by.workers} workers are busy: {shown}."
    if by.is_behind:
        yield f"The queue is full ({by.queue_limit:,} tasks), so the rest waits in the outbox."
    yield "More comes in than the workers get done."


def _at_work(running: Running) -> str:
    return f"{running.task.name} for {_long(running.task.deadline.elapsed)}"


def _count(number: int) -> str:
    return "one task" if number == 1 else f"{number:,} tasks"


def _long(seconds: float) -> str:
    """A time that people can grasp."""
    for unit, length in (("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}s"
    return f"{seconds:.0f} seconds"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
