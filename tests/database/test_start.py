"""Opening a data folder: what is found there, what is refused, and with which sentence."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from minisocial.database import DIRECTORY, Cluster
from minisocial.database.schema import VERSION
from minisocial.errors import CannotStart, DataInUse, DataTooNew, NoPrimary, Unavailable
from tests.database.conftest import Make
from tests.database.world import assert_copies_equal, file_of, person, post, primary_of, texts


def test_what_was_written_is_there_after_a_restart(make: Make) -> None:
    first = make()
    ada = person(first, "1")
    _, position = post(first, ada, "kept")
    first.stop()
    second = make()
    assert texts(second, "1") == ["kept"]
    assert second.position("1") == position
    assert second.snapshot().shards[0].term == 1, "a restart begins no new term"


def test_stop_leaves_every_replica_complete_and_no_wal_behind(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    post(cluster, person(cluster))
    cluster.stop()
    assert sorted(path.suffix for path in cluster.root.rglob("*") if path.is_file() and path.suffix) == [
        *[".db"] * 6,
        *[".json"] * 4,
    ]
    again = make(shards=1)
    assert {copy.position for copy in again.snapshot().shards[1].copies if copy.file} == {again.position("0")}


def test_start_and_stop_may_be_repeated(make: Make) -> None:
    cluster = make(shards=1)
    cluster.stop()
    cluster.stop()
    with pytest.raises((Unavailable, NoPrimary)):
        post(cluster, 0)
    cluster.start()
    cluster.settle()
    post(cluster, person(cluster))


def test_a_second_owner_is_refused_with_the_remedy(cluster: Cluster) -> None:
    with pytest.raises(DataInUse, match="Stop it first"):
        Cluster(cluster.root, shards=1).start()
    post(cluster, person(cluster), "the first goes on")
    cluster.settle()


def test_another_process_is_refused_too(cluster: Cluster) -> None:
    code = "import sys, pathlib; from minisocial.database import Cluster; Cluster(pathlib.Path(sys.argv[1])).start()"
    command = [sys.executable, "-c", code, str(cluster.root)]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=20)
    assert "DataInUse" in ended.stderr


def test_two_clusters_in_two_folders_do_not_know_each_other(make: Make) -> None:
    one, two = make("one", shards=1), make("two", shards=1)
    post(one, person(one), "in one")
    assert [texts(cluster) for cluster in (one, two)] in ([["in one"], []], [[], []])
    with one.write("0"), two.write("0"):
        pass


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotStart, match="choose another"):
        Cluster(tmp_path / "file" / "database").start()


def test_a_newer_database_is_refused(make: Make) -> None:
    cluster = make(shards=1)
    path = file_of(cluster, DIRECTORY, "a")
    cluster.stop()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(DataTooNew, match="newer minisocial"):
        cluster.start()


def test_replicated_needs_a_replica(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="at least one replica"):
        Cluster(tmp_path, replicas=0, durability="replicated")


def test_the_map_on_record_counts_more_than_the_setting(make: Make) -> None:
    first = make(shards=2)
    ada = person(first, "1")
    post(first, ada)
    first.stop()
    more = make(shards=3)
    assert more.shards == ("0", "1")
    assert more.names == (DIRECTORY, "0", "1")
    assert more.shard_of(ada) == "1"


def test_the_primarys_file_is_missing_and_another_copy_leads(make: Make) -> None:
    cluster = make(shards=1)
    post(cluster, person(cluster), "kept")
    cluster.settle()
    path = file_of(cluster, "0", "a")
    cluster.stop()
    path.unlink()
    cluster.start()
    assert primary_of(cluster) == "b"
    assert cluster.snapshot().shards[1].term == 2
    assert texts(cluster) == ["kept"]
    post(cluster, person(cluster), "and on")
    assert_copies_equal(cluster)


def test_a_primary_full_of_noise_is_set_aside_and_another_copy_leads(make: Make) -> None:
    cluster = make(shards=1)
    post(cluster, person(cluster), "kept")
    cluster.settle()
    path = file_of(cluster, "0", "a")
    cluster.stop()
    path.write_bytes(b"noise" * 10_000)
    cluster.start()
    assert texts(cluster) == ["kept"]
    assert (path.parent / "failed-0.db").exists()
    assert_copies_equal(cluster)


def test_an_old_primary_that_comes_back_does_not_lead(make: Make) -> None:
    """Fencing: it has changes of a term that ended, and nobody else has them."""
    cluster = make(shards=1)
    ada = person(cluster)
    post(cluster, ada, "everybody has it")
    cluster.settle()
    path = file_of(cluster, "0", "a")
    cluster.hold("0", "b")
    cluster.hold("0", "c")
    post(cluster, ada, "only the old primary has it")
    cluster.stop()
    aside = path.parent.parent / "aside.db"
    shutil.move(path, aside)
    cluster.start()
    assert primary_of(cluster) == "b"
    cluster.settle()
    cluster.stop()
    for newer in path.parent.glob("shard-0-*"):
        newer.unlink()
    shutil.copy(aside, path)
    cluster.start()
    assert primary_of(cluster) == "b"
    assert_copies_equal(cluster)
    assert texts(cluster) == ["everybody has it"]


def test_a_copy_that_missed_the_last_term_does_not_lead_even_alone(make: Make) -> None:
    """What the later term acknowledged would silently be gone."""
    cluster = make(shards=1)
    post(cluster, person(cluster), "in the first term")
    cluster.settle()
    path = file_of(cluster, "0", "a")
    cluster.stop()
    shutil.move(path, cluster.root / "aside.db")
    cluster.start()
    post(cluster, person(cluster), "in the second term")
    cluster.settle()
    cluster.stop()
    for newer in cluster.root.glob("*/shard-0-*"):
        newer.unlink()
    shutil.move(cluster.root / "aside.db", path)
    with pytest.raises(CannotStart, match="lack saved changes"):
        cluster.start()


def test_without_any_file_of_the_last_term_it_refuses(make: Make) -> None:
    cluster = make(shards=1)
    post(cluster, person(cluster))
    cluster.settle()
    paths = [file_of(cluster, "0", name) for name in "abc"]
    cluster.stop()
    for path in paths:
        path.unlink()
    with pytest.raises(CannotStart, match="Put that file back"):
        cluster.start()


def test_one_lost_control_file_is_restored_and_two_are_too_many(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    cluster.stop()
    (cluster.root / "a" / "control.json").write_text("{broken")
    cluster.start()
    cluster.stop()
    for name in "bc":
        (cluster.root / name / "control.json").unlink()
    (cluster.root / "a" / "control.json").write_text(json.dumps(newer_control(cluster)))
    with pytest.raises(CannotStart, match="1 of 3"):
        cluster.start()


def test_a_lost_control_file_is_written_again_at_the_start_so_that_another_may_be_lost(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    cluster.stop()
    for name in "abc":
        (cluster.root / name / "control.json").unlink()
        cluster.start()
        cluster.stop()


def test_a_lost_control_file_is_written_again_while_it_runs(cluster: Cluster) -> None:
    (cluster.root / "b" / "control.json").unlink()
    (cluster.root / "c" / "control.json").write_text("{broken")
    cluster.control.mend()
    files = [(cluster.root / name / "control.json").read_text() for name in "abc"]
    assert files[0] == files[1] == files[2]


def newer_control(cluster: Cluster) -> dict[str, object]:
    return {
        "version": 9,
        "issued": {"0": 1, DIRECTORY: 1},
        "leaders": {"0": [1, "a"], DIRECTORY: [1, "a"]},
        "map": ["0"] * 64,
        "places": ["a", "b", "c"],
    }


def test_identifiers_go_on_growing_after_a_restart_with_the_clock_set_back(make: Make) -> None:
    from tests.fakes import ManualClock

    first = make(shards=1, clock=ManualClock(1_900_000_000))
    id, _ = post(first, person(first))
    first.settle()
    first.stop()
    second = make(shards=1, clock=ManualClock(1_899_999_000))
    assert second.new_id(id) > id


def test_new_people_are_dealt_out_over_the_shards(make: Make) -> None:
    cluster = make(shards=2)
    shards = [cluster.shard_of(cluster.new_account_id()) for _ in range(128)]
    assert shards.count("0") == shards.count("1") == 64


def test_bad_files_stay_where_they_are_when_none_may_lead(make: Make) -> None:
    """They may be all there is: nothing is set aside unless another copy leads."""
    cluster = make(shards=1)
    cluster.settle()
    paths = [file_of(cluster, "0", name) for name in "abc"]
    cluster.stop()
    kept = [path.read_bytes() for path in paths]
    for path in paths:
        path.write_bytes(b"noise" * 10_000)
    with pytest.raises(CannotStart, match="no file that may lead"):
        cluster.start()
    for path, content in zip(paths, kept, strict=True):
        path.write_bytes(content)
    cluster.start()
    assert_copies_equal(cluster)


@pytest.mark.parametrize("durability", ["commit", "replicated"])
def test_a_full_disk_is_said_and_no_file_is_taken_for_damaged(
    make: Make, monkeypatch: pytest.MonkeyPatch, durability: str
) -> None:
    """SQLite can not open a file then, and calls that an I/O error."""
    cluster = make(shards=1, durability=durability)
    post(cluster, person(cluster), "kept")
    cluster.stop()
    with monkeypatch.context() as patch:
        patch.setattr("minisocial.database.loss.places.room", lambda folder: 1000)
        with pytest.raises(CannotStart, match="is full"):
            cluster.start()
    cluster.start()
    assert texts(cluster) == ["kept"]


def test_a_full_disk_of_a_replica_keeps_nobody_from_starting(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = make(shards=1)
    post(cluster, person(cluster), "kept")
    cluster.stop()
    with monkeypatch.context() as patch:
        patch.setattr("minisocial.database.loss.places.room", lambda folder: 1000 if folder.name == "b" else 1 << 30)
        cluster.start()
        assert texts(cluster) == ["kept"]
    cluster.settle()
    assert_copies_equal(cluster)


def test_files_without_any_record_of_what_they_hold_are_refused(make: Make) -> None:
    """A map made up anew could name another shard for somebody whose rows were moved."""
    cluster = make(shards=1)
    post(cluster, person(cluster), "kept")
    cluster.settle()
    cluster.stop()
    record = (cluster.root / "a" / "control.json").read_text()
    for path in cluster.root.rglob("control.json"):
        path.unlink()
    with pytest.raises(CannotStart, match="Put one back"):
        cluster.start()
    for name in "abc":
        (cluster.root / name / "control.json").write_text(record)
    cluster.start()
    assert texts(cluster) == ["kept"]
