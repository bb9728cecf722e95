"""A logical shard moves while it is read and written; whatever happens, each row is there once."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from minisocial import ids
from minisocial.database import Cluster
from minisocial.database.growth.moving import CATCHING_UP, CLEARING, COPYING, WAITING, Mover
from minisocial.database.growth.routing import evened_out, spread
from minisocial.database.schema import OWNERS
from minisocial.database.snapshot import Move
from minisocial.errors import Refused, Unavailable
from tests.database.conftest import Make
from tests.database.world import POST, assert_copies_equal, file_of, person, primary_of, together, until

PROJECT = Path(__file__).parents[2]
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def cluster(make: Make) -> Cluster:
    """Two shards, each with a replica."""
    return make(shards=2, replicas=1)


@pytest.fixture
def ada(cluster: Cluster) -> int:
    """Somebody on shard 0, who has some rows in every table."""
    ada = person(cluster, "0")
    fill(cluster, ada)
    return ada


def fill(cluster: Cluster, account: int, count: int = 3) -> None:
    """Rows of a person in every table, with values that tell one from the other."""
    with cluster.write_home(account) as block:
        for table, owner in OWNERS.items():
            columns = block.execute(f"SELECT name, type, pk FROM pragma_table_info('{table}')").fetchall()
            for _ in range(count):
                values = [value(cluster, account, name == owner, kind) for name, kind, _ in columns]
                block.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(values))})", values)


def value(cluster: Cluster, account: int, is_owner: bool, kind: str) -> Any:
    id = cluster.new_id(account)
    if is_owner:
        return id
    return id + 1 if kind == "INTEGER" else f"text {id}"


def write_post(cluster: Cluster, author: int) -> int:
    id = cluster.new_id(author)
    with cluster.write_home(author) as block:
        block.execute(POST, (id, author, "hello", id))
    return id


def rows_on(cluster: Cluster, shard: str, logical: int) -> Rows:
    """What a shard's primary holds of a logical shard, whether it counts or not."""
    found: Rows = {}
    with closing(sqlite3.connect(file_of(cluster, shard, primary_of(cluster, shard)))) as connection:
        for table, owner in OWNERS.items():
            where = f"{ids.logical_shard_sql(owner)} = {logical}"
            found[table] = sorted(connection.execute(f"SELECT * FROM {table} WHERE {where}").fetchall(), key=repr)
    return {table: rows for table, rows in found.items() if rows}


def all_posts(cluster: Cluster) -> list[int]:
    """The posts that a list over all shards shows."""

    def find() -> list[int]:
        found = []
        for shard in cluster.shards:
            with cluster.read(shard, cluster.position(shard)) as reader:
                found += [id for (id,) in reader.rows(f"SELECT id FROM posts WHERE {reader.own('id')}")]
        return sorted(found)

    return cluster.gather(find)


def posts_of(cluster: Cluster, author: int) -> list[int]:
    with cluster.read_home(author) as reader:
        return [id for (id,) in reader.rows("SELECT id FROM posts WHERE author = ? ORDER BY id", (author,))]


def by_hand(cluster: Cluster) -> Mover:
    """The mover, at rest: the test calls its steps."""
    cluster.mover.stop()
    cluster.mover.grace = 0.0
    return cluster.mover


def the_move(cluster: Cluster) -> Move:
    (move,) = cluster.snapshot().moves
    return move


def step_until(cluster: Cluster, is_so: Callable[[Move], bool]) -> None:
    """Steps until the only move is so."""
    for _ in range(1000):
        if is_so(the_move(cluster)):
            return
        threading.Event().wait(cluster.mover.step())
    raise AssertionError(f"it never was so: {the_move(cluster)}")


def finish(cluster: Cluster) -> None:
    """The moves on record are done by the cluster's own thread."""
    by_hand(cluster).start()
    until(lambda: not cluster.snapshot().moves, "the end of the moves")


def go(cluster: Cluster, account: int, to: str) -> None:
    """Moves a person's logical shard."""
    cluster.move(ids.logical_shard(account), to)
    finish(cluster)


# --- all that moves


