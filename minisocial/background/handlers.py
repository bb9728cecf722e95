"""Handlers: what runs the tasks of a name, in which order, how long, and how patient to be with it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from minisocial.background.outbox import Task
from minisocial.errors import MinisocialError

Handler = Callable[[Task], object]  # what it returns is told of a job, and of nothing else

SMALL, BATCH = 0, -1  # classes, the first one first


class Hopeless(MinisocialError):
    """A handler raises this when trying again cannot help: the task is given up at once."""


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """A handler, and how to treat it: by default 14 tries, a day on average, each for a minute at most.

    `is_batch`: work for very many people at once; small tasks go before it, and one worker stays free of it.

    `order`: tasks whose handlers name the same order, and whose argument `account` is the same (or there is
    none), are done one after the other, the oldest first. One that failed is waited for while it has failed no
    more than `holds` times: a mail server that stumbled does not turn letters round, and a task that
    cannot succeed keeps the later ones of its person waiting for a minute at most, and nobody else.

    `deadline_seconds`: after that the task is told to stop; see `Task.check`.
    """

    run: Handler
    tries: int = 14
    base_seconds: float = 10.0
    growth: float = 4.0
    cap_seconds: float = 6 * 3600.0
    is_batch: bool = False
    order: str = ""
    holds: int = 2
    deadline_seconds: float = 60.0

    def __call__(self, task: Task) -> object:
        return self.run(task)

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait after a failed attempt (1, 2, …): exponential, with full jitter.

        Full jitter, "Exponential Backoff and Jitter" (AWS, 2015): tasks that failed together do not
        come back together.
        """
        return rng.uniform(0, min(self.cap_seconds, self.base_seconds * self.growth ** min(attempt - 1, 30)))

    def lane(self, task: Task) -> str | None:
        """Whom it must not overtake, or be overtaken by: tasks of one lane run one at a time."""
        return f"{self.order}:{task.args.get('account', '')}" if self.order else None

    def is_waited_for(self, attempt: int) -> bool:
        """Whether its lane waits for a task whose next attempt will be this one."""
        return bool(self.order) and 1 < attempt <= self.holds + 1


class Handlers:
    """Handlers by the names of their tasks."""

    def __init__(self, handlers: Mapping[str, Handler | HandlerSpec]) -> None:
        self._specs: dict[str, HandlerSpec] = {}
        self.learn(handlers)

    def __contains__(self, name: str) -> bool:
        return name in self._specs

    def learn(self, handlers: Mapping[str, Handler | HandlerSpec]) -> None:
        """Handles these tasks as well."""
        for name, handler in handlers.items():
            self._specs[name] = handler if isinstance(handler, HandlerSpec) else HandlerSpec(handler)

    def spec(self, name: str) -> HandlerSpec:
        """How to treat a task; one without a handler fails, and is tried again: a newer program may know it."""
        return self._specs.get(name) or HandlerSpec(_unknown)


def _unknown(task: Task) -> None:
    raise LookupError(f"there is no handler for tasks named {task.name!r}")
