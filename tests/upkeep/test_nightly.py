"""Each night a backup, and never one less than before."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from minisocial.database import Cluster
from minisocial.database.schema import VERSION
from minisocial.upkeep.nightly import RETRY_SECONDS, Nightly
from minisocial.upkeep.restore import check
from tests.database.world import person, post, until
from tests.fakes import ManualClock
from tests.upkeep.backups import kill_in_the_middle

DAY = 24 * 3600.0


def at(day: int, hour: int, minute: int = 0) -> float:
    """A moment of January 2030, local time."""
    return datetime(2030, 1, day, hour, minute).timestamp()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def cluster(data: Path) -> Iterator[Cluster]:
    cluster = Cluster(data / "database", shards=1, replicas=0)
    cluster.start()
    post(cluster, person(cluster))
    yield cluster
    cluster.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(2, 3))


@pytest.fixture
def nightly(cluster: Cluster, data: Path, clock: ManualClock) -> Nightly:
    return Nightly(cluster, data, 3, clock)


def files(data: Path) -> list[str]:
    return sorted(os.listdir(data / "backups"))


def test_a_sound_backup_is_made_at_three_once_a_night(nightly: Nightly, data: Path, clock: ManualClock) -> None:
    assert nightly.step() and not nightly.step()
    assert files(data) == ["nightly-2030-01-02.zip"]
    assert check(data / "backups" / "nightly-2030-01-02.zip").is_sound
    clock.now = at(3, 2, 59)
    assert not nightly.step()
    clock.now = at(3, 3)
    assert nightly.step()
    assert nightly.snapshot().files == ("nightly-2030-01-02.zip", "nightly-2030-01-03.zip")


def test_a_machine_that_slept_makes_it_when_it_wakes(nightly: Nightly, data: Path, clock: ManualClock) -> None:
    nightly.step()
    clock.now = at(5, 10, 30)
    assert nightly.step() and not nightly.step()
    assert files(data) == ["nightly-2030-01-02.zip", "nightly-2030-01-05.zip"]


def test_it_is_not_made_twice_after_a_restart(
    nightly: Nightly, cluster: Cluster, data: Path, clock: ManualClock
) -> None:
    nightly.step()
    assert not Nightly(cluster, data, 3, clock).step()


def test_none_are_made_unless_some_are_to_be_kept(cluster: Cluster, data: Path, clock: ManualClock) -> None:
    nightly = Nightly(cluster, data, 0, clock)
    nightly.start()
    assert not nightly.step()
    nightly.stop()
    assert not (data / "backups").exists()


def test_the_newest_are_kept_and_nobody_elses_files_are_deleted(
    nightly: Nightly, data: Path, clock: ManualClock
) -> None:
    others = ["nightly-2029-01-01 keep.zip", "my-nightly-2029-01-01.zip", "nightly-2029-01-01.zip.bak", "old.tmp"]
    (data / "backups").mkdir()
    for name in others:
        (data / "backups" / name).write_text("mine")
    (data / "backups" / "nightly-2029-01-02.zip").mkdir()
    for day in range(2, 8):
        clock.now = at(day, 4)
        assert nightly.step()
    kept = [f"nightly-2030-01-0{day}.zip" for day in (5, 6, 7)]
    assert files(data) == sorted([*others, "nightly-2029-01-02.zip", *kept])


def test_the_new_one_stays_though_the_clock_was_set_back(cluster: Cluster, data: Path, clock: ManualClock) -> None:
    nightly = Nightly(cluster, data, 1, clock)
    clock.now = at(20, 4)
    nightly.step()
    clock.now = at(2, 4)
    assert nightly.step() and not nightly.step()
    assert files(data) == ["nightly-2030-01-02.zip"]


def test_one_that_fails_is_told_and_tried_again_an_hour_later(nightly: Nightly, data: Path, clock: ManualClock) -> None:
    (data / "backups").write_text("in the way")
    assert not nightly.step()
    told = nightly.snapshot()
    assert told.failed == 1 and "backups" in told.error
    (data / "backups").unlink()
    clock.advance(RETRY_SECONDS - 1)
    assert not nightly.step()
    clock.advance(1)
    assert nightly.step()
    assert nightly.snapshot().error == ""


def test_while_the_new_one_is_not_sound_the_old_ones_stay(nightly: Nightly, data: Path, clock: ManualClock) -> None:
    for day in (2, 3, 4):
        clock.now = at(day, 4)
        nightly.step()
    before = files(data)
    clock.now = at(5, 4)
    broken = Nightly(TooNew(nightly._cluster), data, 3, clock)  # type: ignore[arg-type]
    assert not broken.step()
    assert "version" in broken.snapshot().error
    assert files(data) == before


class TooNew:
    """A database whose shards say that a newer program wrote them, so that no restore would take them."""

    def __init__(self, cluster: Cluster) -> None:
        self.places = cluster.places
        self._cluster = cluster

    @contextmanager
    def at_one_moment(self) -> Iterator[Mapping[str, sqlite3.Connection]]:
        with self._cluster.at_one_moment() as shards, ExitStack() as stack:
            copies = {name: sqlite3.connect(":memory:") for name in shards}
            for name, copy in copies.items():
                stack.callback(copy.close)
                shards[name].backup(copy)
                copy.execute(f"PRAGMA user_version = {VERSION + 1}")
            yield copies


def test_one_that_was_killed_does_not_count_and_is_cleaned_up(tmp_path: Path) -> None:
    data = tmp_path / "data"
    kill_in_the_middle("nightly", data, tmp_path)
    assert files(data) and all(name.endswith(".tmp") for name in files(data))
    cluster = Cluster(data / "database")
    cluster.start()
    try:
        nightly = Nightly(cluster, data, 3, ManualClock(at(2, 4)))
        assert nightly.snapshot().files == ()
        assert nightly.step()
    finally:
        cluster.stop()
    assert files(data) == ["nightly-2030-01-02.zip"]


def test_a_rehearsal_that_was_killed_is_cleaned_up(nightly: Nightly, data: Path) -> None:
    (data / "backups" / "rehearsal-abcd1234.tmp" / "database").mkdir(parents=True)
    (data / "backups" / "nightly-2030-01-01.zip.tmp").write_text("checked when it was killed")
    nightly.step()
    assert files(data) == ["nightly-2030-01-02.zip"]


def test_a_stop_breaks_it_off_without_a_trace(nightly: Nightly, data: Path) -> None:
    nightly.start()
    nightly.stop()
    assert not nightly.step()
    assert files(data) == []
    told = nightly.snapshot()
    assert (told.failed, told.error, told.is_running) == (0, "", False)


def test_its_thread_makes_it(cluster: Cluster, data: Path, clock: ManualClock) -> None:
    nightly = Nightly(cluster, data, 3, clock, look_seconds=0.01)
    nightly.start()
    try:
        until(lambda: nightly.snapshot().made == 1, "the backup")
    finally:
        nightly.stop()
