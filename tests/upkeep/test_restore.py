"""A restore looks at everything first, and then the folder is whole; what is no sound backup is found out."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from minisocial.database import DIRECTORY, Cluster, log
from minisocial.database.schema import VERSION
from minisocial.errors import Refused
from minisocial.upkeep.archive import Archive
from minisocial.upkeep.backup import back_up
from minisocial.upkeep.restore import Report, check, restore
from tests.database.world import POST, assert_copies_equal, person, post, texts
from tests.upkeep.backups import Entries, Tamper, changed, join, kill_in_the_middle, notify, tampered, zipped

SHARD = "database/a/shard-0-"
RECORD = "database/a/control.json"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def cluster(data: Path) -> Iterator[Cluster]:
    cluster = Cluster(data / "database")
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a sound backup consists of: two people, a post, a letter."""
    data = tmp_path_factory.mktemp("community")
    cluster = Cluster(data / "database")
    cluster.start()
    ada, bob = join(cluster, "ada", "0"), join(cluster, "bob", "1")
    id, _ = post(cluster, ada, "hello bob")
    notify(cluster, bob, id)
    (data / "mail").mkdir()
    (data / "mail" / "letter.eml").write_bytes(b"Dear Bob")
    file = made(cluster, data, data / "backup.zip")
    cluster.stop()
    return file.read_bytes()


@pytest.fixture
def file(content: bytes, tmp_path: Path) -> Path:
    """That backup."""
    (tmp_path / "backup.zip").write_bytes(content)
    return tmp_path / "backup.zip"


@pytest.fixture
def started() -> Iterator[Callable[[Path], Cluster]]:
    """Starts the database of a data folder."""
    running: list[Cluster] = []

    def start(data: Path) -> Cluster:
        cluster = Cluster(data / "database")
        running.append(cluster)
        cluster.start()
        return cluster

    yield start
    for cluster in running:
        cluster.stop()


def made(cluster: Cluster, data: Path, file: Path) -> Path:
    back_up(cluster, data, file)
    return file


def only(file: Path) -> str:
    """The one fault of a backup."""
    report = check(file)
    assert len(report.faults) == 1, report.faults
    return report.faults[0]


# what becomes of a sound one


def test_a_restored_folder_starts_leads_and_rebuilds_the_replicas(
    file: Path, tmp_path: Path, started: Callable[[Path], Cluster]
) -> None:
    report = restore(file, tmp_path / "again")
    assert report.is_sound and not report.remarks
    cluster = started(tmp_path / "again")
    assert texts(cluster) == ["hello bob"]
    assert (tmp_path / "again" / "mail" / "letter.eml").read_bytes() == b"Dear Bob"
    assert_copies_equal(cluster)
    assert [copy.name for copy in cluster.snapshot().shards[0].copies] == ["a", "b", "c"]
    post(cluster, person(cluster))
    assert_copies_equal(cluster)


def test_a_rehearsal_leaves_nothing(file: Path, tmp_path: Path) -> None:
    assert str(check(file, within=tmp_path)).startswith(f"{file} is sound. The backup holds the state of ")
    assert os.listdir(tmp_path) == ["backup.zip"]


def test_positions_of_the_lost_future_are_never_given_out_again(
    cluster: Cluster, data: Path, tmp_path: Path, started: Callable[[Path], Cluster]
) -> None:
    file = made(cluster, data, tmp_path / "backup.zip")
    _, lost = post(cluster, person(cluster), "of a future that is lost")
    restore(file, tmp_path / "again")
    restored = started(tmp_path / "again")
    _, position = post(restored, person(restored))
    assert log.term_of(position) > log.term_of(lost) + 1000
    restore(file, tmp_path / "once more")
    _, other = post(started(tmp_path / "once more"), person(restored))
    assert log.term_of(other) != log.term_of(position), "two histories share their positions"


def test_files_of_the_lost_future_copied_in_later_do_not_count(
    cluster: Cluster, data: Path, tmp_path: Path, started: Callable[[Path], Cluster]
) -> None:
    post(cluster, person(cluster), "kept")
    file = made(cluster, data, tmp_path / "backup.zip")
    for number in range(20):
        post(cluster, person(cluster), f"lost {number}")
    cluster.add_shard()
    cluster.stop()
    restore(file, tmp_path / "again")
    for place in "bc":
        shutil.copytree(data / "database" / place, tmp_path / "again" / "database" / place)
    restored = started(tmp_path / "again")
    assert_copies_equal(restored)
    assert texts(restored) == ["kept"]
    assert restored.shards == ("0", "1")


