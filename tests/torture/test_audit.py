"""The audit of a real database, sound or broken by hand: what it must not overlook, and what it must not invent."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from minisocial.torture import sabotage
from minisocial.torture.audit import Audit, audit
from minisocial.torture.notes import INSERT, SAVED, notes_path, posts_left, read_notes
from minisocial.torture.opening import NOTHING, Expected
from minisocial.torture.sabotage import Target
from minisocial.torture.watching import SEEN, STREAM
from minisocial.torture.world import World
from tests.torture.conftest import work


def look(world: World, expected: Expected = NOTHING) -> Audit:
    return audit(world.folder, "replicated", expected)


def files(world: World, places: str = "abc") -> list[Path]:
    return [path for place in places for path in (world.folder / "data" / "database" / place).glob("shard-[01]-*.db")]


def everywhere(world: World, sql: str, *params: object, places: str = "abc") -> None:
    """Changes all files as the database itself would have left them: no log, the copies alike."""
    for path in files(world, places):
        with closing(sqlite3.connect(path)) as connection, connection:
            triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(sql, params)
            for _, made in triggers:
                connection.execute(made)


def some_post(world: World, writer: int = 0) -> int:
    """A post that is there."""
    return max(posts_left(read_notes(world.folder, writer)))


def test_nothing_is_found_where_nothing_is_wrong(worked_in: World) -> None:
    found = look(worked_in)
    assert found.verdict.sentences() == []
    assert found.acknowledged > 50
    assert (found.in_doubt, found.refused, found.verdict.tail, found.changes_lost) == (0, 0, 0, 0)


def test_a_second_audit_finds_the_same_rows_and_nothing_new(worked_in: World) -> None:
    look(worked_in)
    again = look(work(worked_in, steps=3))
    assert again.verdict.sentences() == []
    assert 0 < again.acknowledged <= 24


def test_a_lost_post_is_found(worked_in: World) -> None:
    post = some_post(worked_in)
    for table, column in {"posts": "id", "home_feed": "post", "post_tags": "post", "likes": "post"}.items():
        everywhere(worked_in, f"DELETE FROM {table} WHERE {column} = ?", post)
    assert any(f"post {post} is not there" in sentence for sentence in look(worked_in).verdict.lost)


def test_a_lost_change_is_found(worked_in: World) -> None:
    history = read_notes(worked_in.folder, 0)
    post = some_post(worked_in)
    first = next(o for o in history.operations.values() if o.post == post and o.kind == INSERT and o.state == SAVED)
    everywhere(worked_in, "UPDATE posts SET text = ? || ' ' || ? || ' ' WHERE id = ?", first.number, first.digest, post)
    found = look(worked_in).verdict
    assert found.lost or found.doubled


def test_a_post_that_nobody_wrote_is_found(worked_in: World) -> None:
    post = some_post(worked_in)
    everywhere(
        worked_in,
        "INSERT INTO posts (id, author, text, visibility, root) SELECT id + 1, author, text, visibility, root "
        "FROM posts WHERE id = ?",
        post,
    )
    assert look(worked_in).verdict.doubled == [f"writer 0: post {post + 1} is there, and nobody wrote it"]


def test_a_write_that_counted_twice_is_found(worked_in: World) -> None:
    account = read_notes(worked_in.folder, 3).account
    everywhere(
        worked_in,
        "UPDATE accounts SET bio = json_set(bio, '$.done', json_extract(bio, '$.done') + 1) WHERE id = ?",
        account,
    )
    (sentence,) = look(worked_in).verdict.doubled
    assert sentence.startswith("writer 3: the counter “done”")


def test_a_write_that_counted_in_part_is_found(worked_in: World) -> None:
    everywhere(worked_in, "DELETE FROM post_tags WHERE post = ?", some_post(worked_in))
    (sentence,) = look(worked_in).verdict.torn
    assert "0 tags" in sentence


def test_a_copy_that_differs_is_found(worked_in: World) -> None:
    post = some_post(worked_in)
    everywhere(worked_in, "UPDATE posts SET likes = likes + 1 WHERE id = ?", post, places="b")
    differing = look(worked_in).verdict.differing
    assert any("posts differs" in sentence and str(post) in sentence for sentence in differing)


def test_rows_on_a_shard_that_is_not_their_home_are_found(worked_in: World) -> None:
    account = read_notes(worked_in.folder, 0).account
    everywhere(worked_in, "INSERT OR IGNORE INTO home_feed (account, post, author) VALUES (?, 1, 1)", account)
    assert look(worked_in).verdict.doubled == ["there are rows (feed) on a shard that is not their home"]


def test_an_acknowledged_commit_that_is_in_no_log_is_lost_unless_its_primary_was(worked_in: World) -> None:
    history = read_notes(worked_in.folder, 5)
    last = history.operations[history.next_number - 1]
    with notes_path(worked_in.folder, 5).open("a") as notes:
        notes.write(f"B {last.number + 1} I 77 0123\nA {last.number + 1} 0 {1 << 39}\n")
    found = look(worked_in, Expected(may_lose=frozenset({"0"}))).verdict
    assert (found.tail, found.sentences()) == (1, [])


def test_an_acknowledged_commit_that_is_in_no_log_is_a_finding_if_nothing_may_be_lost(worked_in: World) -> None:
    with notes_path(worked_in.folder, 5).open("a") as notes:
        notes.write(f"B 900 I 77 0123\nA 900 0 {1 << 39}\n")
    (sentence,) = look(worked_in).verdict.sentences()
    assert sentence.endswith("and is in no log")


def test_what_is_in_doubt_is_decided_once_and_held_to_from_then_on(worked_in: World) -> None:
    post = some_post(worked_in)
    path = notes_path(worked_in.folder, 0)
    lines = path.read_text().splitlines()
    inserted = next(o for o in read_notes(worked_in.folder, 0).operations.values() if o.post == post)
    path.write_text("".join(f"{line}\n" for line in lines if not line.startswith(f"A {inserted.number} ")))
    found = look(worked_in)
    assert (found.in_doubt, found.verdict.sentences()) == (1, [])
    everywhere(worked_in, "DELETE FROM posts WHERE id = ?", post)
    assert look(worked_in).verdict.lost


def test_a_consumer_that_missed_a_change_or_was_told_twice_is_found(worked_in: World) -> None:
    path = worked_in.folder / STREAM
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:20], lines[19], *lines[20:40], *lines[41:]]))
    found = look(worked_in).verdict.other
    assert any("was not told" in sentence for sentence in found)
    assert any(" after " in sentence for sentence in found)


def test_what_readers_saw_in_part_or_saw_vanish_is_found(worked_in: World) -> None:
    history = read_notes(worked_in.folder, 1)
    seen = max(number for number, operation in history.operations.items() if operation.state == SAVED)
    (worked_in.folder / SEEN).write_text(f"back {history.account} {seen} 1\ntorn {history.account} a 3 posts, not 4\n")
    found = look(worked_in).verdict
    assert (len(found.stale), len(found.torn)) == (1, 1)


def test_a_database_that_can_not_be_opened_is_a_finding(worked_in: World) -> None:
    for path in files(worked_in):
        path.write_bytes(b"noise" * 1000)
    (sentence,) = look(worked_in).verdict.other
    assert sentence.startswith("the database can not be opened: ")


def test_a_row_of_another_program_that_is_gone_is_found(worked_in: World) -> None:
    expected = Expected(outside=frozenset({"outside:1"}))
    assert look(worked_in, expected).verdict.lost == ["the row outside:1 of another program is not there"]


def test_a_copy_altered_behind_everybodys_back_is_replaced_if_it_is_verified(worked_in: World) -> None:
    history = read_notes(worked_in.folder, 0)
    home = next(o.shard for o in history.operations.values() if o.shard)
    (file,) = (worked_in.folder / "data" / "database" / "c").glob(f"shard-{home}-*.db")
    sabotage.alter(Target(home, "replica", "c", file.parent, file, None, random.Random(1)))
    assert look(worked_in, Expected(altered=(home, "c"))).verdict.sentences() == []


def test_a_copy_altered_behind_everybodys_back_is_found_if_nobody_verifies_it(worked_in: World) -> None:
    everywhere(worked_in, "UPDATE posts SET likes = likes + 1 WHERE id = ?", some_post(worked_in), places="c")
    home = read_notes(worked_in.folder, 0).operations[1].shard
    assert look(worked_in, Expected(altered=(home, "b"))).verdict.differing
