"""A copy that is far behind rests while it catches up, where that helps somebody, and only there."""

import sqlite3
import threading
from collections.abc import Iterator

import pytest

from minisocial.database import Cluster
from minisocial.database.connection import CACHE_KIB
from minisocial.database.copies import Copy
from minisocial.database.loss.places import Place
from minisocial.database.pacing import ALL_RESTS, LONG, LONG_KIB, MOST_REST, Pace
from tests.database.conftest import Make
from tests.database.test_catch_up import write_very_much
from tests.database.world import assert_copies_equal, person, post, until
from tests.fakes import ManualClock

WORK = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) FROM n"


class Rests(threading.Event):
    """The end of the shard, which never comes: remembers who waited for it, and how long."""

    def __init__(self, shard: "Shard") -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._shard = shard

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        if self._shard.primary:
            self._shard.primary.position += self._shard.writes
        return False


class Shard:
    """What a pace knows of its shard."""

    def __init__(self, primary: Copy) -> None:
        self.primary: Copy | None = primary
        self.writes = 1  # during each rest
        self.awaited = False
        self.closing: threading.Event = Rests(self)

    def is_awaited(self, copy: Copy) -> bool:
        return self.awaited


class PassingClock(ManualClock):
    """Each look at it takes a while."""

    step = 0.02

    def monotonic(self) -> float:
        self.advance(self.step)
        return super().monotonic()


class World:
    """A pace with a connection that works."""

    def __init__(self, folder: Place) -> None:
        self.clock = PassingClock()
        self.primary, self.copy = Copy("0", folder, self.clock), Copy("0", folder, self.clock)
        self.shard = Shard(self.primary)
        self.pace = Pace(self.copy, self.shard, self.clock)
        self.connection = sqlite3.connect(":memory:")
        self.pace.watch(self.connection)

    def step(self, distance: int = 100, writes: bool = True) -> int:
        """One step; how often it rested."""
        before = self.pace.rests
        self.pace.begin(self.connection, self.primary, distance)
        self.primary.position += writes
        self.connection.execute(WORK).fetchall()
        self.pace.end(self.connection)
        return self.pace.rests - before


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("place")
    made = World(Place("a", folder, folder))
    yield made
    made.connection.close()


def test_a_long_step_rests_for_longer_than_it_works_while_somebody_writes(world: World) -> None:
    assert world.step() > 3
    rests = world.shard.closing.seconds  # type: ignore[attr-defined]
    assert all(world.clock.step < rest <= MOST_REST for rest in rests[1:])


def test_a_short_step_does_not_rest(world: World) -> None:
    world.clock.step = 0.0
    assert world.step() == 0


@pytest.mark.parametrize("why", ["nobody writes", "commits wait for this copy", "no copy leads", "another copy leads"])
def test_it_does_not_rest_when_nobody_gains_by_it(world: World, why: str) -> None:
    if why == "nobody writes":
        assert world.step(writes=False) == 0
        return
    world.shard.awaited = why == "commits wait for this copy"
    if why == "no copy leads":
        world.shard.primary = None
    if why == "another copy leads":
        world.shard.primary, world.copy.position = world.copy, 10
    assert world.step() == 0


def test_it_ends_its_rests_when_the_last_writer_has_gone(world: World) -> None:
    world.shard.writes = 0
    assert world.step() == 1, "what was written before it is all there was"


def test_a_copy_that_falls_behind_though_it_follows_does_not_rest(world: World) -> None:
    """Writers who write faster than it follows with its rests would leave it behind for ever."""
    assert world.step(distance=100) > 0
    assert world.step(distance=90) == 0, "it had a hundred to go, and has nearly as many again"
    assert world.step(distance=90) > 0, "at full speed it came nearer"
    assert world.step(distance=40) > 0


def test_a_copy_that_was_away_again_rests_again(world: World) -> None:
    assert world.step(distance=100) > 0
    world.clock.advance(60)
    assert world.step(distance=1000) > 0


def test_nothing_rests_outside_of_a_step(world: World) -> None:
    world.step()
    before = world.pace.rests
    world.primary.position += 1
    world.connection.execute(WORK).fetchall()
    assert world.pace.rests == before


def test_it_rests_for_so_long_in_one_step_and_no_longer(world: World) -> None:
    """The WAL of the primary grows meanwhile."""
    world.clock.step = 1.0
    before = world.pace.rests
    world.pace.begin(world.connection, world.primary, 100)
    world.primary.position += 1
    for _ in range(30):
        world.connection.execute(WORK).fetchall()
    world.pace.end(world.connection)
    rests = world.shard.closing.seconds  # type: ignore[attr-defined]
    assert world.pace.rests - before == len(rests) == ALL_RESTS / MOST_REST


def test_a_copy_that_is_taken_away_does_not_rest(world: World) -> None:
    world.pace.hurry()
    assert world.step() == 0


def test_a_long_step_has_more_memory_and_gives_it_back(world: World) -> None:
    def kib() -> int:
        return -int(world.connection.execute("PRAGMA cache_size").fetchone()[0])

    world.pace.begin(world.connection, world.primary, LONG + 1)
    assert kib() == LONG_KIB
    world.pace.end(world.connection)
    assert kib() == CACHE_KIB


# in a real database


def rests(cluster: Cluster) -> int:
    shard = cluster.named("0")
    return shard.follower_of(shard.copy_named("b")).pace.rests


def catch_up_while_somebody_writes(cluster: Cluster) -> None:
    """Lets copy b follow over 40,000 changes."""
    cluster.settle()
    shard, ended = cluster.named("0"), threading.Event()
    cluster.hold("0", "b")
    write_very_much(cluster, 40_000)
    ada, head = person(cluster), cluster.position("0")

    def write() -> None:
        while not ended.is_set():
            post(cluster, ada)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        cluster.release("0", "b")
        until(lambda: shard.copy_named("b").position >= head, "the replica")
    finally:
        ended.set()
        writer.join()


def test_a_replica_makes_room_for_writers_and_comes_to_equal_its_primary(make: Make) -> None:
    cluster = make(shards=1)
    catch_up_while_somebody_writes(cluster)
    assert rests(cluster) > 0
    assert_copies_equal(cluster)


def test_the_only_replica_that_can_confirm_commits_does_not_rest(make: Make) -> None:
    cluster = make(shards=1, replicas=1, durability="replicated", confirm_seconds=30)
    cluster.settle()
    shard = cluster.named("0")
    assert shard.is_awaited(shard.copy_named("b"))
    more = make("more", shards=1, replicas=2, durability="replicated")
    more.settle()
    shard = more.named("0")
    assert not shard.is_awaited(shard.copy_named("b"))
    more.hold("0", "c")
    assert shard.is_awaited(shard.copy_named("b"))
