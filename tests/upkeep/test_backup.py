"""A backup is one moment of everything, and is there whole or not at all."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from minisocial.background.dead_letters import DeadLetters
from minisocial.background.outbox import Task
from minisocial.clock import Clock
from minisocial.database import Cluster, log
from minisocial.database.loss.places import Place
from minisocial.errors import Refused
from minisocial.ids import logical_shard
from minisocial.upkeep.backup import LEAP, back_up, copy_state, moment
from minisocial.upkeep.restore import check, restore
from tests.database.world import assert_copies_equal, person, post, texts, until
from tests.upkeep.backups import PROJECT, join, kill_in_the_middle, notify


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


@pytest.fixture
def cluster(data: Path) -> Iterator[Cluster]:
    cluster = Cluster(data / "database")
    cluster.start()
    yield cluster
    cluster.stop()


def unpacked(file: Path, folder: Path) -> Path:
    with ZipFile(file) as archive:
        archive.extractall(folder)
    return folder


def test_nothing_committed_after_the_moment_is_in_it_though_it_is_copied_in_steps(
    cluster: Cluster, data: Path, file: Path, tmp_path: Path
) -> None:
    ada = person(cluster)
    for number in range(50):  # more than is copied in one step
        post(cluster, ada, f"{number} {'long ' * 100_000}")
    steps: list[str] = []

    def write_meanwhile(line: str) -> None:
        steps.append(line)
        post(cluster, ada, "later")

    manifest = back_up(cluster, data, file, write_meanwhile)
    assert sum("shard-0-" in step and "copied" in step for step in steps) > 1
    (shard,) = (shard for shard in manifest.shards if shard.name == "0")
    with closing(sqlite3.connect(unpacked(file, tmp_path / "there") / shard.path)) as copy:
        found = copy.execute("SELECT text FROM posts").fetchall()
    assert len(found) == 50 and ("later",) not in found
    assert shard.rows["posts"] == 50
    assert check(file).is_sound


def test_no_backup_holds_an_effect_without_its_cause(cluster: Cluster, data: Path, tmp_path: Path) -> None:
    """Writers publish on one shard and notify on the other, while backups are made."""
    people = [join(cluster, "ada", "0"), join(cluster, "bob", "1")]
    done = threading.Event()

    def write(author: int, reader: int) -> None:
        while not done.is_set():
            id, _ = post(cluster, author)
            notify(cluster, reader, id)

    writers = [threading.Thread(target=write, args=pair) for pair in (people, people[::-1]) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(150):
            with moment(cluster) as (shards, _record):
                assert causeless(shards["0"], shards["1"]) == set()
        reports = [backed_up_and_checked(cluster, data, tmp_path / f"{number}.zip") for number in range(3)]
    finally:
        done.set()
        for writer in writers:
            writer.join()
    for report in reports:
        assert report.is_sound and not report.remarks, str(report)
        assert report.manifest and min(shard.rows["notifications"] for shard in report.manifest.shards[1:]) > 10


def causeless(*shards: sqlite3.Connection) -> set[int]:
    """Posts that are spoken of and not there."""
    found = {table: set() for table in ("id FROM posts", "post FROM notifications")}
    for what, ids in found.items():
        for shard in shards:
            ids |= {id for (id,) in shard.execute(f"SELECT {what}")}
    return found["post FROM notifications"] - found["id FROM posts"]


def backed_up_and_checked(cluster: Cluster, data: Path, file: Path):
    back_up(cluster, data, file)
    return check(file)


def test_unpacked_by_hand_it_is_a_data_folder_that_starts(
    cluster: Cluster, data: Path, file: Path, tmp_path: Path
) -> None:
    ada, bob = person(cluster, "0"), person(cluster, "1")
    post(cluster, ada, "from ada")
    post(cluster, bob, "from bob")
    back_up(cluster, data, file)
    _, position = post(cluster, ada, "later")
    other = Cluster(unpacked(file, tmp_path / "other") / "database")
    other.start()
    try:
        assert texts(other, "0") == ["from ada"] and texts(other, "1") == ["from bob"]
        assert_copies_equal(other)
        assert [place.name for place in other.places] == ["a", "b", "c"]
        assert log.term_of(post(other, ada)[1]) > log.term_of(position) + LEAP, "positions are given out a second time"
    finally:
        other.stop()


def test_the_record_in_it_is_that_of_the_same_moment(cluster: Cluster, data: Path, file: Path, tmp_path: Path) -> None:
    back_up(Growing(cluster), data, file)  # type: ignore[arg-type]
    other = Cluster(unpacked(file, tmp_path / "other") / "database")
    other.start()
    try:
        assert other.shards == ("0", "1", "2")
    finally:
        other.stop()


class Growing:
    """A database that gets another shard just before it stands still, the first time."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def places(self) -> tuple[Place, ...]:
        return self._cluster.places

    def at_one_moment(self) -> AbstractContextManager[dict[str, sqlite3.Connection]]:
        if len(self._cluster.shards) == 2:
            self._cluster.add_shard()
        return self._cluster.at_one_moment()


