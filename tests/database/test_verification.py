"""Copies are compared row by row while the database is in use; one that differs is replaced."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from minisocial.database import Cluster
from minisocial.database.connection import connect, uri
from minisocial.database.loss.comparison import FEW, FIRST_RANGE, Comparison, Difference, NotNow, begin
from minisocial.database.loss.verification import Verifier, compare, judge
from minisocial.errors import Refused
from tests.database.conftest import Make
from tests.database.world import (
    assert_copies_equal,
    content,
    file_of,
    person,
    post,
    spoil,
    texts,
    together,
    until,
)

THINGS = [  # id, x, name
    (1, 1, "Ada"),
    (2, None, "Grace"),
    (3, b"\x00\x01", "Alan"),
    (4, "four", "Edsger"),
    (5, 2.5, "Barbara"),
]


@pytest.fixture
def cluster(make: Make) -> Cluster:
    """One shard with two replicas, and a table of things that all copies have."""
    cluster = make(shards=1)
    with cluster.write("0") as block:
        block.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, x, name TEXT NOT NULL COLLATE NOCASE)")
    with cluster.write("0") as block:
        block.executemany("INSERT INTO things VALUES (?, ?, ?)", THINGS)
    cluster.settle()
    post(cluster, person(cluster))
    cluster.settle()
    return cluster


@contextmanager
def by_hand(cluster: Cluster, copy: str) -> Iterator[sqlite3.Connection]:
    """The file of a copy, as a program opens it that knows nothing of replication."""
    with closing(sqlite3.connect(file_of(cluster, "0", copy))) as connection, connection:
        yield connection


def differences(cluster: Cluster, copy: str = "b") -> list[str]:
    shard = cluster._shards["0"]
    return [str(one) for one in compare(shard, shard.copy_named(copy))]


def outcomes(verifier: Verifier) -> dict[str, str]:
    """Copy of shard 0 → what became of it."""
    return {verdict.copy: verdict.outcome for verdict in verifier.verify("0")}


def verifier_of(cluster: Cluster) -> Verifier:
    return Verifier(cluster._shards)


def reports(cluster: Cluster) -> str:
    return " ".join(report.text for report in cluster.snapshot().reports)


# what is found


def test_equal_copies_have_no_difference(cluster: Cluster) -> None:
    post(cluster, person(cluster))
    assert differences(cluster) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE things SET x = 2 WHERE id = 1", "things 1: differs in x"),
        ("UPDATE things SET x = 1.0 WHERE id = 1", "things 1: differs in x"),
        ("UPDATE things SET x = '1' WHERE id = 1", "things 1: differs in x"),
        ("UPDATE things SET x = '' WHERE id = 2", "things 2: differs in x"),
        ("UPDATE things SET x = x'' WHERE id = 2", "things 2: differs in x"),
        ("UPDATE things SET x = x'0002' WHERE id = 3", "things 3: differs in x"),
        ("UPDATE things SET x = CAST('four' AS BLOB) WHERE id = 4", "things 4: differs in x"),
        ("UPDATE things SET x = NULL, name = 'barbara' WHERE id = 5", "things 5: differs in x, name"),
        ("UPDATE things SET name = 'ADA' WHERE id = 1", "things 1: differs in name"),
        ("DELETE FROM things WHERE id = 3", "things 3: is missing"),
        ("INSERT INTO things VALUES (0, 0, 'x')", "things 0: is only there"),
        ("INSERT INTO things VALUES (99, 0, 'x')", "things 99: is only there"),
        ("INSERT INTO home_feed VALUES (7, 8, 9)", "home_feed 7, 8: is only there"),
        ("UPDATE _log SET k1 = 2 WHERE tbl = 'things' AND k1 = 1", "_log {seq}: differs in k1"),
        ("DROP INDEX posts_by_author", "its schema differs"),
    ],
)
def test_a_difference_is_found_and_named(cluster: Cluster, change: str, found: str) -> None:
    entries = content(file_of(cluster, "0", "a"))["_log"]
    (seq,) = (entry[0] for entry in entries if entry[2] == "things" and entry[4] == 1)
    with by_hand(cluster, "b") as connection:
        connection.execute(change)
    assert differences(cluster, "b") == [found.format(seq=seq)]
    assert differences(cluster, "c") == []


def test_a_row_exchanged_for_another_is_found_though_the_number_is_right(cluster: Cluster) -> None:
    with by_hand(cluster, "b") as connection:
        connection.execute("UPDATE things SET id = 6 WHERE id = 5")
    assert differences(cluster) == ["things 5: is missing", "things 6: is only there"]


def test_keys_that_differ_in_case_only_are_different_keys(make: Make) -> None:
    cluster = make(shards=1)
    with cluster.write("directory") as block:
        block.execute("INSERT INTO usernames VALUES ('Ada', 1)")
    cluster.settle()
    with closing(sqlite3.connect(file_of(cluster, "directory", "b"))) as connection, connection:
        connection.execute("UPDATE usernames SET username = 'ADA'")
    shard = cluster._shards["directory"]
    found = {str(one) for one in compare(shard, shard.copy_named("b"))}
    assert found == {"usernames 'Ada': is missing", "usernames 'ADA': is only there"}


def test_of_very_many_rows_the_first_are_named_and_the_others_counted(cluster: Cluster) -> None:
    """They are compared in several ranges, and each row once."""
    with cluster.write("0") as block:
        block.executemany("INSERT INTO likes VALUES (?, 1)", [(number,) for number in range(4 * FIRST_RANGE)])
    cluster.settle()
    with by_hand(cluster, "b") as connection:
        connection.execute("DELETE FROM likes")
    found = differences(cluster)
    assert found[:2] == ["likes 0, 1: is missing", "likes 1, 1: is missing"]
    assert found[-1] == f"likes: {4 * FIRST_RANGE - FEW} more rows"
    assert len(found) == FEW + 1


def test_a_comparison_goes_on_where_the_last_look_ended(cluster: Cluster) -> None:
    """Each look is short, for it keeps the files' WALs from being reused."""
    with cluster.write("0") as block:
        block.executemany("INSERT INTO likes VALUES (?, ?)", [(n // 10, n % 10) for n in range(5000)])
    cluster.settle()
    with by_hand(cluster, "b") as connection:
        connection.execute("DELETE FROM likes WHERE post = 499 AND account = 9")
        connection.execute("INSERT INTO likes VALUES (499, 10)")
    shard = cluster._shards["0"]
    comparison, looks = Comparison(shard, shard.copy_named("b")), 1
    while not comparison.look(seconds=0):
        looks += 1
        post(cluster, person(cluster), "in between")
    assert looks > 10
    assert [str(one) for one in comparison.differences] == ["likes 499, 9: is missing", "likes 499, 10: is only there"]


def test_a_look_begins_with_what_the_replica_had_not_read_yet(cluster: Cluster) -> None:
    """A late row is no difference, and no look is taken at a replica that is made to be late."""
    shard = cluster._shards["0"]
    copy = shard.copy_named("b")
    cluster.hold("0", "b")
    post(cluster, person(cluster), "late")
    with pytest.raises(NotNow):
        compare(shard, copy)
    copy.is_held = False
    assert compare(shard, copy) == []


def test_files_at_two_positions_are_not_compared(cluster: Cluster) -> None:
    """Another program, which knows of no lock of ours, may write between the two."""
    cluster.hold("0", "b")
    post(cluster, person(cluster), "late")
    with closing(connect(file_of(cluster, "0", "a"))) as connection:
        connection.execute("ATTACH ? AS copy0", (uri(file_of(cluster, "0", "b"), "ro"),))
        with pytest.raises(NotNow):
            begin(connection, 1)


def test_comparing_does_not_call_a_row_wrong_while_many_write(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    people = [person(cluster) for _ in range(4)]
    is_over = threading.Event()
    found: list[Difference] = []
    compared = []

    def write_or_compare(number: int) -> None:
        if number == 4:
            shard = cluster._shards["0"]
            for turn in range(30):
                comparison = Comparison(shard, shard.copy_named("bc"[turn % 2]))
                comparison.finish(shard.closing)
                found.extend(comparison.differences)
                compared.append(comparison.rows)
            is_over.set()
            return
        while not is_over.is_set():
            id, _ = post(cluster, people[number], "new")
            with cluster.write("0") as block:
                block.execute("UPDATE posts SET likes = likes + 1 WHERE author = ?", (people[number],))
                block.execute("DELETE FROM posts WHERE id = ? AND id % 3 = 0", (id,))
                block.execute("INSERT INTO likes VALUES (?, 1)", (id,))

    together(5, write_or_compare)
    assert found == []
    assert compared[-1] > 100
    assert_copies_equal(cluster)


# what becomes of it


def test_a_replica_that_differs_is_replaced_and_reported(cluster: Cluster) -> None:
    with by_hand(cluster, "b") as connection:
        connection.execute("UPDATE things SET x = 'wrong' WHERE id = 1")
    old, verifier = file_of(cluster, "0", "b"), verifier_of(cluster)
    assert outcomes(verifier) == {"b": "replaced", "c": "equal"}
    until(lambda: file_of(cluster, "0", "b") not in (old, cluster.root.parent), "the new copy")
    assert_copies_equal(cluster)
    assert "of b is set aside: it should equal its primary, but things 1: differs in x" in reports(cluster)
    assert outcomes(verifier) == {"b": "equal", "c": "equal"}
    assert verifier.snapshot().replaced == 1
    assert verifier.snapshot().copies == 4


def test_the_only_replica_is_replaced_when_it_differs(make: Make) -> None:
    cluster = make(shards=1, replicas=1)
    id, _ = post(cluster, person(cluster), "right")
    cluster.settle()
    with by_hand(cluster, "b") as connection:
        connection.execute("UPDATE posts SET text = 'wrong' WHERE id = ?", (id,))
    assert outcomes(verifier_of(cluster)) == {"b": "replaced"}
    assert_copies_equal(cluster)
    assert texts(cluster) == ["right"]


def alter_unlogged(cluster: Cluster) -> None:
    """Changes a row of the primary as damage would: the log does not know of it."""
    with by_hand(cluster, "a") as connection:
        connection.execute("UPDATE things SET x = 'damage' WHERE id = 1")
        connection.execute("DELETE FROM _log WHERE seq = (SELECT max(seq) FROM _log)")


def test_a_primary_that_stands_alone_is_reported_and_nothing_is_thrown_away(cluster: Cluster) -> None:
    alter_unlogged(cluster)
    before, verifier = [file_of(cluster, "0", name) for name in "abc"], verifier_of(cluster)
    assert outcomes(verifier) == {"b": "primary suspect", "c": "primary suspect"}
    assert [file_of(cluster, "0", name) for name in "abc"] == before
    assert "The primary of shard 0 in place a stands alone" in reports(cluster)
    assert "promote 0 b" in reports(cluster)
    assert verifier.snapshot().suspects == 2
    assert verifier.snapshot().replaced == 0


def test_a_replica_is_not_replaced_while_the_primary_is_suspect_too(cluster: Cluster) -> None:
    """It may hold the only right value of the row in which the primary stands alone."""
    alter_unlogged(cluster)
    with by_hand(cluster, "b") as connection:
        connection.execute("UPDATE things SET x = 'also wrong' WHERE id = 2")
    assert outcomes(verifier_of(cluster)) == {"b": "primary suspect", "c": "primary suspect"}


def test_replicas_that_differ_from_the_primary_and_from_each_other_are_replaced(cluster: Cluster) -> None:
    for name in "bc":
        with by_hand(cluster, name) as connection:
            connection.execute("UPDATE things SET x = ? WHERE id = 1", (f"wrong in {name}",))
    assert outcomes(verifier_of(cluster)) == {"b": "replaced", "c": "replaced"}
    assert_copies_equal(cluster)


def test_a_row_that_was_written_anew_meanwhile_is_no_reason_to_replace(cluster: Cluster) -> None:
    with by_hand(cluster, "b") as connection:
        connection.execute("UPDATE things SET x = 'wrong' WHERE id = 1")
    shard = cluster._shards["0"]
    comparison = Comparison(shard, shard.copy_named("b"))
    comparison.finish(shard.closing)
    with cluster.write("0") as block:
        block.execute("UPDATE things SET x = 'new' WHERE id = 1")
    assert judge(shard, shard.copy_named("b"), comparison.differences, shard.closing).outcome == "equal"


def test_a_held_replica_is_compared_another_time(cluster: Cluster) -> None:
    cluster.hold("0", "b")
    (verdict,) = verifier_of(cluster).verify("0", "b")
    assert str(verdict) == "Copy b of shard 0 was not compared: it is held."


def test_one_copy_after_the_other_has_its_turn(make: Make) -> None:
    cluster = make(shards=1)
    cluster.settle()
    verifier, turns = verifier_of(cluster), []
    for _ in range(5):
        verifier.step()
        turns.append(verifier.snapshot().latest.removesuffix(" equals its primary."))
    one_round = ["Copy b of shard 0", "Copy c of shard 0", "Copy b of shard directory", "Copy c of shard directory"]
    assert turns == [*one_round, one_round[0]]


@pytest.mark.parametrize(("shard", "copy"), [("0", "a"), ("0", "z"), ("9", ""), ("", "z")])
def test_what_is_no_replica_can_not_be_compared(cluster: Cluster, shard: str, copy: str) -> None:
    with pytest.raises(Refused):
        verifier_of(cluster).verify(shard, copy)


def test_a_replica_that_can_not_be_read_is_looked_at_and_replaced(cluster: Cluster) -> None:
    post(cluster, person(cluster), "kept")
    cluster.settle()
    old = file_of(cluster, "0", "b")
    spoil(cluster, "b")
    verifier_of(cluster).verify("0", "b")
    until(lambda: file_of(cluster, "0", "b") not in (old, cluster.root.parent), "the new copy")
    assert_copies_equal(cluster)


def test_a_thorough_comparison_finds_a_damaged_index(cluster: Cluster) -> None:
    """Rows are found by their keys, so no comparison of rows looks at the other indexes."""
    with by_hand(cluster, "b") as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'letters_sent') "
            "WHERE name = 'posts_by_author'"
        )
    verifier = verifier_of(cluster)
    assert [verdict.outcome for verdict in verifier.verify("0", "b")] == ["equal"]
    (verdict,) = verifier.verify("0", "b", thorough=True)
    assert verdict.outcome == "replaced"
    assert "its file is damaged" in str(verdict)
    assert_copies_equal(cluster)


def test_all_that_a_cluster_has_is_compared_on_demand(cluster: Cluster) -> None:
    verdicts = cluster.verify()
    assert [(verdict.shard, verdict.copy, verdict.outcome) for verdict in verdicts] == [
        (shard, copy, "equal") for shard in ("directory", "0") for copy in "bc"
    ]
    assert verdicts[-1].rows > len(THINGS)
