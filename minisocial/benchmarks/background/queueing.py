"""Tasks a second: left and done; ours with outbox, trace and dead letters, beside plain Huey as it comes."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from huey import SqliteHuey
from huey.consumer import Consumer

from minisocial.benchmarks.background.size import Size
from minisocial.benchmarks.background.stage import PATIENCE, system
from minisocial.benchmarks.database.figures import Pair
from minisocial.system import System

MARK = 0.7
SHARD = "0"


class QuietConsumer(Consumer):  # type: ignore[misc]
    """Plain Huey's consumer, which leaves the signals of this process alone."""

    def _set_signal_handlers(self) -> Any:
        return None


class Side(Protocol):
    """One of the two that are compared."""

    def enqueue(self) -> None: ...
    def hold(self) -> None: ...
    def complete(self) -> None: ...


class Ours:
    """The whole system's background, on one shard."""

    def __init__(self, made: System) -> None:
        self._made = made

    def enqueue(self) -> None:
        with self._made.cluster.write(SHARD) as tx:
            self._made.background.add(tx, SHARD, "nothing", {"account": 1})

    def hold(self) -> None:
        self._made.background.pause()

    def complete(self) -> None:
        self._made.background.resume()
        if not self._made.background.drain(PATIENCE):
            raise TimeoutError("tasks are left")


class Plain:
    """Huey on a file of the same disk: strictly in order, as many workers, everything else as it comes."""

    def __init__(self, file: Path, workers: int) -> None:
        self._huey = SqliteHuey("plain", filename=str(file), strict_fifo=True, results=False)
        self._workers = workers
        self._changed = threading.Condition()  # guards _left
        self._left = 0

        def nothing(account: int) -> None:
            with self._changed:
                self._left -= 1
                self._changed.notify_all()

        self._task = self._huey.task()(nothing)

    def enqueue(self) -> None:
        self._task(1)
        with self._changed:
            self._left += 1

    def hold(self) -> None:
        """Nobody works yet."""

    def complete(self) -> None:
        consumer = QuietConsumer(self._huey, workers=self._workers, periodic=False)
        consumer.start()
        with self._changed:
            is_done = self._changed.wait_for(lambda: not self._left, PATIENCE)
        consumer.stop(graceful=True)
        if not is_done:
            raise TimeoutError("tasks are left")


def measure(scratch: Path, size: Size) -> list[Pair]:
    """Both rates."""
    left: tuple[list[float], list[float]] = ([], [])
    done: tuple[list[float], list[float]] = ([], [])
    with system(scratch / "queueing", lambda made: made.background.handle({"nothing": lambda task: None})) as made:
        made.background.drain(PATIENCE)
        sides: tuple[Side, Side] = (Ours(made), Plain(scratch / "plain.db", made.settings.workers))
        for _ in range(size.rounds):
            for half, side in enumerate(sides):
                side.hold()
                left[half].append(size.tasks / seconds(lambda side=side: in_crowd(side.enqueue, size)))  # type: ignore[misc]
                done[half].append(size.tasks / seconds(side.complete))
    name = f"tasks/s left by {size.writers} threads"
    return [Pair(name, *left, MARK), Pair("tasks/s done by 2 workers", *done, MARK)]


def in_crowd(act: Callable[[], None], size: Size) -> None:
    """So many acts, shared among the writers."""

    def run() -> None:
        for _ in range(size.tasks // size.writers):
            act()

    threads = [threading.Thread(target=run) for _ in range(size.writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def seconds(what: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began
