"""All caches of a real system, in the hands of many, while copies lag and caches are lost: nobody goes back in time.

`MINISOCIAL_STRESS=full` takes it further.
"""

import os
import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import pytest

from minisocial.cache import FORMS
from minisocial.errors import InDoubt, Refused, Unavailable
from minisocial.social import Social
from minisocial.social.pages import Cursor
from minisocial.system import System
from tests.scenarios.conftest import settings

IS_FULL = os.environ.get("MINISOCIAL_STRESS") == "full"
READS = 600_000 if IS_FULL else 30_000
NODES, WRITERS, READERS = 3, 3, 5
MOST_LAG = 2.0  # seconds a replica is held
PAUSE = 0.02  # seconds between two troubles, at most

Seen = tuple[int, int]  # the number in somebody's profile; their newest post


class Witness:
    """What has been answered; from then on nobody may be given anything older."""

    def __init__(self, nodes: list[Social]) -> None:
        self.nodes = nodes
        names = [f"writer{number}" for number in range(WRITERS)]
        self.people = [nodes[0].accounts.create(name, f"{name}@example.org", "four words") for name in names]
        self.told: dict[int, Seen] = {person.id: (0, 0) for person in self.people}
        self.violations: list[str] = []
        self.done: Counter[str] = Counter()
        self.is_over = threading.Event()

    def write(self, number: int) -> None:
        """Somebody who changes their profile and publishes, and reads it at once, on any node."""
        chance, me, cookie = random.Random(number), self.people[number], dict[str, int]()
        for turn in range(1, 1 << 30):
            if self.is_over.is_set():
                return
            with self._any(chance).reading(cookie) as cookie, suppress(InDoubt, Unavailable):
                profile, post = self.told[me.id]
                if turn % 2:
                    profile = self._rename(chance, me.id, turn)
                else:
                    post = self._any(chance).posts.publish(me.id, f"post {turn}", "everyone").post.id
                self.told[me.id] = profile, post
                self._compare("the writer", me.id, self.told[me.id], self._look(chance, me.id))
                self.done["write"] += 1
            self.is_over.wait(chance.uniform(0, PAUSE))

    def _rename(self, chance: random.Random, id: int, turn: int) -> int:
        self._any(chance).accounts.edit(id, display_name="Somebody", bio=str(turn), approves_followers=True)
        return turn

    def read(self, number: int) -> None:
        """Somebody who looks at them, again and again, on any node."""
        chance, cookie = random.Random(100 + number), dict[str, int]()
        seen: dict[int, Seen] = {person.id: (0, 0) for person in self.people}
        for _ in range(READS // READERS):
            id = chance.choice(self.people).id
            told = self.told[id]
            with self._any(chance).reading(cookie) as cookie:
                found = self._look(chance, id)
            self._compare("a reader", id, _newest(told, seen[id]), found)
            seen[id] = _newest(seen[id], found)
            self.done["read"] += 1

    def _look(self, chance: random.Random, id: int) -> Seen:
        """Through the caches of any node, or what it has derived of them."""
        node = self._any(chance)
        if chance.random() < 0.5:
            return _what_is_there(node, id)
        return node.derive(("page", id), lambda: _what_is_there(node, id), lambda page: 100)

    def _any(self, chance: random.Random) -> Social:
        return chance.choice(self.nodes)

    def _compare(self, who: str, id: int, at_least: Seen, found: Seen) -> None:
        if found[0] < at_least[0] or found[1] < at_least[1]:
            self.violations.append(f"{who} saw {found} of {id} instead of {at_least}")


def _what_is_there(node: Social, id: int) -> Seen:
    newest = node.feeds.profile(id, id, Cursor(limit=1)).items
    return int(node.accounts.get(id).bio or 0), newest[0].post.id if newest else 0


def _newest(one: Seen, other: Seen) -> Seen:
    return max(one[0], other[0]), max(one[1], other[1])


class Trouble:
    """What is done to copies and caches meanwhile, one thing after the other, until it is over."""

    def __init__(self, system: System, nodes: list[Social], is_over: threading.Event) -> None:
        self._system = system
        self._nodes = nodes
        self._is_over = is_over
        self._chance = random.Random(7)
        self._folder = system.settings.data / "cache"
        self.done: Counter[str] = Counter()

    def with_copies(self) -> None:
        self._go_on([self.lag, self.take_down, self.promote])

    def with_caches(self) -> None:
        self._go_on(
            [
                self.empty_local,
                self.empty_global,
                self.forget,
                self.switch_local,
                self.switch_global,
                self.switch_nearby,
                self.change_form,
                self.delete_folder,
                self.overwrite,
                self.cut_short,
            ]
        )

    def _go_on(self, troubles: list[Callable[[], object]]) -> None:
        while not self._is_over.wait(self._chance.uniform(0, PAUSE)):
            trouble = self._chance.choice(troubles)
            with suppress(OSError, Refused, Unavailable):
                trouble()
                self.done[trouble.__name__] += 1

    def lag(self) -> None:
        """Up to two seconds, most often much less."""
        shard, copy = self._replica()
        self._system.cluster.hold(shard, copy)
        self._is_over.wait(MOST_LAG * self._chance.random() ** 4)
        self._system.cluster.release(shard, copy)

    def take_down(self) -> None:
        shard, copy = self._replica()
        self._system.cluster.take_down(shard, copy)
        self._is_over.wait(self._chance.uniform(0, PAUSE))
        self._system.cluster.bring_up(shard, copy)

    def promote(self) -> None:
        self._system.cluster.promote(*self._replica())

    def _replica(self) -> tuple[str, str]:
        shard = self._chance.choice(self._system.cluster.shards)
        copies = self._system.cluster.named(shard).copies
        primary = self._system.cluster.named(shard).primary
        return shard, self._chance.choice([copy.name for copy in copies if copy is not primary])

    def empty_local(self) -> None:
        self._chance.choice(self._nodes).store.cache.local.clear()

    def empty_global(self) -> None:
        self._system.caches.shared.clear()

    def forget(self) -> None:
        self._system.caches.invalidation.forget_everything()

    def switch_local(self) -> None:
        local = self._chance.choice(self._nodes).store.cache.local
        local.enabled = not local.enabled

    def switch_global(self) -> None:
        shared = self._system.caches.shared
        shared.enabled = not shared.enabled

    def switch_nearby(self) -> None:
        nearby = self._system.caches.invalidation.nearby
        nearby.enabled = not nearby.enabled

    def change_form(self) -> None:
        self._system.caches.form = self._chance.choice(FORMS)

    def delete_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def overwrite(self) -> None:
        (self._folder / "cache.db").write_bytes(self._chance.randbytes(20_000))

    def cut_short(self) -> None:
        os.truncate(self._folder / "cache.db", 4096)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(settings(tmp_path / "data"))
    try:
        system.start(is_served=False)
        yield system
    finally:
        system.stop()


def test_nobody_sees_anything_older_than_what_was_answered_or_seen(system: System) -> None:
    nodes = [
        Social(system.cluster, system.caches.for_node(f"node-{n}"), system.background, system.hasher, system.clock)
        for n in range(NODES)
    ]
    witness = Witness(nodes)
    trouble = Trouble(system, nodes, witness.is_over)
    with ThreadPoolExecutor(WRITERS + READERS + 2) as pool:
        aside = [pool.submit(witness.write, number) for number in range(WRITERS)]
        aside += [pool.submit(trouble.with_copies), pool.submit(trouble.with_caches)]
        reading = [pool.submit(witness.read, number) for number in range(READERS)]
        wait(reading)
        witness.is_over.set()
    for ended in (*reading, *aside):
        ended.result()
    assert witness.violations == []
    assert witness.done["read"] == READS and witness.done["write"] > WRITERS
    assert len(trouble.done) > 5, trouble.done
    background = system.snapshot()
    assert background.global_cache.errors or not trouble.done["delete_folder"]
