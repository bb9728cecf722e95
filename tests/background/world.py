"""A background box on a fake database, stepped by hand, that can be killed and started again."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minisocial.background.background import Background
from minisocial.background.handlers import Handler, HandlerSpec
from minisocial.background.outbox import Task
from minisocial.trace import Tracer
from tests.background.fake_store import FakeStore
from tests.fakes import ManualClock


class World:
    """`record` is a handler that remembers what it was given."""

    def __init__(self, folder: Path, handlers: Mapping[str, Handler | HandlerSpec] | None = None, **options: Any):
        self.folder = folder
        self.clock = options.pop("clock", None) or ManualClock()
        self.store = FakeStore(folder)
        self.tracer = Tracer()
        self.ran: list[Task] = []
        self._handlers = {"hello": self.record} if handlers is None else handlers
        self._jobs = options.pop("jobs", [])
        self._options = {"workers": 0, "rng": random.Random(7), **options}
        self.background = self._build()
        self.background.start()

    def record(self, task: Task) -> None:
        self.ran.append(task)

    def add(self, task: str = "hello", shard: str = "0", **args: Any) -> int:
        with self.store.write(shard) as tx:
            return self.background.add(tx, shard, task, args)

    def run_all(self, limit: int = 10_000) -> int:
        """Steps until nothing is due; how many tasks ran."""
        return next(count for count in range(limit) if not self.background.step())

    def order(self) -> list[Any]:
        return [task.args["n"] for task in self.ran]

    def restart(self) -> None:
        """Stops the box and builds another on the same files."""
        self.background.stop()
        self.background = self._build()
        self.background.start()

    def close(self) -> None:
        self.background.stop()
        self.store.close()

    def _build(self) -> Background:
        options = {"tracer": self.tracer, "clock": self.clock, **self._options}
        background = Background(self.store, self.folder / "background", self._handlers, **options)
        background.schedule(self._jobs)
        return background
