"""Killed at any point between two commits, and started again: every effect happens, exactly once."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.background.tasks_with_effects import Effects
from tests.background.world import World

KINDS = ("mark", "count", "flaky", "doomed")


class Killed(BaseException):
    """The process is gone."""


class KilledWorld(World):
    """A world whose process dies at the n-th contact with the database.

    At that moment the box's files are copied, since what Python still does while the exception
    travels up is nothing a dead process could do.
    """

    contacts_left: int | None = None

    def _build(self):
        self._handlers = Effects(self.store).handlers
        self.store.fault = self._contact
        return super()._build()

    def _contact(self, moment: str) -> None:
        if self.contacts_left is None:
            return
        self.contacts_left -= 1
        if self.contacts_left == 0:
            shutil.copytree(self.folder / "background", self.folder / "as it was")
        if self.contacts_left <= 0:
            raise Killed

    def revive(self, is_queue_lost: bool) -> None:
        self.contacts_left = None
        self.background.stop()
        shutil.rmtree(self.folder / "background")
        (self.folder / "as it was").rename(self.folder / "background")
        if is_queue_lost:
            (self.folder / "background" / "queue.db").unlink()
            (self.folder / "background" / "queue.db-wal").unlink(missing_ok=True)
        self.restart()


class CrashMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = KilledWorld(Path(self.folder.name), queue_limit=5)
        self.acknowledged: list[tuple[str, str]] = []
        self.maybe: list[tuple[str, str]] = []

    @rule(kind=st.sampled_from(KINDS), shard=st.sampled_from(("directory", "0")))
    def add(self, kind: str, shard: str) -> None:
        key = f"{kind}-{len(self.acknowledged)}-{len(self.maybe)}"
        self.world.add(kind, shard, key=key)
        self.acknowledged.append((kind, key))

    @rule(steps=st.integers(1, 6))
    def work(self, steps: int) -> None:
        for _ in range(steps):
            self.world.background.step()

    @rule()
    def sweep(self) -> None:
        self.world.background.sweep()

    @rule()
    def wait(self) -> None:
        self.world.clock.advance(10)

    @rule(contacts=st.integers(1, 25), kind=st.sampled_from(KINDS), is_queue_lost=st.booleans())
    def crash(self, contacts: int, kind: str, is_queue_lost: bool) -> None:
        self.world.contacts_left = contacts
        key = f"{kind}-{len(self.acknowledged)}-{len(self.maybe)}"
        self.maybe.append((kind, key))
        try:
            for _ in range(30):
                self.world.add(kind, "0", key=key) if contacts % 2 else None
                self.world.background.step()
        except Killed:
            self.world.revive(is_queue_lost)
        self.world.contacts_left = None

    @rule()
    def restart(self) -> None:
        self.world.restart()

    def teardown(self) -> None:
        for _ in range(20):
            if self.world.background.drain():
                break
            self.world.clock.advance(10)
        self.check()
        self.world.close()
        self.folder.cleanup()

    def check(self) -> None:
        assert self.world.store.waiting() == []
        marks, tally = self.world.store.effects(), self.world.store.tally()
        dead = Counter(letter.args["key"] for letter in self.world.background.dead(10_000))
        for kind, key in self.acknowledged:
            found = {"count": tally.get(key, 0), "doomed": dead[key]}.get(kind, int(key in marks))
            assert found == 1, (kind, key)
        added = {key for _, key in self.acknowledged} | {key for _, key in self.maybe}
        assert set(marks) | set(tally) | set(dead) <= added


CrashMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestCrashPoints = CrashMachine.TestCase