def test_a_backup_of_what_was_restored_is_sound_too(
    file: Path, tmp_path: Path, started: Callable[[Path], Cluster]
) -> None:
    restore(file, tmp_path / "again")
    second = made(started(tmp_path / "again"), tmp_path / "again", tmp_path / "second.zip")
    restore(second, tmp_path / "third")
    assert texts(started(tmp_path / "third")) == ["hello bob"]


# where to


def test_only_an_empty_folder_is_restored_into(file: Path, cluster: Cluster, data: Path) -> None:
    cluster.stop()
    before = sorted(data.rglob("*"))
    with pytest.raises(Refused, match="holds something already"):
        restore(file, data)
    assert sorted(data.rglob("*")) == before
    with pytest.raises(Refused, match="is a file"):
        restore(file, file)


def test_an_empty_folder_may_have_its_readme_and_becomes_private(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir(mode=0o755)
    (folder / "README.md").write_text("what this is for")
    restore(file, folder)
    assert (folder / "README.md").read_text() == "what this is for"
    assert (folder / "database").is_dir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_refused_restore_leaves_no_trace(file: Path, tmp_path: Path) -> None:
    bad = tampered(file, lambda entries, manifest: entries.update({"mail/letter.eml": b"Dear Eve"}))
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(Refused, match=r"mail/letter\.eml is not what was backed up"):
            restore(bad, folder)
    assert os.listdir(tmp_path / "empty") == []
    assert not (tmp_path / "absent").exists()


def test_one_that_is_killed_in_the_middle_can_be_done_again(
    file: Path, tmp_path: Path, started: Callable[[Path], Cluster]
) -> None:
    folder = tmp_path / "again"
    kill_in_the_middle("restore", folder, file)
    assert all(name.endswith(".tmp") for name in os.listdir(folder))
    restore(file, folder)
    assert sorted(os.listdir(folder)) == ["database", "mail"]
    assert texts(started(folder)) == ["hello bob"]


# what is found out


def test_one_altered_byte_in_any_file_is_found(file: Path) -> None:
    with ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name != "manifest.json"]
    for name in names:

        def alter(entries: Entries, manifest: dict[str, Any], name: str = name) -> None:
            content = bytearray(entries[name])
            content[len(content) // 2] ^= 1
            entries[name] = bytes(content)

        assert only(tampered(file, alter)).startswith(f"{name} is not what was backed up")


def test_one_altered_byte_of_the_zip_itself_is_found_or_changes_nothing(file: Path, tmp_path: Path) -> None:
    chance, content = random.Random(5), file.read_bytes()
    right = check(file).manifest
    other = tmp_path / "altered.zip"
    for _ in range(60):
        altered = bytearray(content)
        altered[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        other.write_bytes(altered)
        report = check(other)
        assert report.faults or report.manifest == right


def drop(name: str) -> Tamper:
    return lambda entries, manifest: entries.pop(next(key for key in entries if key.startswith(name)))


def say(**values: Any) -> Tamper:
    return lambda entries, manifest: manifest.update(values)


def slip(entries: Entries, manifest: dict[str, Any]) -> None:
    manifest["files"][-1]["path"] = "mail/../../outside"
    entries["mail/../../outside"] = entries.pop("mail/letter.eml")


def boast(entries: Entries, manifest: dict[str, Any]) -> None:
    manifest["files"][-1]["bytes"] = 1 << 50


def add(entries: Entries, manifest: dict[str, Any]) -> None:
    entries["mail/more.eml"] = b"Dear Eve"


def lose_rows(entries: Entries, manifest: dict[str, Any]) -> None:
    manifest["shards"][1]["rows"]["posts"] += 1


def move_on(entries: Entries, manifest: dict[str, Any]) -> None:
    manifest["shards"][1]["position"] += 1


def rename(entries: Entries, manifest: dict[str, Any]) -> None:
    manifest["shards"][1]["name"] = "1"


def double(entries: Entries, manifest: dict[str, Any]) -> None:
    manifest["shards"].append(manifest["shards"][1])


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (drop(SHARD), "is missing."),
        (add, "is in it, but not in its manifest."),
        (slip, "does not belong into a data folder."),
        (lose_rows, "Shard 0 has 1 rows in posts, and had 2."),
        (move_on, "Shard 0 is at position"),
        (say(format=2, program="9.0"), "A newer minisocial (9.0) made it"),
        (say(schema=VERSION + 1), f"version {VERSION + 1} of the tables"),
        (say(files=3), "is not one that minisocial wrote."),
        (say(at=1 << 62), "is not one that minisocial wrote."),
        (say(program="\x1b[31m"), "is not one that minisocial wrote."),
        (rename, "is not one that minisocial wrote."),
        (double, "is not one that minisocial wrote."),
        (say(at=-1), "is not one that minisocial wrote."),
    ],
)
def test_what_does_not_fit_its_manifest_is_found(file: Path, tmp_path: Path, tamper: Tamper, words: str) -> None:
    assert words in only(tampered(file, tamper))
    assert not (tmp_path / "outside").exists()


