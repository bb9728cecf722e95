"""The workers: threads that run one task after the other, as many as wanted, whatever becomes of each."""

import itertools
import logging
import threading
from typing import Any

from huey.consumer import Consumer, WorkerRecycle
from huey.consumer import Worker as HueyWorker

from minisocial.background.task_queue import Running, TaskQueue

OBEY_SECONDS = 30.0  # how long a task that was told to stop may go on, until its thread is given up
MOST_STUCK = 8  # threads given up and still there; beyond it none is replaced, for each holds memory and perhaps a lock
MOST = 64  # workers

logger = logging.getLogger("minisocial.background")


class OneWorker(HueyWorker):  # type: ignore[misc]
    """Huey's worker, which can be sent home alone."""

    is_dismissed = False

    def loop(self, now: Any = None) -> None:
        if self.is_dismissed:
            raise WorkerRecycle  # ends the thread
        super().loop(now)


class Workers(Consumer):  # type: ignore[misc]
    """Huey's consumer: worker threads, and one that moves scheduled attempts and asks for periodic jobs when due.

    It leaves the process's signals alone: they belong to whoever started the process, and Python
    lets only the main thread set them.
    """

    worker_class = OneWorker
    worker_threads: list[tuple[Any, threading.Thread]]

    def __init__(self, queue: TaskQueue, workers: int) -> None:
        super().__init__(queue.huey, workers=workers, periodic=True, max_delay=1.0)
        self._queue = queue
        self._turn = threading.Lock()  # guards the list of threads: one change at a time
        self._numbers = itertools.count(workers + 1)
        self._leaving: list[threading.Thread] = []  # sent home, and still at their last task
        self._stuck: list[threading.Thread] = []
        self.replaced = 0
        self._share(workers)

    def set_number(self, number: int) -> None:
        """More workers, or fewer: those sent home finish their task first."""
        with self._turn:
            while len(self.worker_threads) > number:
                self._dismiss(*self.worker_threads[-1])
            while len(self.worker_threads) < number:
                self._hire()
            self._share(number)
        self._queue.wake()

    def restart(self) -> int:
        """Replaces each worker by a new one; a task at work is finished first. How many."""
        with self._turn:
            before = list(self.worker_threads)
            for worker, thread in before:
                self._dismiss(worker, thread)
                self._hire()
        self._queue.wake()
        return len(before)

    def stop_within(self, seconds: float) -> None:
        """Lets running tasks finish, but waits no longer than this."""
        self.shutdown_timeout = seconds
        self.stop(graceful=True)

    def look_after(self) -> None:
        """Replaces workers that died; tells tasks that take too long to stop, and gives up those that do not."""
        with self._turn:
            if self.stop_flag.is_set():
                return
            self._replace_dead()
            for running in self._queue.running:
                self._look_at(running)
            self._leaving = [thread for thread in self._leaving if thread.is_alive()]
            self._stuck = [thread for thread in self._stuck if thread.is_alive()]

    def alive(self) -> int:
        """Worker threads that run and take tasks."""
        return sum(thread.is_alive() for _, thread in self.worker_threads)

    @property
    def stuck(self) -> int:
        """Threads that were given up and have not ended yet."""
        return sum(thread.is_alive() for thread in self._stuck)

    def _replace_dead(self) -> None:
        dead = len(self.worker_threads) - self.alive()
        if dead or not self.scheduler.is_alive():
            self.replaced += dead
            self.check_worker_health()

    def _look_at(self, running: Running) -> None:
        deadline = running.task.deadline
        if deadline.elapsed < deadline.seconds:
            return
        if not deadline.is_called_off.is_set():
            logger.warning("task %s takes more than %.0f s: it is told to stop", running.task.name, deadline.seconds)
            deadline.call_off()
        if deadline.elapsed > deadline.seconds + OBEY_SECONDS and self.stuck < MOST_STUCK:
            self._give_up(running)

    def _give_up(self, running: Running) -> None:
        """Another thread takes its place; the task is not begun again while the first one is still at it."""
        found = [(worker, thread) for worker, thread in self.worker_threads if thread is running.thread]
        logger.error("task %s does not stop: its thread %s is given up", running.task.name, running.thread.name)
        for worker, thread in found:
            self._dismiss(worker, thread)
            self._stuck.append(thread)
            self._hire()
            self.replaced += 1
        self._queue.abandon(running)

    def _dismiss(self, worker: OneWorker, thread: threading.Thread) -> None:
        worker.is_dismissed = True
        self.worker_threads = [pair for pair in self.worker_threads if pair[1] is not thread]
        self._leaving.append(thread)

    def _hire(self) -> None:
        worker = self._create_worker()
        thread = self._create_process(worker, f"Worker-{next(self._numbers)}")
        self.worker_threads = [*self.worker_threads, (worker, thread)]
        thread.start()

    def _share(self, number: int) -> None:
        """One worker, if there are several, stays free of batch work."""
        self._queue.allow_batches(max(1, number - 1))

    def _join_workers(self) -> bool:
        self.worker_threads = [*self.worker_threads, *((None, thread) for thread in self._leaving)]
        return bool(super()._join_workers())

    def _set_signal_handlers(self) -> Any:
        return None
