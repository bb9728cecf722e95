"""Many writers and readers, replicas that lag, caches emptied, lost and switched: nothing old is ever read."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cache.world import World

KEYS = 12
STEPS = 1500


class Checker:
    """What has been answered: from then on nobody may be given anything older."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.answered = dict.fromkeys(range(KEYS), 0)
        self.violations: list[str] = []
        self.reads = 0
        self._lock = threading.Lock()  # guards answered

    def write(self, random: Random) -> None:
        ids = random.sample(range(KEYS), random.choice((1, 1, 1, 3)))
        position = self.world.shard.write(*ids)
        with self._lock:
            for id in ids:
                self.answered[id] = max(self.answered[id], position)
        if random.random() < 0.5:  # the writer's own next read
            self._compare("writer", self.world.fetch(*ids, node=random.randrange(3)), dict.fromkeys(ids, position))

    def reader(self, random: Random) -> Callable[[Random], None]:
        """A person, who sees what everybody was told of, and never goes back in time, on whatever node."""
        seen = dict.fromkeys(range(KEYS), 0)

        def load(ids: list[Any], at_least: int) -> tuple[dict[Any, int], int]:
            return self.world.shard.read(ids, at_least, copy=random.randrange(3))

        def read(random: Random) -> None:
            ids = random.sample(range(KEYS), random.randint(1, 5))
            before = {id: max(seen[id], self.answered[id]) for id in ids}
            got = self.world.fetch(*ids, node=random.randrange(3), load=load, alike="posts")
            self._compare("reader", got, before)
            seen.update(got)
            self.reads += 1

        return read

    def _compare(self, who: str, got: dict[int, int], at_least: dict[int, int]) -> None:
        for id, position in at_least.items():
            if got.get(id, 0) < position:
                self.violations.append(f"{who} got post {id} of {got.get(id, 0)} instead of {position}")

    def replicate(self, random: Random) -> None:
        if random.random() < 0.3:
            self.world.shard.replicate(random.choice((0, 1, 2)))

    def disturb(self, random: Random) -> None:
        world, folder = self.world, self.folder / "global"
        disturbances: list[Callable[[], object]] = [
            world.shared.clear,
            world.nodes[0].local.clear,
            world.invalidation.forget_everything,
            lambda: setattr(world.shared, "enabled", not world.shared.enabled),
            lambda: setattr(world.shared, "loads", not world.shared.loads),
            lambda: setattr(world.invalidation.nearby, "enabled", not world.invalidation.nearby.enabled),
            lambda: setattr(world.nodes[1].local, "enabled", not world.nodes[1].local.enabled),
            lambda: shutil.rmtree(folder, ignore_errors=True),
            lambda: (folder / "cache.db").write_bytes(os.urandom(20_000)),
            lambda: os.truncate(folder / "cache.db", 4096),
        ]
        if random.random() < 0.1:
            with suppress(OSError):
                random.choice(disturbances)()


@pytest.fixture(autouse=True)
def restless() -> Iterator[None]:
    """Threads take turns far more often than they would by themselves."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def checker(tmp_path: Path) -> Iterator[Checker]:
    world = World(tmp_path, nodes=3, floor_limit=5)
    yield Checker(world, tmp_path)
    world.shared.stop()


def run(checker: Checker, seed: int, *, is_disturbed: bool) -> None:
    """Three writers, five readers, replication, and if asked somebody who breaks things, step by step in threads."""
    people = [Random(seed * 100 + number) for number in range(10)]
    acts = [checker.write] * 3 + [checker.reader(each) for each in people[3:8]] + [checker.replicate]
    if is_disturbed:
        acts.append(checker.disturb)

    errors: list[Exception] = []

    def live(act: Callable[[Random], None], person: Random) -> None:
        try:
            for _ in range(STEPS):
                act(person)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=live, args=pair) for pair in zip(acts, people, strict=False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not errors, errors
    assert not checker.violations
    assert checker.reads == 5 * STEPS


@pytest.mark.parametrize("seed", range(2))
def test_nobody_reads_anything_older_than_what_was_told_or_seen(checker: Checker, seed: int):
    run(checker, seed, is_disturbed=False)
    assert checker.world.shared.snapshot().errors == 0
    assert checker.world.invalidation.snapshot().overtaken == 0
    assert len(checker.world.invalidation.floors("0").by_key) <= 5


@pytest.mark.parametrize("seed", range(2))
def test_nor_when_nobody_waits_for_the_news_of_what_was_seen(tmp_path: Path, seed: int):
    world = World(tmp_path, nodes=3, floor_limit=5, patience=0.0)
    run(Checker(world, tmp_path), seed, is_disturbed=True)
    assert world.invalidation.snapshot().overtaken
    world.shared.stop()


@pytest.mark.parametrize("seed", range(2))
def test_nor_while_the_caches_are_emptied_lost_overwritten_and_switched(checker: Checker, seed: int):
    run(checker, seed, is_disturbed=True)
    for node in range(3):
        final = checker.world.fetch(*range(KEYS), node=node)
        assert final == checker.world.shard.read(range(KEYS), 0, copy=0)[0]
