"""What comes back from the past, or from elsewhere, never leads and is never read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from minisocial.database import Cluster
from tests.database.conftest import Make
from tests.database.world import assert_copies_equal, file_of, person, post, primary_of, texts, until
from tests.fakes import ManualClock

KEPT = ["everybody has it", "in the second term"]


def two_terms(cluster: Cluster, keep: Path) -> None:
    """The whole of place a is kept as it was in the first term, with a post that only it had; then b leads."""
    ada = person(cluster)
    post(cluster, ada, KEPT[0])
    cluster.settle()
    for name in "bc":
        cluster.hold("0", name)
    post(cluster, ada, "only the old primary had it")
    cluster.stop()
    shutil.copytree(cluster.root / "a", keep)
    for path in (cluster.root / "a").glob("shard-0-*"):
        path.unlink()
    cluster.start()
    assert primary_of(cluster) == "b"
    post(cluster, person(cluster), KEPT[1])
    cluster.settle()


def put_file_back(cluster: Cluster, kept: Path) -> None:
    for path in (cluster.root / "a").glob("shard-0-*"):
        path.unlink()
    for path in kept.glob("shard-0-*"):
        shutil.copy(path, cluster.root / "a" / path.name)


def put_beside_the_new_one(cluster: Cluster, kept: Path) -> None:
    """Under a higher number, so that it looks like the newest file of the place."""
    for path in kept.glob("shard-0-*"):
        shutil.copy(path, cluster.root / "a" / "shard-0-9999999999999.db")


def put_folder_back(cluster: Cluster, kept: Path) -> None:
    shutil.rmtree(cluster.root / "a")
    shutil.copytree(kept, cluster.root / "a")


def put_folder_back_everywhere_but_the_leaders(cluster: Cluster, kept: Path) -> None:
    put_folder_back(cluster, kept)
    shutil.rmtree(cluster.root / "c")
    shutil.copytree(kept, cluster.root / "c")


def put_all_control_files_back(cluster: Cluster, kept: Path) -> None:
    """From before b led: they say that a leads the first term."""
    put_file_back(cluster, kept)
    for name in "abc":
        shutil.copy(kept / "control.json", cluster.root / name / "control.json")


@pytest.mark.parametrize(
    "put_back",
    [
        put_file_back,
        put_beside_the_new_one,
        put_folder_back,
        put_folder_back_everywhere_but_the_leaders,
        put_all_control_files_back,
    ],
)
def test_an_old_primary_never_leads_nor_serves_and_is_rebuilt(
    make: Make, tmp_path: Path, put_back: Callable[[Cluster, Path], None]
) -> None:
    cluster = make(shards=1)
    two_terms(cluster, tmp_path / "kept")
    cluster.stop()
    put_back(cluster, tmp_path / "kept")
    cluster.start()
    assert primary_of(cluster) != "a"
    for _ in range(6):  # every copy in turn
        assert texts(cluster) in (KEPT, KEPT[:1]), "a copy may lag, but never show what the others do not have"
    assert_copies_equal(cluster)
    assert texts(cluster) == KEPT
    assert cluster.snapshot().shards[1].copies[0].snapshots == 1
    assert any(report.text.startswith("a is made anew") for report in cluster.snapshot().reports)


def test_an_old_file_put_over_the_new_one_while_it_runs_is_noticed(make: Make, tmp_path: Path) -> None:
    cluster = make(shards=1)
    two_terms(cluster, tmp_path / "kept")
    (old,) = (tmp_path / "kept").glob("shard-0-*.db")
    target = file_of(cluster, "0", "a")
    shutil.copy(old, tmp_path / "incoming.db")
    (tmp_path / "incoming.db").replace(target)
    until(lambda: cluster.snapshot().shards[1].copies[0].snapshots == 2, "a new copy")
    assert_copies_equal(cluster)
    assert texts(cluster) == KEPT
    texts_told = [report.text for report in cluster.snapshot().reports]
    assert any("set aside" in text or "is not in the primary's log" in text for text in texts_told)


def test_the_clock_set_back_lets_no_old_file_lead(make: Make, tmp_path: Path) -> None:
    cluster = make(shards=1, clock=ManualClock(1_900_000_000))
    two_terms(cluster, tmp_path / "kept")
    cluster.stop()
    put_beside_the_new_one(cluster, tmp_path / "kept")
    earlier = make(shards=1, clock=ManualClock(1_800_000_000))
    assert primary_of(earlier) == "b"
    assert_copies_equal(earlier)
    assert texts(earlier) == KEPT


def test_a_file_of_another_database_is_set_aside_however_far_it_is(make: Make) -> None:
    """Positions are the same everywhere: only its number tells a stranger."""
    ours, theirs = make("ours", shards=1), make("theirs", shards=1)
    post(ours, person(ours), "ours")
    grace = person(theirs)
    for number in range(20):
        post(theirs, grace, f"theirs {number}")
    for cluster in (ours, theirs):
        cluster.settle()
        cluster.stop()
    (stranger,) = (theirs.root / "a").glob("shard-0-*.db")
    for name in "ab":
        shutil.copy(stranger, ours.root / name / "shard-0-9999999999999.db")
    ours.start()
    assert_copies_equal(ours)
    assert texts(ours) == ["ours"]
    assert sum("another database" in report.text for report in ours.snapshot().reports) == 2


def test_a_file_of_another_shard_is_set_aside(make: Make) -> None:
    cluster = make(shards=2)
    post(cluster, person(cluster, "1"), "on shard 1")
    cluster.settle()
    cluster.stop()
    (other,) = (cluster.root / "b").glob("shard-1-*.db")
    shutil.copy(other, cluster.root / "b" / "shard-0-9999999999999.db")
    cluster.start()
    assert_copies_equal(cluster)
    assert (texts(cluster, "0"), texts(cluster, "1")) == ([], ["on shard 1"])
