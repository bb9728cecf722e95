"""Many write blocks, one transaction; each whole or not at all."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from minisocial.database import Change, log
from minisocial.database.connection import Replaced, connect, open_writer
from minisocial.database.group_commit import GroupCommit
from minisocial.database.stream import Stream
from minisocial.errors import InDoubt, NoPrimary, Unavailable
from tests.database.world import together, until


class Alone:
    """A shard without replicas, whose file can be declared lost."""

    def __init__(self) -> None:
        self.is_lost = False
        self.is_unconfirmed = False
        self.is_full = False
        self.positions: list[int] = []
        self.errors: list[BaseException] = []

    def about_to_commit(self) -> None:
        pass

    def full(self) -> None:
        self.is_full = True

    def check_primary(self) -> None:
        if self.is_lost:
            raise Replaced("gone")

    def committed(self, position: int) -> None:
        self.positions.append(position)

    def confirm(self, position: int) -> None:
        if self.is_unconfirmed:
            raise InDoubt("nobody else has it")

    def failed(self, error: BaseException) -> None:
        self.errors.append(error)


class World:
    def __init__(self, path: Path) -> None:
        with closing(connect(path, "rwc")) as connection:
            connection.executescript(f"BEGIN; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); {log.CREATE};")
            log.start_term(connection, 1)
            log.install(connection, log.triggers(connection))
            connection.execute("COMMIT")
        self.path = path
        self.shard = Alone()
        self.stream = Stream()
        self.commits = GroupCommit("0", self.shard, self.stream)
        self.commits.open(open_writer(path, "FULL"))

    def rows(self) -> list[int]:
        """What is committed, as another connection sees it."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [id for (id,) in connection.execute("SELECT id FROM t ORDER BY id")]

    def insert(self, id: int) -> int:
        with self.commits.write() as block:
            block.execute("INSERT INTO t VALUES (?, 'x')", (id,))
        return block.position


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "t.db")
    yield world
    world.commits.close(NoPrimary("over"))


def in_one_group(world: World, last: "threading.Thread", others: int, extra: "list[threading.Thread]") -> None:
    """Holds the first block open until all the others wait behind it."""
    with world.commits.write() as block:
        block.execute("INSERT INTO t VALUES (1, 'first')")
        for thread in [*extra, last]:
            thread.start()
        until(lambda: world.commits.waiting == others, "the other blocks")


def test_a_block_is_on_disk_when_it_is_left(world: World) -> None:
    position = world.insert(5)
    assert world.rows() == [5]
    assert position == world.shard.positions[-1] > 0


def test_blocks_that_wait_share_one_commit(world: World) -> None:
    threads = [threading.Thread(target=world.insert, args=(id,)) for id in (2, 3, 4)]
    in_one_group(world, threads[-1], 3, threads[:-1])
    for thread in threads:
        thread.join(5)
    assert world.rows() == [1, 2, 3, 4]
    assert (world.commits.blocks, world.commits.groups) == (4, 1)


def test_an_exception_undoes_its_own_block_only(world: World) -> None:
    def fail() -> None:
        with pytest.raises(ZeroDivisionError), world.commits.write() as block:
            block.execute("INSERT INTO t VALUES (2, 'no')")
            raise ZeroDivisionError

    failing, other = threading.Thread(target=fail), threading.Thread(target=world.insert, args=(3,))
    in_one_group(world, other, 2, [failing])
    failing.join(5)
    other.join(5)
    assert world.rows() == [1, 3]


def test_a_last_block_that_fails_does_not_leave_the_others_hanging(world: World) -> None:
    def fail() -> None:
        with pytest.raises(ZeroDivisionError), world.commits.write():
            raise ZeroDivisionError

    failing = threading.Thread(target=fail)
    in_one_group(world, failing, 1, [])
    failing.join(5)
    assert not failing.is_alive()
    assert world.rows() == [1]


def test_a_first_block_that_fails_takes_nobody_with_it(world: World) -> None:
    waiting = threading.Thread(target=world.insert, args=(2,))
    with pytest.raises(ZeroDivisionError):
        in_one_group_then_fail(world, waiting)
    waiting.join(5)
    assert world.rows() == [2]


def in_one_group_then_fail(world: World, waiting: threading.Thread) -> None:
    with world.commits.write() as block:
        block.execute("INSERT INTO t VALUES (1, 'no')")
        waiting.start()
        until(lambda: world.commits.waiting == 1)
        raise ZeroDivisionError


