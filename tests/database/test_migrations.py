"""From one version of the tables to the next: a host can trust it, and can go back."""

import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from minisocial.database import Cluster, log, migrations
from minisocial.database.connection import Damaged, connect, head, remove, version_of
from minisocial.database.migrations import MIGRATIONS, give_letters_an_owner, prepare
from minisocial.database.schema import DIRECTORY, LOGGED, OUTBOX, OWNERS, SHARD, VERSION
from minisocial.database.steps import Batch, LongMigration, Migration, Step
from minisocial.errors import CannotStart, DataTooNew
from tests.database.conftest import Make
from tests.database.old_folders import build, heirs, path_of, record, released
from tests.database.world import POST, Content, assert_copies_equal, content, file_of, primary_of

PROJECT = Path(__file__).parents[2]
SHARDS = ("directory", "0", "1")
TO_2 = MIGRATIONS[:1]  # the one with batches, which most of what follows is tried on


def start(root: Path, steps: tuple[Step, ...] = TO_2, **options: Any) -> list[str]:
    """What a start does before any shard leads; the words it says of it."""
    said: list[str] = []
    prepare(root.parent, heirs(root), record(root), migrations=steps, tell=said.append, **options)
    return said


def rows(root: Path) -> dict[str, Content]:
    """All that lies in place a, by shard."""
    return {shard: content(path_of(root, shard)) for shard in SHARDS}


def versions(root: Path) -> list[int]:
    """The version of each shard."""
    found = []
    for shard in SHARDS:
        with closing(connect(path_of(root, shard))) as file:
            found.append(version_of(file))
    return found


def execute(root: Path, shard: str, sql: str, many: Iterator[tuple[Any, ...]] | None = None) -> None:
    """Another program writes into the file of a shard."""
    with closing(connect(path_of(root, shard), "rw")) as file:
        file.execute("BEGIN")
        file.executemany(sql, many) if many else file.execute(sql)
        file.execute("COMMIT")


def write_letters(root: Path, shard: str, count: int) -> None:
    letters = ((f"accepted-{number}-{number % 7 << 16}", number) for number in range(count))
    execute(root, shard, "INSERT INTO letters_sent (key, at) VALUES (?, ?)", letters)


