"""Places and shards come and go while the database runs."""

import shutil
from pathlib import Path

import pytest

from minisocial.database import Cluster
from minisocial.errors import CannotStart, Refused
from tests.database.conftest import Make
from tests.database.world import assert_copies_equal, person, post, primary_of, texts, together, until


def names(cluster: Cluster) -> list[str]:
    return [place.name for place in cluster.places]


def test_a_place_that_is_added_gets_a_copy_of_every_shard(make: Make) -> None:
    cluster = make(replicas=1)
    post(cluster, person(cluster), "kept")
    assert cluster.add_replica() == "c"
    cluster.settle()
    assert_copies_equal(cluster)
    assert all(len(shard.copies) == 3 for shard in cluster.snapshot().shards)
    assert sorted(path.name[:8] for path in (cluster.root / "c").glob("*.db")) == ["shard-0-", "shard-1-", "shard-di"]


def test_a_place_may_lie_elsewhere_and_is_found_after_a_restart(make: Make, tmp_path: Path) -> None:
    cluster = make(shards=1, replicas=1)
    elsewhere = tmp_path / "other disk" / "copies"
    assert cluster.add_replica(elsewhere) == "c"
    cluster.settle()
    cluster.stop()
    again = make(shards=1, replicas=1)
    assert names(again) == ["a", "b", "c"]
    assert again.places[2].folder == elsewhere
    again.promote("0", "c")
    post(again, person(again), "on the other disk")
    assert_copies_equal(again)