def test_a_wrong_statement_is_the_callers_error_and_the_shard_goes_on(world: World) -> None:
    world.insert(1)
    with pytest.raises(sqlite3.IntegrityError):
        world.insert(1)
    with pytest.raises(sqlite3.OperationalError), world.commits.write() as block:
        block.execute("INSERT INTO nowhere VALUES (1)")
    world.insert(2)
    assert world.rows() == [1, 2]
    assert not world.shard.errors


def test_a_full_disk_is_said_and_nothing_is_written(world: World) -> None:
    world.insert(1)
    with pytest.raises(Unavailable, match="disk is full"), world.commits.write() as block:
        block.execute("INSERT INTO t VALUES (2, 'no')")
        block.execute("PRAGMA max_page_count = 1")
        block.execute("INSERT INTO t VALUES (3, ?)", ("x" * 100_000,))
    with world.commits.write() as block:
        block.execute("PRAGMA max_page_count = 1000000")
        block.execute("INSERT INTO t VALUES (4, 'yes')")
    assert world.rows() == [1, 4]
    assert not world.shard.errors


def test_a_file_that_lost_its_name_is_not_acknowledged(world: World) -> None:
    world.shard.is_lost = True
    with pytest.raises(InDoubt):
        world.insert(1)
    assert [type(error) for error in world.shard.errors] == [Replaced]
    assert not world.shard.positions


def test_what_no_replica_confirmed_is_in_doubt(world: World) -> None:
    world.shard.is_unconfirmed = True
    with pytest.raises(InDoubt):
        world.insert(1)
    assert world.rows() == [1]


def test_without_a_primary_nothing_is_written(world: World) -> None:
    world.commits.close(NoPrimary("it failed"))
    with pytest.raises(NoPrimary):
        world.insert(1)
    assert world.rows() == []


def test_a_block_is_of_no_use_after_its_end(world: World) -> None:
    with world.commits.write() as block:
        pass
    with pytest.raises(RuntimeError):
        block.execute("INSERT INTO t VALUES (1, 'late')")
    assert world.rows() == []


def test_a_half_read_cursor_does_not_outlive_its_block(world: World) -> None:
    for id in range(5):
        world.insert(id)
    with world.commits.write() as block:
        cursor = block.execute("SELECT id FROM t")
        cursor.fetchone()
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.fetchone()


def test_consumers_have_seen_a_change_when_its_block_is_left(world: World) -> None:
    seen: list[Change] = []
    world.stream.subscribe(seen.extend)
    position = world.insert(7)
    assert [(change.op, change.table, change.key, change.position) for change in seen] == [("I", "t", (7,), position)]


def test_consumers_see_all_changes_once_and_in_order(world: World) -> None:
    seen: list[Change] = []
    world.stream.subscribe(seen.extend)

    def insert(number: int) -> None:
        for i in range(50):
            world.insert(number * 1000 + i)

    together(8, insert)
    assert [change.position for change in seen] == sorted(change.position for change in seen)
    assert sorted(change.key[0] for change in seen) == world.rows()
    assert len(seen) == 400 == world.commits.blocks


def test_a_consumer_that_fails_is_counted_and_the_others_go_on(world: World) -> None:
    seen: list[Change] = []

    def fails(changes: object) -> None:
        raise ValueError("no")

    world.stream.subscribe(fails)
    world.stream.subscribe(seen.extend)
    world.insert(1)
    assert world.stream.errors == 1
    assert len(seen) == 1


def test_counters_stay_exact_under_concurrent_writers(world: World) -> None:
    """Read, compute and write back in one block, from many threads: no update is lost."""
    with world.commits.write() as block:
        block.execute("INSERT INTO t VALUES (1, '0')")

    def count(number: int) -> None:
        for _ in range(100):
            with world.commits.write() as block:
                (value,) = block.execute("SELECT CAST(x AS INTEGER) FROM t WHERE id = 1").fetchone()
                block.execute("UPDATE t SET x = ? WHERE id = 1", (value + 1,))

    together(6, count)
    with closing(sqlite3.connect(world.path)) as connection:
        assert connection.execute("SELECT x FROM t").fetchone() == ("600",)
    assert world.commits.groups < 601


def test_a_failed_bulk_load_does_not_cost_others_their_log(world: World) -> None:
    seen: list[Change] = []
    world.stream.subscribe(seen.extend)
    with pytest.raises(ZeroDivisionError), world.commits.write(logged=False) as block:
        block.execute("INSERT INTO t VALUES (1, 'no')")
        raise ZeroDivisionError
    world.insert(2)
    assert [change.key for change in seen] == [(2,)]


def test_a_block_that_ends_the_transaction_itself_is_refused(world: World) -> None:
    with pytest.raises(RuntimeError), world.commits.write() as block:
        block.execute("COMMIT")
    world.insert(1)
    assert world.rows() == [1]