def test_every_row_arrives_and_none_is_left(cluster: Cluster, ada: int) -> None:
    logical = ids.logical_shard(ada)
    neighbour = person(cluster, "0")
    fill(cluster, neighbour)
    before, beside = rows_on(cluster, "0", logical), rows_on(cluster, "0", ids.logical_shard(neighbour))
    assert before.keys() == OWNERS.keys()
    go(cluster, ada, "1")
    assert cluster.shard_of(ada) == "1"
    assert rows_on(cluster, "1", logical) == before
    assert rows_on(cluster, "0", logical) == {}
    assert rows_on(cluster, "0", ids.logical_shard(neighbour)) == beside
    assert_copies_equal(cluster)


def test_more_rows_than_fit_a_page_arrive(cluster: Cluster, ada: int) -> None:
    fill(cluster, ada, 1_100)
    before = rows_on(cluster, "0", ids.logical_shard(ada))
    go(cluster, ada, "1")
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == before
    assert rows_on(cluster, "0", ids.logical_shard(ada)) == {}


def test_what_changes_while_it_is_copied_arrives_as_it_is_then(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    logical = ids.logical_shard(ada)
    cluster.move(logical, "1")
    step_until(cluster, lambda move: move.state == CATCHING_UP)
    fill(cluster, ada)
    with cluster.write_home(ada) as block:
        block.execute("UPDATE posts SET text = 'changed' WHERE id = (SELECT min(id) FROM posts)")
        block.execute("DELETE FROM likes WHERE account = (SELECT min(account) FROM likes)")
        block.execute("DELETE FROM notifications WHERE key = (SELECT min(key) FROM notifications)")
        block.execute("UPDATE post_tags SET tag = 'renamed' WHERE tag = (SELECT max(tag) FROM post_tags)")
    now = rows_on(cluster, "0", logical)
    finish(cluster)
    assert rows_on(cluster, "1", logical) == now


def test_it_can_come_back(cluster: Cluster, ada: int) -> None:
    before = rows_on(cluster, "0", ids.logical_shard(ada))
    go(cluster, ada, "1")
    post = write_post(cluster, ada)
    go(cluster, ada, "0")
    now = rows_on(cluster, "0", ids.logical_shard(ada))
    assert [row for row in now["posts"] if row[0] != post] == before["posts"]
    assert post in posts_of(cluster, ada)
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == {}


def test_the_outbox_stays_where_it_was_written(cluster: Cluster, ada: int) -> None:
    with cluster.write_home(ada) as block:
        block.execute("INSERT INTO outbox VALUES (?, 'greet', '{}', '', 0)", (cluster.new_id(ada),))
    go(cluster, ada, "1")
    for shard, expected in ("0", 1), ("1", 0):
        with cluster.read(shard, cluster.position(shard)) as reader:
            assert reader.row("SELECT count(*) FROM outbox") == (expected,)


# --- who reads and writes meanwhile


def test_nobody_notices(cluster: Cluster) -> None:
    """Writers on a logical shard that goes to and fro; readers who look at their rows, at all rows, at one moment."""
    cluster.mover.grace = 0.1
    ada = person(cluster, "0")
    written: list[list[int]] = [[] for _ in range(4)]
    is_over = threading.Event()

    def write(number: int) -> None:
        while not is_over.is_set():
            written[number].append(write_post(cluster, ada))

    def read() -> None:
        while not is_over.is_set():
            acknowledged = {id for ids in written for id in ids}
            with cluster.read_home(ada, cluster.position) as reader:
                found = [id for (id,) in reader.rows("SELECT id FROM posts WHERE author = ?", (ada,))]
            assert acknowledged <= set(found), "a reader misses what was written before"

    def read_as_one_person() -> None:
        seen: set[int] = set()
        with cluster.session({}):
            while not is_over.is_set():
                found = set(posts_of(cluster, ada))
                assert seen <= found, "a reader goes back in time"
                seen = found

    def gather() -> None:
        while not is_over.is_set():
            acknowledged = {id for ids in written for id in ids}
            found = all_posts(cluster)
            assert len(found) == len(set(found)), "a row is shown twice"
            assert acknowledged <= set(found), "a row is missing"

    def look_at_all() -> None:
        while not is_over.is_set():
            with cluster.at_one_moment():
                pass

    def move() -> None:
        try:
            for to in "1", "0", "1", "0", "1":
                cluster.move(ids.logical_shard(ada), to)
                until(lambda: not cluster.snapshot().moves, "the end of a move")
        finally:
            is_over.set()

    others = [read, read_as_one_person, gather, look_at_all, move]

    def run(number: int) -> None:
        try:
            write(number) if number < len(written) else others[number - len(written)]()
        finally:
            is_over.set()

    together(len(written) + len(others), run)
    acknowledged = sorted(id for ids in written for id in ids)
    assert all_posts(cluster) == acknowledged
    assert [id for id, *_ in rows_on(cluster, "1", ids.logical_shard(ada))["posts"]] == acknowledged
    assert rows_on(cluster, "0", ids.logical_shard(ada)) == {}
    assert_copies_equal(cluster)


def test_at_every_step_each_row_is_seen_once(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    expected, mine = all_posts(cluster), posts_of(cluster, ada)
    cluster.move(ids.logical_shard(ada), "1")
    while cluster.snapshot().moves:
        assert all_posts(cluster) == expected, the_move(cluster)
        assert posts_of(cluster, ada) == mine, the_move(cluster)
        cluster.mover.step()
    assert all_posts(cluster) == expected


def test_no_reader_gets_a_copy_that_lacks_what_moved_in(make: Make) -> None:
    cluster = make(shards=2, replicas=2)
    ada = person(cluster, "0")
    written = [write_post(cluster, ada) for _ in range(3)]
    cluster.settle()
    cluster.hold("1", replica_of(cluster, "1"))
    go(cluster, ada, "1")
    for _ in range(6):
        assert posts_of(cluster, ada) == written


def test_no_list_shows_again_what_a_lagging_copy_still_has(make: Make) -> None:
    cluster = make(shards=2, replicas=2)
    ada = person(cluster, "0")
    written = [write_post(cluster, ada) for _ in range(3)]
    cluster.settle()
    cluster.hold("0", replica_of(cluster, "0"))
    go(cluster, ada, "1")
    for _ in range(6):
        with cluster.read("0") as reader:
            assert reader.rows(f"SELECT id FROM posts WHERE {reader.own('id')}") == []
    assert all_posts(cluster) == written


def replica_of(cluster: Cluster, shard: str) -> str:
    found = next(each for each in cluster.snapshot().shards if each.name == shard)
    return next(copy.name for copy in found.copies if copy.role == "replica")


def test_while_the_caches_forget_everything_writers_and_lists_over_all_shards_wait(cluster: Cluster, ada: int) -> None:
    told: list[tuple[str, bool, bool]] = []

    def write() -> None:
        with cluster.write("0"):
            pass

    def on_loss() -> None:
        told.append((cluster.shard_of(ada), waits(write), waits(lambda: all_posts(cluster))))

    cluster.subscribe(lambda changes: None, on_loss)
    go(cluster, ada, "1")
    assert told == [("1", True, True)]


def waits(work: Callable[[], object]) -> bool:
    """Whether it is not done in a while in which it could be done many times."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(0.2)
    return thread.is_alive()


def test_a_list_that_was_begun_before_is_begun_anew(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, lambda move: move.state == CATCHING_UP)
    looks: list[str] = []

    def find() -> list[int]:
        looks.append(cluster.shard_of(ada))
        found = posts_on(cluster, "0")
        if len(looks) == 1:
            step_until(cluster, lambda move: move.state == CLEARING)
        return sorted(found + posts_on(cluster, "1"))

    expected = all_posts(cluster)
    assert cluster.gather(find) == expected
    assert looks == ["0", "1"]


def test_a_reader_who_looked_up_the_old_place_is_led_to_the_new_one(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    expected = posts_of(cluster, ada)
    cluster.move(ids.logical_shard(ada), "1")
    asked: list[str] = []

    def at_least(shard: str) -> int:
        """Asked for between the look-up and the opening of the reader."""
        asked.append(shard)
        while cluster.snapshot().moves:
            cluster.mover.step()
        return cluster.position(shard)

    with cluster.read_home(ada, at_least) as reader:
        found = [id for (id,) in reader.rows("SELECT id FROM posts WHERE author = ? ORDER BY id", (ada,))]
    assert found == expected
    assert asked == ["0", "1"]


def test_who_asked_by_the_old_map_asks_again(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    asked: list[str] = []

    def ask() -> list[int]:
        asked.append(cluster.shard_of(ada))
        while cluster.snapshot().moves:
            cluster.mover.step()
        return posts_on(cluster, asked[-1])

    assert set(posts_of(cluster, ada)) <= set(cluster.steadily(ask))
    assert asked == ["0", "1"]


def posts_on(cluster: Cluster, shard: str) -> list[int]:
    with cluster.read(shard) as reader:
        return [id for (id,) in reader.rows(f"SELECT id FROM posts WHERE {reader.own('id')}")]


# --- killed


POINTS: dict[str, Callable[[Move], bool]] = {
    "on record": lambda move: move.state == WAITING,
    "before the first page": lambda move: move.state == COPYING,
    "half copied": lambda move: move.state == COPYING and move.rows > 5,
    "copied": lambda move: move.state == CATCHING_UP,
    "switched": lambda move: move.state == CLEARING,
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_it_is_finished_after_the_next_start(make: Make, point: str) -> None:
    cluster = make(shards=2, replicas=1)
    ada = person(cluster, "0")
    fill(cluster, ada)
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS[point])
    write_post(cluster, ada)
    check_that_a_new_start_finishes(cluster, make, ada)


def test_killed_while_the_source_is_cleared_it_is_cleared_after_the_next_start(make: Make) -> None:
    cluster = make(shards=2, replicas=1)
    ada = person(cluster, "0")
    fill(cluster, ada)
    by_hand(cluster)
    logical = ids.logical_shard(ada)
    cluster.move(logical, "1")
    while len(rows_on(cluster, "0", logical)) > len(OWNERS) // 2:
        cluster.mover.step()
    assert the_move(cluster).state == CLEARING
    check_that_a_new_start_finishes(cluster, make, ada)


def check_that_a_new_start_finishes(cluster: Cluster, make: Make, ada: int) -> None:
    logical, posts = ids.logical_shard(ada), all_posts(cluster)
    before = rows_on(cluster, cluster.shard_of(ada), logical)
    cluster.stop()
    again = make(shards=2, replicas=1)
    assert all_posts(again) == posts
    finish(again)
    assert again.shard_of(ada) == "1"
    assert rows_on(again, "1", logical) == before
    assert rows_on(again, "0", logical) == {}
    assert all_posts(again) == posts
    assert_copies_equal(again)


def test_what_an_interrupted_attempt_left_does_not_come_back(make: Make) -> None:
    cluster = make(shards=2, replicas=1)
    ada = person(cluster, "0")
    fill(cluster, ada)
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["copied"])
    cluster.mover._work = None  # the attempt is forgotten, as by a kill
    with cluster.write_home(ada) as block:
        block.execute("DELETE FROM posts")
    step_until(cluster, POINTS["switched"])
    finish(cluster)
    assert posts_of(cluster, ada) == []


def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The moves, the writers and the moment of the kill are not in step, so each round ends somewhere else."""
    root = tmp_path / "database"
    ada = ids.join(1_800_000_000_000, 4)
    acknowledged: list[int] = []
    for count in 40, 90, 150, 230:
        acknowledged += write_and_move_until_killed(root, ada, count)
        cluster = Cluster(root, shards=2, replicas=1)
        cluster.start()
        try:
            found = all_posts(cluster)
            assert len(found) == len(set(found)) and set(acknowledged) <= set(found)
            finish(cluster)
            assert all_posts(cluster) == found == posts_of(cluster, ada)
            assert_copies_equal(cluster)
        finally:
            cluster.stop()


def write_and_move_until_killed(root: Path, author: int, count: int) -> list[int]:
    """The posts that the child was told are saved: so many, and what came until it was dead."""
    command = [sys.executable, "-m", "tests.database.moving_child", str(root), str(author)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = [child.stdout.readline() for _ in range(count)]
        child.kill()
        rest = child.stdout.read().splitlines(keepends=True)
    return [int(line) for line in [*first, *rest] if line.endswith("\n")]


# --- things that fail meanwhile


def damage_primary(cluster: Cluster, shard: str) -> None:
    """The primary's file is deleted; another copy leads."""
    was = primary_of(cluster, shard)
    file_of(cluster, shard, was).unlink()
    until(lambda: primary_of(cluster, shard) not in ("", was), "another primary")


def test_what_the_source_lost_by_a_fail_over_does_not_live_on_at_the_target(make: Make) -> None:
    cluster = make(shards=2, replicas=1)
    ada = person(cluster, "0")
    fill(cluster, ada)
    cluster.settle()
    by_hand(cluster)
    (replica,) = [copy for copy in cluster.named("0").copies if copy is not cluster.named("0").primary]
    cluster.hold("0", replica.name)
    cluster.named("0").follower_of(replica).detach()  # else it reads the lost file through the connection it has
    lost = write_post(cluster, ada)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["copied"])
    assert lost in {id for id, *_ in rows_on(cluster, "1", ids.logical_shard(ada))["posts"]}
    damage_primary(cluster, "0")
    cluster.release("0", replica.name)
    assert lost not in posts_of(cluster, ada)
    before = rows_on(cluster, "0", ids.logical_shard(ada))
    step_until(cluster, lambda move: move.attempts > 0)
    assert "does not know position" in the_move(cluster).problem
    finish(cluster)
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == before


def test_what_the_target_lost_by_a_fail_over_is_copied_again(make: Make) -> None:
    cluster = make(shards=2, replicas=1)
    ada = person(cluster, "0")
    fill(cluster, ada)
    cluster.settle()
    by_hand(cluster)
    (replica,) = [copy for copy in cluster.named("1").copies if copy is not cluster.named("1").primary]
    cluster.hold("1", replica.name)
    cluster.named("1").follower_of(replica).detach()
    before = rows_on(cluster, "0", ids.logical_shard(ada))
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["copied"])
    damage_primary(cluster, "1")
    cluster.release("1", replica.name)
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == {}
    step_until(cluster, lambda move: move.attempts > 0)
    assert "another copy leads shard 1" in the_move(cluster).problem
    finish(cluster)
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == before


def test_a_planned_promotion_of_the_source_does_not_stop_it(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["half copied"])
    cluster.settle()
    cluster.promote("0", replica_of(cluster, "0"))
    write_post(cluster, ada)
    before = rows_on(cluster, "0", ids.logical_shard(ada))
    step_until(cluster, POINTS["switched"])
    assert the_move(cluster).attempts == 0
    finish(cluster)
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == before


def test_rows_loaded_without_the_log_arrive(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["copied"])
    id = cluster.new_id(ada)
    with cluster.load("0") as block:
        block.execute(POST, (id, ada, "loaded", id))
    step_until(cluster, lambda move: move.attempts > 0)
    assert "not in its log" in the_move(cluster).problem
    finish(cluster)
    assert id in posts_of(cluster, ada)


def test_while_the_tables_differ_nothing_moves(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["copied"])
    change = "ALTER TABLE accounts ADD COLUMN nickname TEXT NOT NULL DEFAULT 'none'"
    with cluster.write("0") as block:
        block.execute(change)
        block.execute("UPDATE accounts SET nickname = 'countess'")
    step_until(cluster, lambda move: move.attempts > 1)
    assert the_move(cluster).problem == "The tables of shard 0 and shard 1 are not the same."
    assert cluster.shard_of(ada) == "0"
    with cluster.write("1") as block:
        block.execute(change)
    before = rows_on(cluster, "0", ids.logical_shard(ada))
    finish(cluster)
    assert rows_on(cluster, "1", ids.logical_shard(ada)) == before
    assert before["accounts"][0][-1] == "countess"


def test_it_waits_until_a_replica_of_the_target_has_the_rows(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    held = replica_of(cluster, "1")
    cluster.hold("1", held)
    cluster.move(ids.logical_shard(ada), "1")
    step_until(cluster, POINTS["copied"])
    cluster.mover.step()
    assert the_move(cluster).problem == "No replica of shard 1 has the rows yet."
    assert cluster.shard_of(ada) == "0"
    cluster.release("1", held)
    finish(cluster)
    assert cluster.shard_of(ada) == "1"


def test_one_that_can_not_go_on_does_not_keep_others_waiting(make: Make) -> None:
    cluster = make(shards=3, replicas=0)
    ada, grace = person(cluster, "0"), person(cluster, "1")
    by_hand(cluster)
    with cluster.write("0") as block:
        block.execute("ALTER TABLE accounts ADD COLUMN nickname TEXT")
    cluster.move(ids.logical_shard(ada), "2")
    cluster.move(ids.logical_shard(grace), "2")
    cluster.mover.start()
    until(lambda: cluster.shard_of(grace) == "2", "the other move")
    assert cluster.shard_of(ada) == "0"


def test_without_replicas_it_moves_as_well(make: Make) -> None:
    cluster = make(shards=2, replicas=0)
    ada = person(cluster, "0")
    written = write_post(cluster, ada)
    go(cluster, ada, "1")
    assert posts_of(cluster, ada) == [written]


# --- what is asked


def test_what_can_not_be_asked_is_refused_with_a_sentence(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    logical = ids.logical_shard(ada)
    with pytest.raises(Refused, match=r"There is no logical shard 64; they are numbered from 0 to 63\."):
        cluster.move(64, "1")
    with pytest.raises(Refused, match=r"There is no shard directory that holds people; there are 0, 1\."):
        cluster.move(logical, "directory")
    with pytest.raises(Refused, match=f"Logical shard {logical} is on shard 0 already."):
        cluster.move(logical, "0")
    assert cluster.snapshot().moves == ()
    cluster.move(logical, "1")
    with pytest.raises(Refused, match=f"Logical shard {logical} is on its way to shard 1 already."):
        cluster.move(logical, "1")
    step_until(cluster, POINTS["switched"])
    with pytest.raises(Refused, match=f"Logical shard {logical} has just moved to shard 1. Try again in a moment."):
        cluster.move(logical, "0")


def test_the_snapshot_says_how_far_it_is(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    logical = ids.logical_shard(ada)
    cluster.move(logical, "1")
    assert str(the_move(cluster)) == f"logical shard {logical} from 0 to 1, waiting"
    step_until(cluster, POINTS["copied"])
    assert the_move(cluster).rows == sum(map(len, rows_on(cluster, "0", logical).values()))
    step_until(cluster, POINTS["switched"])
    assert str(the_move(cluster)) == f"logical shard {logical} from 0 to 1, clearing"
    while cluster.snapshot().moves:
        cluster.mover.step()


def test_a_new_shard_gets_its_share_while_people_write(make: Make) -> None:
    cluster = make(shards=2, replicas=0)
    people = [cluster.new_account_id() for _ in range(ids.LOGICAL_SHARDS)]
    written = [write_post(cluster, account) for account in people]
    new = cluster.add_shard()
    cluster.mover.grace = 0.0
    cluster.spread_out()
    while cluster.snapshot().moves:
        written += [write_post(cluster, account) for account in people]
    assert sorted(map(cluster.control.map.count, cluster.shards)) == [21, 21, 22]
    assert all_posts(cluster) == sorted(written)
    with cluster.read(new) as reader:
        assert reader.row("SELECT count(DISTINCT author) FROM posts") == (cluster.control.map.count(new),)


def test_a_spread_counts_what_is_on_its_way(cluster: Cluster, ada: int) -> None:
    by_hand(cluster)
    cluster.move(ids.logical_shard(ada), "1")
    cluster.add_shard()
    cluster.spread_out()
    moves = cluster.snapshot().moves
    to = [move.target for move in moves]
    assert len(moves) == 1 + 21 and to.count("2") == 21
    assert len({move.logical for move in moves}) == len(moves)


def test_shares_are_even_with_the_fewest_moves() -> None:
    homes = spread(["0", "1"])
    moves = evened_out(homes, ["0", "1", "2"], ())
    assert len(moves) == 21 and set(moves.values()) == {"2"}
    assert sum(homes[logical] == "0" for logical in moves) in (10, 11)
    assert evened_out(spread(["0", "1", "2"]), ["0", "1", "2"], ()) == {}
    assert evened_out(homes, ["0", "1", "2"], range(64)) == {}
    everywhere = [str(number) for number in range(64)]
    assert sorted({**dict(enumerate(homes)), **evened_out(homes, everywhere, ())}.values()) == sorted(everywhere)


def test_a_map_without_moves_leaves_nothing_out(cluster: Cluster) -> None:
    with cluster.read("0") as reader:
        assert reader.own("id") == "1"


def test_a_stopped_cluster_says_so(make: Make) -> None:
    cluster = make(shards=1, replicas=0)
    cluster.stop()
    with pytest.raises(Unavailable), cluster.write_home(cluster.new_account_id()):
        pass


# --- called off


@pytest.mark.parametrize("state", [WAITING, COPYING, CATCHING_UP])
def test_a_move_that_is_called_off_leaves_everything_where_it_was(cluster: Cluster, ada: int, state: str) -> None:
    logical, mover = ids.logical_shard(ada), by_hand(cluster)
    before = rows_on(cluster, "0", logical)
    cluster.move(logical, "1")
    step_until(cluster, lambda move: move.state == state)
    cluster.call_off(logical)
    write_post(cluster, ada)
    step_until(cluster, lambda move: move.state == CLEARING)
    assert cluster.shard_of(ada) == "0"
    assert all_posts(cluster) == [row[0] for row in rows_on(cluster, "0", logical)["posts"]], "each once"
    mover.start()
    until(lambda: not cluster.snapshot().moves, "the end")
    assert rows_on(cluster, "1", logical) == {}
    assert rows_on(cluster, "0", logical).keys() == before.keys()
    assert_copies_equal(cluster)
    go(cluster, ada, "1")
    assert cluster.shard_of(ada) == "1", "it may go another time"


def test_one_that_can_not_finish_is_called_off_and_so_it_stays_over_a_restart(cluster: Cluster, ada: int) -> None:
    logical = ids.logical_shard(ada)
    by_hand(cluster)
    cluster.move(logical, "1")
    step_until(cluster, lambda move: move.state == CATCHING_UP)
    cluster.hold("1", "b")  # so no replica of the target has the rows
    for _ in range(2):
        cluster.mover.step()
    assert "No replica" in the_move(cluster).problem
    cluster.call_off(logical)
    cluster.stop()
    cluster.start()
    until(lambda: not cluster.snapshot().moves, "the end")
    assert (cluster.shard_of(ada), rows_on(cluster, "1", logical)) == ("0", {})


def test_a_move_called_off_in_the_very_moment_of_its_switch_does_not_switch(cluster: Cluster, ada: int) -> None:
    """Both are decided under one lock, by the record: one of them comes too late, and is told so."""
    logical, mover = ids.logical_shard(ada), by_hand(cluster)
    cluster.move(logical, "1")
    step_until(cluster, lambda move: move.state == CATCHING_UP)
    cluster.call_off(logical)
    with pytest.raises(Unavailable, match="called off"):
        mover._routing.switch(logical, 0, lambda: None)
    assert cluster.shard_of(ada) == "0"


def test_what_is_not_on_its_way_or_has_arrived_is_not_called_off(cluster: Cluster, ada: int) -> None:
    logical = ids.logical_shard(ada)
    with pytest.raises(Refused, match="not on its way"):
        cluster.call_off(logical)
    by_hand(cluster)
    cluster.move(logical, "1")
    step_until(cluster, lambda move: move.state == CLEARING)
    with pytest.raises(Refused, match="lies on shard 1"):
        cluster.call_off(logical)
    finish(cluster)
    assert cluster.shard_of(ada) == "1"
