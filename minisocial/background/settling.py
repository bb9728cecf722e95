"""Settling: finished tasks leave the outbox, many in one commit, since each commit waits for the disk."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable

from minisocial.background.outbox import Outbox, Task
from minisocial.errors import MinisocialError

AT_ONCE = 64  # tasks whose removal may be put off until they go together


class Settling:
    """Tasks that are done, and whose rows are still there.

    They are taken out together: as soon as there are enough of them, or nothing else is to be done. A
    crash before that has them done again, which they bear. Tasks that do not bear it are taken out by
    their own handlers, and those of one order at once; neither comes here.
    """

    def __init__(
        self, outbox: Outbox, settled: Callable[[Task], None], failed: Callable[[Task, Exception], None]
    ) -> None:
        self._outbox = outbox
        self._settled = settled
        self._failed = failed
        self._lock = threading.Lock()  # guards _done
        self._done: list[Task] = []

    def add(self, task: Task) -> None:
        """This one is done, too."""
        with self._lock:
            self._done.append(task)
            is_enough = len(self._done) >= AT_ONCE
        if is_enough:
            self.flush()

    def flush(self) -> None:
        """Takes them all out now."""
        if not self._done:
            return
        with self._lock:
            done, self._done = self._done, []
        groups: defaultdict[str, list[Task]] = defaultdict(list)
        for task in done:
            groups[task.shard].append(task)
        for shard, tasks in groups.items():
            self._take_out(shard, tasks)

    def _take_out(self, shard: str, tasks: list[Task]) -> None:
        try:
            self._outbox.remove(shard, [task.id for task in tasks])
        except (MinisocialError, sqlite3.Error) as error:
            for task in tasks:
                self._failed(task, error)
        else:
            for task in tasks:
                self._settled(task)
