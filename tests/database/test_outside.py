"""Other programs may write to a primary's file; it counts like a write of ours."""

import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing

import pytest

from minisocial.database import Cluster
from tests.database.world import (
    SECONDS,
    Remembering,
    assert_copies_equal,
    content,
    file_of,
    person,
    post,
    texts,
)


def outside(cluster: Cluster, sql: str) -> None:
    with closing(sqlite3.connect(file_of(cluster, "0", "a"), isolation_level=None)) as connection:
        connection.execute(sql)


def heard(cluster: Cluster, remembering: Remembering) -> threading.Event:
    """Set once the consumer was told of something."""
    event = threading.Event()

    def tell(changes: object) -> None:
        event.set()

    cluster.subscribe(remembering)
    cluster.subscribe(tell)
    return event


INSERT = "INSERT INTO posts (id, author, text, visibility, root) VALUES (7, 8, 'from the shell', 'friends', 7)"


def test_an_outside_change_reaches_consumers_and_replicas_by_itself(cluster: Cluster) -> None:
    remembering = Remembering()
    event = heard(cluster, remembering)
    outside(cluster, INSERT)
    assert event.wait(SECONDS)
    expected = {"author": 8, "visibility": "friends", "root": 7}
    assert remembering.rows() == [("I", "posts", (7,), expected)]
    assert_copies_equal(cluster)
    assert texts(cluster) == ["from the shell"]


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="there is no sqlite3 shell here")
def test_a_change_made_with_the_sqlite3_shell_counts(cluster: Cluster) -> None:
    event = heard(cluster, Remembering())
    subprocess.run(["sqlite3", str(file_of(cluster, "0", "a")), INSERT], check=True, timeout=SECONDS)
    assert event.wait(SECONDS)
    assert_copies_equal(cluster)


def test_an_outside_change_is_delivered_before_our_next_one(cluster: Cluster) -> None:
    remembering = Remembering()
    cluster.subscribe(remembering)
    outside(cluster, INSERT)
    id, _ = post(cluster, person(cluster))
    assert [change.key for change in remembering.changes] == [(7,), (id,)]


def test_replace_by_another_program_leaves_copies_equal(cluster: Cluster) -> None:
    """It fires no delete trigger for a row that goes because of another UNIQUE column."""
    with cluster.write("0") as block:
        block.execute("CREATE TABLE badges (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        block.execute("INSERT INTO badges VALUES (1, 'first'), (2, 'second')")
    cluster.settle()
    outside(cluster, "INSERT OR REPLACE INTO badges VALUES (3, 'first')")
    assert_copies_equal(cluster)
    assert content(file_of(cluster, "0", "c"))["badges"] == [(2, "second"), (3, "first")]


def test_a_trigger_somebody_dropped_is_made_anew_and_nothing_is_missed(cluster: Cluster) -> None:
    outside(cluster, "DROP TRIGGER _log_insert_posts")
    outside(cluster, INSERT)
    post(cluster, person(cluster), "logged again")
    assert_copies_equal(cluster)
    assert len(content(file_of(cluster, "0", "b"))["posts"]) == 2


def test_a_table_without_a_key_does_not_stop_the_site(cluster: Cluster) -> None:
    outside(cluster, "CREATE TABLE scratch (x)")
    outside(cluster, "INSERT INTO scratch VALUES (1)")
    post(cluster, person(cluster), "still writing")
    cluster.settle()
    assert texts(cluster) == ["still writing"]


def test_logged_columns_are_new_for_inserts_and_old_for_the_rest(cluster: Cluster) -> None:
    remembering = Remembering()
    cluster.subscribe(remembering)
    with cluster.write("0") as block:
        block.execute(INSERT)
        block.execute("UPDATE posts SET visibility = 'everyone' WHERE id = 7")
        block.execute("UPDATE posts SET id = 9 WHERE id = 7")
        block.execute("DELETE FROM posts WHERE id = 9")
        block.execute("INSERT INTO likes VALUES (9, 8)")
    friends = {"author": 8, "visibility": "friends", "root": 7}
    everyone = {**friends, "visibility": "everyone"}
    assert remembering.rows() == [
        ("I", "posts", (7,), friends),
        ("U", "posts", (7,), friends),
        ("D", "posts", (7,), everyone),
        ("I", "posts", (9,), everyone),
        ("D", "posts", (9,), everyone),
        ("I", "likes", (9, 8), {}),
    ]


def test_who_saw_an_outside_change_before_it_was_noticed_keeps_seeing_it(cluster: Cluster) -> None:
    outside(cluster, INSERT)
    with cluster.session({}) as seen, cluster.read("0", at_least=2**62) as reader:
        assert reader.row("SELECT text FROM posts") == ("from the shell",)
    with cluster.session(seen):
        assert texts(cluster) == ["from the shell"]