def test_a_folder_in_use_is_no_new_place(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear Ada")
    with pytest.raises(Refused, match="holds something"):
        cluster.add_replica(tmp_path / "mine")
    with pytest.raises(Refused, match="a place already"):
        cluster.add_replica(cluster.root / "b")
    assert names(cluster) == ["a", "b", "c"]
    assert (tmp_path / "mine" / "letter.txt").exists()


def test_a_place_where_a_copy_leads_hands_over_before_it_goes(cluster: Cluster) -> None:
    ada = person(cluster)
    post(cluster, ada, "before")
    cluster.remove_replica("a")
    assert names(cluster) == ["b", "c"]
    assert primary_of(cluster) in ("b", "c")
    assert [path.name for path in (cluster.root / "a").iterdir()] == []
    post(cluster, ada, "after")
    assert_copies_equal(cluster)
    assert texts(cluster) == ["before", "after"]


def test_what_was_removed_stays_removed_over_a_restart(cluster: Cluster) -> None:
    cluster.remove_replica("b")
    cluster.stop()
    cluster.start()
    assert names(cluster) == ["a", "c"]


def test_the_last_copy_is_not_removed_nor_the_one_that_confirms(make: Make) -> None:
    one = make("one", shards=1, replicas=0)
    with pytest.raises(Refused, match="needed"):
        one.remove_replica("a")
    two = make("two", shards=1, replicas=1, durability="replicated")
    with pytest.raises(Refused, match="needed"):
        two.remove_replica("b")
    with pytest.raises(Refused, match="no place x"):
        two.remove_replica("x")


def test_the_setting_is_followed_when_it_changes(make: Make) -> None:
    cluster = make(shards=1, replicas=1)
    post(cluster, person(cluster), "kept")
    cluster.stop()
    more = make(shards=1, replicas=3)
    assert names(more) == ["a", "b", "c", "d"]
    more.settle()
    assert_copies_equal(more)
    more.stop()
    fewer = make(shards=1, replicas=0)
    assert names(fewer) == ["a"]
    assert texts(fewer) == ["kept"]


def test_a_setting_that_did_not_change_undoes_no_command(make: Make) -> None:
    cluster = make(shards=1, replicas=1)
    cluster.add_replica()
    cluster.settle()
    cluster.stop()
    assert names(make(shards=1, replicas=1)) == ["a", "b", "c"]


def test_writers_go_on_while_places_come_and_go(make: Make) -> None:
    cluster = make(shards=1, replicas=1)
    cluster.settle()
    is_over: list[bool] = []
    written: list[list[int]] = [[], [], []]

    def work(number: int) -> None:
        if number == 3:
            for _ in range(3):
                added = cluster.add_replica()
                cluster.settle()
                cluster.remove_replica(next(name for name in names(cluster) if name != added))
            is_over.append(True)
            return
        ada = person(cluster)
        while not is_over:
            written[number].append(post(cluster, ada)[0])

    together(4, work)
    assert_copies_equal(cluster)
    with cluster.read("0", cluster.position("0")) as reader:
        found = [id for (id,) in reader.rows("SELECT id FROM posts ORDER BY id")]
    assert found == sorted(id for ids in written for id in ids)


def test_a_shard_that_is_added_is_there_after_a_restart_and_holds_nothing_yet(make: Make) -> None:
    cluster = make(shards=1)
    assert cluster.add_shard() == "1"
    assert cluster.shards == ("0", "1")
    assert texts(cluster, "1") == []
    cluster.settle()
    assert_copies_equal(cluster)
    cluster.stop()
    again = make(shards=1)
    assert again.shards == ("0", "1")
    assert all(again.shard_of(again.new_account_id()) == "0" for _ in range(64))


def test_consumers_hear_of_a_shard_that_was_added(make: Make) -> None:
    cluster = make(shards=1)
    heard: list[str] = []
    cluster.subscribe(lambda changes: heard.extend(change.shard for change in changes))
    cluster.add_shard()
    with cluster.write("1") as block:
        block.execute("INSERT INTO likes VALUES (1, 1)")
    assert heard == ["1"]


def test_a_place_whose_folder_is_gone_is_rebuilt_once_it_is_back(cluster: Cluster, tmp_path: Path) -> None:
    ada = person(cluster)
    post(cluster, ada, "before")
    cluster.settle()
    shutil.move(cluster.root / "a", tmp_path / "away")
    until(lambda: primary_of(cluster) in ("b", "c"), "a new primary")
    post(cluster, ada, "meanwhile")
    assert not (cluster.root / "a").exists()
    assert cluster.snapshot().shards[1].copies[0].problem
    shutil.move(tmp_path / "away", cluster.root / "a")
    until(lambda: not cluster.snapshot().shards[1].copies[0].problem, "the folder")
    until(lambda: all(copy.file for copy in cluster.snapshot().shards[1].copies), "a new copy")
    assert_copies_equal(cluster)
    assert texts(cluster) == ["before", "meanwhile"]


def test_places_that_all_lie_elsewhere_are_found_again(make: Make, tmp_path: Path) -> None:
    cluster = make(shards=1, replicas=0)
    post(cluster, person(cluster), "kept")
    cluster.add_replica(tmp_path / "elsewhere")
    cluster.settle()
    cluster.remove_replica("a")
    cluster.stop()
    cluster.start()
    assert (names(cluster), texts(cluster)) == (["b"], ["kept"])
    cluster.stop()
    (tmp_path / "elsewhere").rename(tmp_path / "not mounted")
    with pytest.raises(CannotStart, match="Only 0 of 1"):
        cluster.start()


def test_a_new_place_is_for_its_owner_only_and_not_among_other_data(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    cluster.add_replica(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700
    with pytest.raises(Refused, match="lies in the data folder"):
        cluster.add_replica(cluster.root.parent / "mail")


def test_a_link_to_a_disk_that_is_gone_keeps_nobody_from_starting(cluster: Cluster, tmp_path: Path) -> None:
    post(cluster, person(cluster), "kept")
    cluster.settle()
    cluster.stop()
    shutil.rmtree(cluster.root / "b")
    (cluster.root / "b").symlink_to(tmp_path / "not mounted")
    cluster.start()
    assert texts(cluster) == ["kept"]
    assert cluster.snapshot().shards[1].copies[1].problem


def test_a_link_leads_to_the_folder_it_leads_to_today(cluster: Cluster, tmp_path: Path) -> None:
    """Whoever points it elsewhere tomorrow has not moved a place with it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    name = cluster.add_replica(tmp_path / "link")
    assert cluster.control.place(name).folder == tmp_path / "disk"
    assert_copies_equal(cluster)
    (tmp_path / "other").symlink_to(tmp_path / "disk")
    with pytest.raises(Refused, match="is a place already"):
        cluster.add_replica(tmp_path / "other")
    (tmp_path / "inside").symlink_to(cluster.root.parent)
    with pytest.raises(Refused, match="lies in the data folder"):
        cluster.add_replica(tmp_path / "inside" / "e")


def test_a_link_to_a_disk_that_is_not_mounted_is_no_new_place(cluster: Cluster, tmp_path: Path) -> None:
    """The folder would be made on the disk of the system."""
    (tmp_path / "link").symlink_to(tmp_path / "not mounted" / "places")
    with pytest.raises(Refused, match="Is its disk mounted"):
        cluster.add_replica(tmp_path / "link")
    assert not (tmp_path / "not mounted").exists()


@pytest.mark.parametrize(("there", "set_to", "warns"), [(2, 1, False), (1, 2, True), (2, 2, False)])
def test_a_start_with_fewer_shards_than_set_warns_and_one_with_more_does_not(
    make: Make, caplog: pytest.LogCaptureFixture, there: int, set_to: int, warns: bool
) -> None:
    make(shards=there, replicas=0).stop()
    make(shards=set_to, replicas=0)
    assert ("as set" in caplog.text) is warns