def in_shard(*statements: str) -> Tamper:
    def tamper(entries: Entries, manifest: dict[str, Any]) -> None:
        name = next(name for name in entries if name.startswith(SHARD))
        entries[name] = changed(entries[name], *statements)

    return tamper


def in_record(**values: Any) -> Tamper:
    def tamper(entries: Entries, manifest: dict[str, Any]) -> None:
        record = json.loads(entries[RECORD])
        entries[RECORD] = json.dumps({**record, **values}).encode()

    return tamper


def spoil(entries: Entries, manifest: dict[str, Any]) -> None:
    name = next(name for name in entries if name.startswith(SHARD))
    entries[name] = entries[name][: 5 * 4096] + b"\x07" * 4096 + entries[name][6 * 4096 :]


def garble(entries: Entries, manifest: dict[str, Any]) -> None:
    name = next(name for name in entries if name.startswith(SHARD))
    entries[name] = b"no database " * 1000


def lose_table(entries: Entries, manifest: dict[str, Any]) -> None:
    in_shard("DROP TABLE likes")(entries, manifest)
    del manifest["shards"][1]["rows"]["likes"]


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (spoil, "Shard 0 is "),
        (garble, "Shard 0 is no sound database"),
        (in_shard("DELETE FROM posts"), "Shard 0 has 0 rows in posts, and had 1."),
        (in_shard(f"PRAGMA user_version = {VERSION + 1}"), f"version {VERSION + 1} of the tables"),
        (lose_table, "Shard 0 lacks the table likes."),
        (in_record(map=[]), "not one that minisocial wrote"),
        (in_record(map=["7"] * 64), "names some that are not there: 7."),
        (in_record(map=["directory"] * 64), "not one that minisocial wrote"),
        (in_record(shards=5), "not one that minisocial wrote"),
        (in_record(moving={"x": "0"}), "not one that minisocial wrote"),
        (in_record(moving={"3": "7"}), "names some that are not there: 7."),
        (in_record(arrived=7), "not one that minisocial wrote"),
        (in_record(floors={"0": "x"}), "not one that minisocial wrote"),
        (in_record(identities={"0": "x"}), "not one that minisocial wrote"),
        (in_record(issued={"0": 1 << 60}), "not one that minisocial wrote"),
    ],
)
def test_a_backup_that_agrees_with_itself_but_can_not_be_started_is_found(
    file: Path, tamper: Tamper, words: str
) -> None:
    assert any(words in fault for fault in check(tampered(file, tamper, is_listed=True)).faults)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_last(content: bytes) -> bytes:
    return content[:-10]


def encrypted(content: bytes) -> bytes:
    """Every entry says that it is encrypted."""
    flagged = bytearray(content)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = flagged.find(mark)
        while at >= 0:
            flagged[at + flags] |= 1
            at = flagged.find(mark, at + 4)
    return bytes(flagged)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (cut, "It is cut off, or no ZIP file"),
        (cut_last, "It is cut off, or no ZIP file"),
        (lambda content: b"", "It is cut off, or no ZIP file"),
        (lambda content: b"a text", "It is cut off, or no ZIP file"),
        (lambda content: zipped({"a": b"b"}), "no backup of minisocial"),
        (lambda content: zipped({"manifest.json": b"[" * 100_000}), "not one that minisocial wrote"),
        (lambda content: zipped({"manifest.json": b"[]"}), "not one that minisocial wrote"),
        (encrypted, "it is encrypted"),
    ],
)
def test_what_is_no_backup_is_told_in_a_sentence(file: Path, make: Callable[[bytes], bytes], words: str) -> None:
    file.write_bytes(make(file.read_bytes()))
    assert words in only(file)
    with pytest.raises(Refused, match="can not be restored"):
        restore(file, file.parent / "again")


def test_what_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert only(tmp_path / "nothing.zip") == "There is no such file."
    assert only(tmp_path) == "It is a folder; a backup is a ZIP file."