def test_a_move_between_shards_goes_on_after_a_restore(
    cluster: Cluster, data: Path, file: Path, tmp_path: Path
) -> None:
    ada = person(cluster)
    new = cluster.add_shard()
    written = sorted(post(cluster, ada)[0] for _ in range(20))
    for place in "bc":
        cluster.hold(new, place)  # without a second copy of the rows the move waits before its end
    cluster.move(logical_shard(ada), new)
    until(lambda: posts_of(cluster, new) == written, "the copied rows")
    back_up(cluster, data, file)
    restore(file, tmp_path / "other")
    other = Cluster(tmp_path / "other" / "database")
    other.start()
    try:
        until(lambda: not other.control.moving, "the end of the move")
        assert other.shard_of(ada) == new
        assert (posts_of(other, "0"), posts_of(other, new)) == ([], written)
    finally:
        other.stop()


def posts_of(cluster: Cluster, shard: str) -> list[int]:
    """All that lie there, those too that do not count."""
    with cluster.read(shard, cluster.position(shard)) as reader:
        return [id for (id,) in reader.rows("SELECT id FROM posts ORDER BY id")]


def test_it_is_for_its_owners_eyes_only(cluster: Cluster, data: Path, file: Path) -> None:
    back_up(cluster, data, file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_settings_letters_pictures_and_dead_letters_are_in_it_and_what_can_be_made_anew_is_not(
    cluster: Cluster, data: Path, file: Path, tmp_path: Path
) -> None:
    for name in ("minisocial.toml", "mail/a.eml", "media/x/1.jpg", "media/x/1.jpg.part", "cache/c", "queue.db", "else"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    (data / "mail" / "link.eml").symlink_to("/etc/passwd")
    dead = DeadLetters(data / "dead.db", Clock())
    dead.open()
    dead.add(Task(1, "0", "fan_out", {"post": 5}), "it broke")
    back_up(cluster, data, file)
    dead.close()
    there = unpacked(file, tmp_path / "there")
    found = {path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file()}
    assert {path for path in found if not path.startswith("database/")} == {
        "manifest.json", "minisocial.toml", "mail/a.eml", "media/x/1.jpg", "dead.db",
    }  # fmt: skip
    assert (there / "mail/a.eml").read_text() == "mail/a.eml"
    with closing(sqlite3.connect(there / "dead.db")) as copy:
        assert copy.execute("SELECT name FROM dead_letters").fetchall() == [("fan_out",)]


def test_it_replaces_nothing(cluster: Cluster, data: Path, file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(Refused, match="replaces nothing"):
        back_up(cluster, data, file)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "is a folder"), ("nowhere/b.zip", "no folder"), ("data/database/b.zip", "is what is backed up")],
)
def test_a_place_that_can_not_be_is_refused(
    cluster: Cluster, data: Path, tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        back_up(cluster, data, tmp_path / name)


def test_one_that_is_broken_off_leaves_nothing(cluster: Cluster, data: Path, file: Path) -> None:
    def break_off(line: str) -> None:
        raise InterruptedError(4, "broken off")

    with pytest.raises(Refused, match="broken off"):
        back_up(cluster, data, file, break_off)
    assert os.listdir(file.parent) == ["data"]


def test_writes_go_on_after_one_that_was_broken_off(cluster: Cluster, data: Path, file: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        back_up(cluster, data, file, lambda line: 1 // 0)
    post(cluster, person(cluster))
    cluster.settle()


def test_a_full_disk_is_told_and_leaves_nothing(cluster: Cluster, data: Path, file: Path) -> None:
    (data / "mail").mkdir()
    (data / "mail" / "long.eml").write_bytes(os.urandom(400_000))  # which can not be packed smaller
    cluster.stop()
    command = [sys.executable, "-m", "tests.upkeep.backup_child", "little room", str(data), str(file)]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert (
        said.stdout
        == f"The disk of {file.parent} is full. Nothing was kept. Make room, or choose a folder on another disk.\n"
    )
    assert said.stderr == ""
    assert os.listdir(file.parent) == ["data"]


def test_one_that_is_killed_leaves_no_file_and_the_next_one_cleans_up(cluster: Cluster, data: Path, file: Path) -> None:
    cluster.stop()
    kill_in_the_middle("backup", data, file)
    left = [path.name for path in file.parent.iterdir() if path != data]
    assert left and all(name.endswith(".tmp") for name in left)
    again = Cluster(data / "database")
    again.start()
    try:
        back_up(again, data, file)
    finally:
        again.stop()
    assert sorted(os.listdir(file.parent)) == ["backup.zip", "data"]
    assert check(file).is_sound


def test_a_damaged_database_is_not_copied(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db", isolation_level=None)) as old:
        old.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, text TEXT)")
        old.execute("BEGIN")
        old.executemany("INSERT INTO posts (text) VALUES (?)", [("x" * 500,)] * 1000)
        old.execute("COMMIT")
    with open(tmp_path / "old.db", "r+b") as file:
        file.seek(40 * 4096)
        file.write(b"noise" * 1000)
    with closing(sqlite3.connect(tmp_path / "old.db")) as old, pytest.raises(sqlite3.DatabaseError):
        copy_state(old, tmp_path / "copy.db", lambda done, total: None)