def letters(root: Path, shard: str = "0") -> list[tuple[Any, ...]]:
    return rows(root)[shard]["letters_sent"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The database folder of a community that runs version 1."""
    return build(tmp_path / "data", 1)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Where the state before will lie, after `start`."""
    return tmp_path / "data" / "before-version-2"


@pytest.fixture
def before_now(tmp_path: Path) -> Path:
    """Where the state before will lie, after a start of the whole present program."""
    return tmp_path / "data" / f"before-version-{VERSION}"


# from every version that was released


def test_every_version_before_this_one_has_its_released_schema() -> None:
    """The test that follows is worth as much as this one: write the tables down before they are changed."""
    assert released() == list(range(1, VERSION))
    assert [step.version for step in MIGRATIONS] == list(range(2, VERSION + 1))


@pytest.mark.parametrize("version", released())
def test_a_folder_of_every_released_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    root = build(tmp_path / "data", version)
    was = rows(root)
    start(root, MIGRATIONS)
    assert versions(root) == [VERSION] * 3
    for shard in SHARDS:
        assert_all_is_kept(was[shard], rows(root)[shard])
    kept = root.parent / f"before-version-{VERSION}" / "database"
    assert rows(kept) == was
    assert versions(kept) == [version] * 3


def assert_all_is_kept(was: Content, now: Content) -> None:
    """Every row is there with all it had; what it has besides says nothing yet. (Letters have tests of their own.)"""
    for name in now.keys() - {"letters_sent"}:
        old, new = was.get(name, []), now[name]
        assert [row[: len(row_then)] for row, row_then in zip(new, old, strict=True)] == old
        assert all(set(row[len(row_then) :]) <= {None} for row, row_then in zip(new, old, strict=True))


@pytest.mark.parametrize("version", released())
def test_afterwards_a_folder_is_like_a_new_one(tmp_path: Path, version: int, make: Make) -> None:
    root = build(tmp_path / "data", version)
    for folder in ("data", "new"):
        assert_copies_equal(make(folder))
    for shard in SHARDS:
        assert shape(path_of(root, shard)) == shape(path_of(tmp_path / "new" / "database", shard))


def shape(path: Path) -> dict[str, Any]:
    """Tables, columns, keys, indexes and triggers of a file; not how somebody spelt them."""
    with closing(sqlite3.connect(path)) as file:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
        tables = [name for (name,) in file.execute(names)]
        kind = file.execute("SELECT name, wr, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%' ORDER BY 1")
        sql = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql <> '' ORDER BY 1"
        return {
            "kinds": kind.fetchall(),
            "columns": {name: file.execute(f"PRAGMA table_xinfo('{name}')").fetchall() for name in tables},
            "others": [(name, " ".join(words.split())) for name, words in file.execute(sql)],
        }


def test_each_letter_belongs_to_the_person_it_was_sent_to(old: Path) -> None:
    was = letters(old)
    start(old)
    assert sorted((key, at) for _, key, at in letters(old)) == was
    assert {account for account, *_ in letters(old)} <= {account for account, *_ in rows(old)["0"]["accounts"]}
    assert all(key.endswith(f"-{account}") for account, key, _ in letters(old))


def test_a_letter_of_nobody_is_left_out_and_told_of(old: Path, before: Path, caplog: pytest.LogCaptureFixture) -> None:
    was = letters(old)
    for key in ("'by hand'", "'accepted-1-99999999999999999999'", "x'00ff'"):
        execute(old, "0", f"INSERT INTO letters_sent (key, at) VALUES ({key}, 1)")
    start(old)
    assert sorted((key, at) for _, key, at in letters(old)) == was
    assert "shard 0: 3 rows of letters_sent belong to nobody" in caplog.text
    assert len(letters(before / "database")) == len(was) + 3


def test_it_tells_how_far_it_is(old: Path) -> None:
    write_letters(old, "1", 10_000)
    said = start(old)
    assert said.index("shard 1: copied: 100 %") < said.index("shard directory: version 2, letters_sent")
    assert "shard 1: version 2, letters_sent: 50 %" in said


def test_the_copies_that_will_lead_know_what_they_are_now(old: Path) -> None:
    copies = heirs(old)
    prepare(old.parent, copies, record(old))
    assert [copy.version for copy in copies.values()] == [VERSION] * 3


def test_a_folder_that_is_up_to_date_is_left_alone(old: Path, before: Path) -> None:
    start(old)
    said = start(old)
    assert said == []
    assert [path.name for path in old.parent.glob("before*")] == [before.name]


# the state before


def test_the_state_before_is_a_data_folder_of_its_own(old: Path, before: Path, make: Make) -> None:
    """Here the present program starts on it, and brings it up to date in its turn."""
    (old.parent / "minisocial.toml").write_text("read_nodes = 3\n")
    was = rows(old)
    start(old)
    assert (before / "minisocial.toml").read_text() == "read_nodes = 3\n"
    cluster = make("data/before-version-2", replicas=2)
    assert cluster.shards == ("0", "1")
    assert_copies_equal(cluster)
    assert_all_is_kept(was["0"], content(file_of(cluster, "0", "c")) | {"_log": was["0"]["_log"]})


def test_it_holds_one_place_that_leads_everything(tmp_path: Path, before_now: Path, make: Make) -> None:
    root = build(tmp_path / "data", 1, places="cab")  # c leads
    make()
    said = record(before_now / "database")
    assert said["places"] == ["a"]
    assert said["leaders"] == {"directory": [1, "a"], "0": [1, "a"], "1": [1, "a"]}
    assert said["map"] == record(root)["map"]
    assert sorted(path.suffix for path in (before_now / "database" / "a").iterdir()) == [".db", ".db", ".db", ".json"]


def test_it_has_what_lies_in_the_wal_too(old: Path, before: Path) -> None:
    with closing(connect(path_of(old, "1"), "rw")) as other:
        other.execute("INSERT INTO letters_sent VALUES ('accepted-1-65536', 1)")
        assert Path(f"{path_of(old, '1')}-wal").stat().st_size
        start(old)
    assert letters(before / "database", "1") == [("accepted-1-65536", 1)]


def test_an_interrupted_copy_is_begun_anew(old: Path, before: Path) -> None:
    was = rows(old)

    def stop_it(words: str) -> None:
        if words.startswith("shard 0: copied"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(old.parent, heirs(old), record(old), migrations=TO_2, tell=stop_it)
    assert not before.exists()
    assert rows(old) == was
    start(old)
    assert rows(before / "database") == was
    assert [path.name for path in old.parent.glob("before*")] == [before.name]


def test_a_complete_copy_is_used_by_the_next_attempt(old: Path, before: Path) -> None:
    with pytest.raises(CannotStart):
        start(old, (Migration(2, "it fails", fail),))
    made = before.stat().st_ino
    start(old)
    assert before.stat().st_ino == made
    assert [path.name for path in old.parent.glob("before*")] == [before.name]


def test_if_the_old_program_was_used_in_between_its_state_is_copied_again(old: Path, before: Path) -> None:
    with pytest.raises(CannotStart):
        start(old, (Migration(2, "it fails", fail_everywhere),))
    was = rows(before / "database")
    for number, folder in enumerate(("before-version-2-2", "before-version-2-3"), 1):
        execute(old, "1", POST, iter([(number, 1, "later", 1)]))
        with pytest.raises(CannotStart):
            start(old, (Migration(2, "it fails", fail_everywhere),))
        assert len(rows(old.parent / folder / "database")["1"]["posts"]) == number
    assert rows(before / "database") == was


def test_a_copy_that_somebody_spoilt_does_not_count(old: Path, before: Path) -> None:
    was = rows(old)
    with pytest.raises(CannotStart):
        start(old, (Migration(2, "it fails", fail_everywhere),))
    path_of(before / "database", "0").write_bytes(b"noise " * 1000)
    start(old)
    assert rows(old.parent / "before-version-2-2" / "database") == was


def test_without_room_for_it_nothing_is_changed(old: Path, before: Path) -> None:
    was = rows(old)
    with pytest.raises(CannotStart, match=r"no room .* it takes 17 MB, and 1 MB are free. Make room and start again"):
        start(old, free=lambda folder: 1_000_000)
    assert rows(old) == was
    assert not list(old.parent.glob("before*"))


def test_a_copy_that_can_not_be_written_changes_nothing(old: Path, before_now: Path, make: Make) -> None:
    was = rows(old)
    before_now.with_name(f"{before_now.name}.tmp").write_text("in the way")
    with pytest.raises(CannotStart, match=r"could not be made .* Nothing was changed"):
        make()
    assert rows(old) == was


def test_a_damaged_file_is_not_kept_as_the_state_before(old: Path, before: Path) -> None:
    with closing(connect(path_of(old, "0"))) as database:
        page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'home_feed'").fetchone()[0]
    with open(path_of(old, "0"), "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"noise " * 600)
    with pytest.raises(CannotStart, match="could not be made"):
        start(old)
    assert not list(old.parent.glob("before*"))
    assert versions(old) == [1, 1, 1]


# a step that fails


def add_colour(db: Any, shard: str) -> None:
    db["outbox"].add_column("colour", str)


def fail(db: Any, shard: str) -> None:
    db["outbox"].transform(drop={"request_id"})
    if shard == "0":
        raise ZeroDivisionError("by zero")


def fail_everywhere(db: Any, shard: str) -> None:
    raise ZeroDivisionError("by zero")


def test_a_step_that_fails_changes_nothing_in_its_shard(old: Path) -> None:
    was = rows(old)
    steps = (Migration(2, "colours", add_colour), Migration(3, "fewer columns", fail))
    with pytest.raises(CannotStart):
        start(old, steps)
    assert versions(old) == [3, 2, 1]
    assert [row[:5] for row in rows(old)["0"]["outbox"]] == was["0"]["outbox"]
    assert rows(old)["1"] == was["1"]


def test_the_start_says_which_step_failed_and_where_everything_is_as_it_was(old: Path, before: Path) -> None:
    with pytest.raises(CannotStart) as failure:
        start(old, (Migration(2, "fewer columns", fail),))
    assert str(failure.value) == (
        "The tables could not be brought to version 2: the step “fewer columns” failed in shard 0 (ZeroDivisionError: "
        "by zero). Its rows are as they were, and the next start tries again. To go on with the minisocial you had "
        f"before, start it with --data {before}, where everything lies as it was."
    )


def test_what_was_done_before_a_failure_is_not_done_again(old: Path, before: Path) -> None:
    steps = (Migration(2, "colours", add_colour), Migration(3, "fewer columns", fail))
    with pytest.raises(CannotStart):
        start(old, steps)
    said = start(old, (steps[0], Migration(3, "nothing", lambda db, shard: None)))
    assert said == [
        "shard 0: version 3, nothing",
        "shard 1: version 2, colours",
        "shard 1: version 3, nothing",
    ]
    assert versions(old) == [3, 3, 3]


def test_when_it_is_too_late_for_a_copy_the_rest_is_done_all_the_same(old: Path, before: Path) -> None:
    with pytest.raises(CannotStart):
        start(old, (Migration(2, "fewer columns", fail),))
    for path in sorted(before.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    before.rmdir()
    with pytest.raises(CannotStart, match="restore a backup to go back"):
        start(old, (Migration(2, "fewer columns", fail),))
    start(old)
    assert versions(old) == [2, 2, 2]


# in batches


def in_batches(at_once: int = 100) -> tuple[Step, ...]:
    return (LongMigration(2, "letters_sent", partial(give_letters_an_owner, at_once=at_once)),)


def broken_off(after: int) -> tuple[Step, ...]:
    """The same, but it fails after so many batches."""

    def batches(db: Any, shard: str, ended: Any) -> Iterator[Batch]:
        for number, batch in enumerate(give_letters_an_owner(db, shard, ended, 100)):
            yield batch
            if number + 1 == after:
                raise OSError("the disk is full")

    return (LongMigration(2, "letters_sent", batches),)


def test_batches_go_on_where_they_were_broken_off(old: Path) -> None:
    write_letters(old, "1", 1000)
    with pytest.raises(CannotStart, match="the disk is full"):
        start(old, broken_off(after=3))
    assert versions(old) == [2, 2, 1]
    assert len(letters(old, "1")) == 1000, "until the last batch the old tables are as they were"
    said = start(old, in_batches())
    assert said[:3] == [
        "shard 1: version 2, letters_sent",
        "shard 1: version 2, letters_sent: 40 %",
        "shard 1: version 2, letters_sent: 50 %",
    ]
    assert len(letters(old, "1")) == 1000


def test_batches_begin_anew_if_somebody_wrote_meanwhile(old: Path) -> None:
    write_letters(old, "1", 1000)
    with pytest.raises(CannotStart):
        start(old, broken_off(after=3))
    execute(old, "1", "INSERT INTO letters_sent (key, at) VALUES ('accepted-0-1', -1)")
    execute(old, "1", "UPDATE letters_sent SET at = -1 WHERE key = 'accepted-1-65536'")
    start(old, in_batches())
    assert len(letters(old, "1")) == 1001
    assert [key for _, key, at in letters(old, "1") if at == -1] == ["accepted-0-1", "accepted-1-65536"]


def test_nothing_is_left_of_the_batches_when_they_are_done(old: Path) -> None:
    start(old, in_batches())
    tables = rows(old)["0"]
    assert not [name for name in tables if "bookmark" in name or name.endswith("_2")]


@pytest.mark.parametrize(("what", "most"), [("steps", 80), ("start", 12)])
def test_killed_at_any_moment_the_next_start_goes_on(
    old: Path, before: Path, before_now: Path, what: str, most: int
) -> None:
    for shard in ("0", "1"):
        write_letters(old, shard, 400)
    was, chance, kills = rows(old), random.Random(1), 0
    while not is_finished_after(old, what, lines=chance.randint(0, most)):
        kills += 1
    assert kills > 1
    assert rows((before_now if what == "start" else before) / "database") == was
    for shard in ("0", "1"):
        assert sorted((key, at) for _, key, at in letters(old, shard)) == sorted(was[shard]["letters_sent"])
    cluster = Cluster(old)
    cluster.start()
    try:
        assert_copies_equal(cluster)
    finally:
        cluster.stop()


def is_finished_after(root: Path, what: str, lines: int) -> bool:
    """Lets a child work until it said so much, and kills it; True if it was done before."""
    command = [sys.executable, "-m", "tests.database.migration_child", what, str(root)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
    return bool(said) and said[-1] == ""


# with the log and the replicas


def test_what_a_step_does_is_not_logged_and_the_replicas_take_a_snapshot(old: Path, make: Make) -> None:
    with closing(connect(path_of(old, "0"))) as file:
        position = head(file)
    shout = Migration(2, "shouting", lambda db, shard: db.execute("UPDATE outbox SET task = upper(task)"))
    start(old, (shout,))
    with closing(connect(path_of(old, "0"))) as file:
        assert head(file) == position
    cluster = make()
    assert_copies_equal(cluster)
    assert content(file_of(cluster, "0", "b"))["outbox"][0][1] == "NOTIFY"


def test_the_copy_that_will_lead_is_the_one_that_is_kept_and_changed(old: Path, before_now: Path, make: Make) -> None:
    was = rows(old)
    remove(path_of(old, "0", "a"))
    cluster = make()
    assert_copies_equal(cluster)
    assert primary_of(cluster, "0") == "b"
    assert rows(before_now / "database") == was


def test_a_place_that_is_lost_half_way_does_not_matter(old: Path, before: Path, make: Make) -> None:
    was = rows(old)
    start(old)
    for path in (old / "a").iterdir():
        path.unlink()
    assert_copies_equal(make())
    assert sorted((key, at) for _, key, at in letters(old)) == was["0"]["letters_sent"]
    assert [path.name for path in old.parent.glob("before*")] == [before.name], "it is the same state"


def test_readers_meet_the_new_tables_from_the_first_moment(old: Path, make: Make) -> None:
    """The replicas still have the old ones then."""
    cluster = make()
    for _ in range(100):
        with cluster.read("0") as reader:
            assert reader.rows("SELECT account FROM letters_sent")
    cluster.settle()


def test_a_copy_that_slept_through_it_takes_the_steps_when_it_leads(old: Path) -> None:
    path = path_of(old, "0", "b")
    with closing(connect(path, "rw")) as file:
        migrations.migrate(file, path.parent, "0")
        assert version_of(file) == VERSION
        assert [row[1] for row in file.execute("PRAGMA table_info(letters_sent)")] == ["account", "key", "at"]


def test_if_it_can_not_another_one_may_lead(old: Path) -> None:
    path = path_of(old, "0", "b")
    with closing(connect(path, "rw")) as file, pytest.raises(Damaged, match="the step “it fails” to version 2 failed"):
        migrations.migrate(file, path.parent, "0", (Migration(2, "it fails", fail_everywhere),))


# a newer database


def test_a_newer_database_is_refused_before_anything_is_changed(old: Path, make: Make) -> None:
    execute(old, "0", "PRAGMA user_version = 99")
    with pytest.raises(DataTooNew, match=rf"has version 99 .* knows version {VERSION}.* restore a backup from then"):
        make()
    assert versions(old) == [1, 99, 1]


def test_and_it_is_said_which_folder_this_program_can_start_on(old: Path, before: Path) -> None:
    start(old)
    before.rename(old.parent / "before-version-99")
    execute(old, "0", "PRAGMA user_version = 99")
    with pytest.raises(DataTooNew, match=re.escape(f"start this one with --data {old.parent}/before-version-99.")):
        migrations.refuse_newer(path_of(old, "0"))


def test_a_folder_that_only_has_such_a_name_is_not_named(old: Path) -> None:
    execute(old, "0", "PRAGMA user_version = 99")
    (old.parent / "before-version-7").mkdir()
    with pytest.raises(DataTooNew, match="restore a backup from then"):
        migrations.refuse_newer(path_of(old, "0"))


def test_a_folder_from_before_that_is_too_new_itself_is_not_named(old: Path, before: Path) -> None:
    start(old)
    for shard in SHARDS:
        execute(before / "database", shard, "PRAGMA user_version = 98")
        execute(old, shard, "PRAGMA user_version = 99")
    with pytest.raises(DataTooNew, match="restore a backup from then"):
        migrations.refuse_newer(path_of(old, "0"))


# the tables


@pytest.mark.parametrize("tables", [SHARD + OUTBOX, DIRECTORY + OUTBOX])
def test_every_table_of_the_schema_can_be_replicated(tables: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(tables)
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert log.tables(connection).keys() == made


def test_every_logged_column_exists() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SHARD)
        found = log.tables(connection)
        for table, columns in LOGGED.items():
            assert set(columns) <= set(found[table].columns)


def test_every_row_of_a_person_says_whose_it_is() -> None:
    """The owner is part of the key, so the log names it, and a row can not change hands."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SHARD)
        found = log.tables(connection)
        assert found.keys() == OWNERS.keys()
        for table, owner in OWNERS.items():
            assert owner in found[table].key, table