def test_an_entry_listed_twice_is_found(file: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile(file, "a") as archive:
        archive.writestr("mail/letter.eml", b"Dear Eve")
    assert "mail/letter.eml is in it twice." in check(file).faults


def test_more_than_there_is_room_for_is_not_begun(file: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Unpacked it takes 1,073,741,\d+\.\d MiB"):
        restore(tampered(file, boast), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("is_lying", [False, True])
def test_a_bomb_does_not_grow_beyond_what_its_manifest_says(file: Path, tmp_path: Path, is_lying: bool) -> None:
    """It holds a hundred million bytes where its manifest, and perhaps its index, say 8."""

    def tamper(entries: Entries, manifest: dict[str, Any]) -> None:
        entries["mail/letter.eml"] = bytes(100_000_000)

    bomb = tampered(file, tamper)
    if is_lying:
        bomb.write_bytes(bomb.read_bytes().replace((100_000_000).to_bytes(4, "little"), (8).to_bytes(4, "little")))
    folder = tmp_path / "unpacked"
    folder.mkdir()
    with closing(Archive(bomb)) as archive:
        assert "mail/letter.eml " in " ".join(archive.unpack(folder, lambda line: None))
    assert not any(path.stat().st_size > 8 for path in folder.glob("mail/*"))


# what the shards say of each other


def remarks(cluster: Cluster, data: Path, tmp_path: Path) -> tuple[str, ...]:
    report = check(made(cluster, data, tmp_path / f"{len(os.listdir(tmp_path))}.zip"))
    assert report.is_sound
    return report.remarks


def test_what_speaks_of_a_post_that_never_was_is_told_and_restored_as_it_was(
    cluster: Cluster, data: Path, tmp_path: Path
) -> None:
    ada, bob = person(cluster, "0"), person(cluster, "1")
    later = cluster.new_id(ada) + (3600_000 << 16)  # the logs reach back to before an hour from now
    notify(cluster, bob, later)
    assert remarks(cluster, data, tmp_path) == (f"In shard 1, notifications speaks of posts that never were: {later}.",)
    file = next(path for path in tmp_path.iterdir() if path.suffix == ".zip")
    assert restore(file, tmp_path / "again").remarks


def test_what_speaks_of_a_post_that_was_deleted_is_no_contradiction(
    cluster: Cluster, data: Path, tmp_path: Path
) -> None:
    ada, bob = person(cluster, "0"), person(cluster, "1")
    later = cluster.new_id(ada) + (3600_000 << 16)
    with cluster.write("0") as block:
        block.execute(POST, (later, ada, "gone", later))
    notify(cluster, bob, later)
    with cluster.write("0") as block:
        block.execute("DELETE FROM posts WHERE id = ?", (later,))
    assert remarks(cluster, data, tmp_path) == ()


def test_a_post_older_than_the_logs_may_have_been_deleted(cluster: Cluster, data: Path, tmp_path: Path) -> None:
    notify(cluster, person(cluster, "1"), cluster.new_id(person(cluster, "0")) - (3600_000 << 16))
    assert remarks(cluster, data, tmp_path) == ()


def test_a_name_without_an_account_is_told_unless_it_is_being_opened(
    cluster: Cluster, data: Path, tmp_path: Path
) -> None:
    with cluster.write(DIRECTORY) as block:
        block.execute("INSERT INTO usernames VALUES ('eve', 5)")
        block.execute("INSERT INTO emails VALUES ('eve@example.org', 5)")
    told = remarks(cluster, data, tmp_path)
    assert told == (
        "In the directory, usernames has names without an account: eve.",
        "In the directory, emails has names without an account: eve@example.org.",
    )
    with cluster.write(DIRECTORY) as block:
        block.execute("INSERT INTO outbox VALUES (1, 'open_account', ?, '', 1)", (json.dumps({"id": 5}),))
    assert remarks(cluster, data, tmp_path) == ()


def test_a_report_of_many_faults_is_short(file: Path) -> None:
    report = Report(file, None, tuple(f"Fault {number}." for number in range(9)))
    assert str(report) == f"{file} can not be restored. Fault 0. Fault 1. Fault 2. And 6 more."


@pytest.mark.parametrize(
    ("line", "remark"),
    [
        ("replicas = 99", "replicas"),
        ("colour = 1", "colour"),
        ("= =", "TOML"),
        ("replicas = " + "9" * 5000, "digits"),
        ("colour = " + "[" * 5000, "recursion"),
    ],
)
def test_a_rehearsal_says_of_settings_that_no_start_will_take_them(
    cluster: Cluster, data: Path, tmp_path: Path, line: str, remark: str
) -> None:
    (data / "minisocial.toml").write_text(f"{line}\n")
    report = check(made(cluster, data, tmp_path / "backup.zip"))
    assert report.is_sound
    (said,) = report.remarks
    assert "no start will take them: " in said and remark in said and "rehearsal-" not in said


def test_a_rehearsal_says_nothing_of_sound_settings(cluster: Cluster, data: Path, tmp_path: Path) -> None:
    (data / "minisocial.toml").write_text("replicas = 1\n")
    assert check(made(cluster, data, tmp_path / "backup.zip")).remarks == ()
