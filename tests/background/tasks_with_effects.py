"""Handlers whose effects can be counted, for the tests that kill."""

from minisocial.background.handlers import HandlerSpec, Hopeless
from minisocial.background.outbox import Task
from tests.background.fake_store import FakeStore


class Effects:
    """`mark` bears repeating by its key, `count` by joining the removal, `flaky` fails at first, `doomed` always."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.handlers = {
            "mark": HandlerSpec(self.mark, base_seconds=0),
            "count": HandlerSpec(self.count, base_seconds=0),
            "flaky": HandlerSpec(self.flaky, base_seconds=0),
            "doomed": HandlerSpec(self.doom, tries=2, base_seconds=0),
        }

    def mark(self, task: Task) -> None:
        with self._store.write("directory") as tx:
            tx.execute("INSERT OR IGNORE INTO effects VALUES (?, ?)", (task.args["key"], task.attempt))

    def count(self, task: Task) -> None:
        with self._store.write(task.shard) as tx:
            if task.finish(tx):
                sql = "INSERT INTO tally VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1"
                tx.execute(sql, (task.args["key"],))

    def flaky(self, task: Task) -> None:
        if task.attempt < 3:
            raise OSError("not yet")
        self.mark(task)

    def doom(self, task: Task) -> None:
        raise Hopeless("never") if task.attempt == 2 else OSError("not yet")
