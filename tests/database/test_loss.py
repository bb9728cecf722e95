"""A place is lost while people read and write: whose, and how, must make no difference to them."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from minisocial.database import Cluster
from minisocial.errors import MinisocialError
from tests.database.conftest import Make
from tests.database.world import assert_copies_equal, file_of, person, post, primary_of, until

Harm = Callable[[Path], None]


def delete(path: Path) -> None:
    path.unlink()


def delete_with_wal(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def fill_with_noise(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"noise " * (path.stat().st_size // 6))


def take_away(path: Path) -> None:
    path.parent.rename(path.parent.with_name(f"away-{path.parent.name}"))


HARMS = [delete, delete_with_wal, truncate, fill_with_noise, take_away]


class Life:
    """One who writes and one who reads, until it is over; what was acknowledged, and every read that failed."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.acknowledged: list[int] = []
        self.failed: list[str] = []
        self._ada = person(cluster)
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._write, self._read)]

    def __enter__(self) -> "Life":
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(20)

    def goes_on(self) -> None:
        """Some more writes are acknowledged."""
        before = len(self.acknowledged)
        until(lambda: len(self.acknowledged) > before + 5, "the next writes")

    def _write(self) -> None:
        while not self._is_over.is_set():
            try:
                self.acknowledged.append(post(self.cluster, self._ada)[0])
            except MinisocialError:
                self._is_over.wait(0.01)

    def _read(self) -> None:
        while not self._is_over.is_set():
            try:
                with self.cluster.read("0") as reader:
                    reader.rows("SELECT count(*) FROM posts")
            except Exception as error:
                self.failed.append(repr(error))

    def missing(self) -> set[int]:
        """What was acknowledged and is not there."""
        with self.cluster.read("0", self.cluster.position("0")) as reader:
            return set(self.acknowledged) - {id for (id,) in reader.rows("SELECT id FROM posts")}


def bring_back(cluster: Cluster) -> None:
    """The folder of a lost place, as if its disk were mounted again."""
    for away in cluster.root.glob("away-*"):
        away.rename(cluster.root / away.name.removeprefix("away-"))


def failovers(cluster: Cluster) -> int:
    return cluster.snapshot().shards[1].failovers


def copies_made(cluster: Cluster) -> int:
    return sum(copy.snapshots for copy in cluster.snapshot().shards[1].copies)


@pytest.mark.parametrize("durability", ["commit", "replicated"])
@pytest.mark.parametrize("harm", HARMS)
def test_the_primarys_file_is_lost(make: Make, harm: Harm, durability: str) -> None:
    cluster = make(shards=1, durability=durability)
    cluster.settle()
    with Life(cluster) as life:
        harm(file_of(cluster, "0", "a"))
        if harm in (truncate, fill_with_noise):  # SQLite has its pages in memory; who opens the file anew sees it
            cluster._shards["0"].suspect(cluster._shards["0"].copy_named("a"), OSError("looked at"))
        until(lambda: failovers(cluster) == 1 and primary_of(cluster) in ("b", "c"), "another primary")
        life.goes_on()
        bring_back(cluster)
        until(lambda: cluster.snapshot().shards[1].copies[0].state == "up", "the place, rebuilt")
        life.goes_on()
    assert life.failed == []
    assert_copies_equal(cluster)
    missing = life.missing()
    assert not missing or durability == "commit"
    assert bool(missing) <= bool(cluster.snapshot().shards[1].lost), "a loss is told"


@pytest.mark.parametrize("harm", HARMS)
def test_a_replicas_file_is_lost(make: Make, harm: Harm) -> None:
    cluster = make(shards=1, durability="replicated")
    cluster.settle()
    with Life(cluster) as life:
        made = copies_made(cluster)
        harm(file_of(cluster, "0", "b"))
        if harm in (truncate, fill_with_noise):
            cluster._shards["0"].suspect(cluster._shards["0"].copy_named("b"), OSError("looked at"))
        if harm is take_away:
            until(lambda: bool(cluster.snapshot().shards[1].copies[1].problem), "the loss")
            bring_back(cluster)  # so soon that the same file may go on
        else:
            until(lambda: copies_made(cluster) > made, "a new copy")
        until(lambda: cluster.snapshot().shards[1].copies[1].state == "up", "the copy")
        life.goes_on()
    assert life.failed == []
    assert failovers(cluster) == 0
    assert_copies_equal(cluster)
    assert life.missing() == set()


def test_one_place_after_the_other_is_lost_until_every_file_is_a_new_one(make: Make) -> None:
    cluster = make(shards=1, durability="replicated")
    cluster.settle()
    with Life(cluster) as life:
        for name in "abcab":
            made = copies_made(cluster)
            delete_with_wal(file_of(cluster, "0", name))
            until(lambda made=made: copies_made(cluster) > made, "a new copy")  # type: ignore[misc]
            cluster.settle()
            life.goes_on()
    assert life.failed == []
    assert_copies_equal(cluster)
    assert life.missing() == set()


def test_both_replicas_are_lost_at_once(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    with Life(cluster) as life:
        made = copies_made(cluster)
        for name in "bc":
            delete_with_wal(file_of(cluster, "0", name))
        until(lambda: copies_made(cluster) >= made + 2, "two new copies")
        life.goes_on()
    assert life.failed == []
    assert_copies_equal(cluster)
    assert life.missing() == set()


def test_a_folder_that_is_gone_at_the_start_is_made_anew(make: Make) -> None:
    cluster = make(shards=1, durability="replicated")
    cluster.settle()
    with Life(cluster) as life:
        pass
    cluster.stop()
    shutil.rmtree(cluster.root / "b")
    cluster.start()
    cluster.settle()
    assert_copies_equal(cluster)
    assert life.missing() == set()
