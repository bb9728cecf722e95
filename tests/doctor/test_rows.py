"""Rows that contradict each other, in one shard or in two; and what is only under way."""

import json

import pytest

from minisocial.doctor.rules import COUNTS, RULES
from minisocial.ids import join, logical_shard
from tests.doctor.world import Patient

GONE = join(1_700_000_000_000, 7)  # an identifier on shard 1 that nobody has
ONE_FRIEND = (
    "(SELECT min(account) FROM friendships WHERE state = 'friends')"
    " AND other = (SELECT min(other) FROM friendships WHERE state = 'friends' AND account ="
    " (SELECT min(account) FROM friendships WHERE state = 'friends'))"
)


def only(faults: list[str], *words: str) -> str:
    assert len(faults) == 1, "\n".join(faults)
    assert all(word in faults[0] for word in words), faults[0]
    return faults[0]


def test_a_number_of_likes_that_is_wrong_and_its_remedy(patient: Patient):
    patient.change(patient.file("0"), "UPDATE posts SET likes = likes + 1 WHERE id = (SELECT max(id) FROM posts)")
    fault = only(patient.faults(), "posts whose number of likes is wrong (1: ", f"sqlite3 {patient.file('0')}")
    follow(patient, fault)
    assert not patient.faults()


def follow(patient: Patient, fault: str) -> None:
    """Does what a fault asks for, if that is a command for sqlite3."""
    _, _, command = fault.partition("run sqlite3 ")
    path, _, sql = command.partition(' "')
    assert patient.change(type(patient.data)(path), sql.rstrip('"'))


def test_a_number_of_replies_that_is_wrong(patient: Patient):
    patient.change(patient.file("1"), "UPDATE posts SET replies = 0 WHERE replies > 0")
    only(patient.faults(), "posts whose number of replies is wrong", "to count anew")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("INSERT INTO notifications SELECT id, '', id, '', GONE, NULL FROM accounts LIMIT 1", "notifications about"),
        ("INSERT INTO notifications_seen VALUES (GONE, 1)", "marks of what was seen by"),
        ("INSERT INTO post_tags VALUES ('odd', GONE)", "tags of a post"),
        ("INSERT INTO home_feed SELECT id, GONE, id FROM accounts LIMIT 1", "entries of home feeds for a post"),
        ("INSERT INTO threads SELECT id, GONE FROM posts LIMIT 1", "entries of threads for a post"),
        ("INSERT INTO letters_sent VALUES (GONE, 'odd', 1)", "marks of letters sent to"),
    ],
)
def test_rows_that_name_nothing(patient: Patient, sql: str, says: str):
    patient.change(patient.file("1"), sql.replace("GONE", str(GONE)))
    fault = only(patient.faults(), says, f"(1: {GONE}", "pages leave them out")
    follow(patient, fault)
    assert not patient.faults()


def test_sessions_invites_and_names_of_nobody(patient: Patient):
    path = patient.file("directory")
    patient.change(path, f"INSERT INTO sessions VALUES ('x', {GONE}, '', 0, 0)")
    patient.change(path, f"INSERT INTO invites VALUES ('x', {GONE}, 0, 0, 1, 0)")
    patient.change(path, f"INSERT INTO usernames VALUES ('nobody', {GONE + 1})")
    names, sessions, invites = patient.faults()
    assert f"names of an account that is not there (1: {GONE + 1})" in names and "restore a backup" in names
    assert "sessions of an" in sessions and "invites of an" in invites
    follow(patient, sessions)
    follow(patient, invites)
    only(patient.faults(), "names of an account")


def test_many_rows_are_three_examples_and_a_count(patient: Patient):
    values = ", ".join(f"({GONE + n}, 1)" for n in range(1000))
    patient.change(patient.file("1"), f"INSERT INTO notifications_seen VALUES {values}")
    fault = only(patient.faults(), "marks of what was seen", "(1,000: ", "and 997 more", "then the doctor again")
    assert len(fault) < 2500


def test_an_account_that_is_lost_is_one_fault(patient: Patient):
    shard = patient.shard_with("SELECT 1 FROM accounts WHERE username = 'grace'")
    grace = patient.value(patient.file(shard), "SELECT id FROM accounts WHERE username = 'grace'")
    patient.change(patient.file(shard), "DELETE FROM accounts WHERE username = 'grace'")
    only(patient.faults(), f"names of an account that is not there (1: {grace})", "restore a backup")


def test_an_account_without_a_password(patient: Patient):
    patient.change(patient.file("0"), "DELETE FROM credentials WHERE account = (SELECT min(account) FROM credentials)")
    only(patient.faults(), "accounts without a password", "can not log in")


def test_a_username_that_is_not_in_the_directory(patient: Patient):
    patient.change(patient.file("directory"), "DELETE FROM usernames WHERE username = 'grace'")
    only(patient.faults(), "accounts whose username is not theirs", "grace", "can not log in")


def test_an_email_address_that_is_not_in_the_directory(patient: Patient):
    patient.change(patient.file("directory"), "DELETE FROM emails WHERE email LIKE 'grace@%'")
    only(patient.faults(), "e-mail addresses that lead to nobody", "grace@")


def test_a_friendship_with_one_side(patient: Patient):
    patient.change(patient.file("0"), "UPDATE friendships SET state = 'ended' WHERE account = " + ONE_FRIEND)
    only(patient.faults(), "friendships whose two sides disagree", "ask one of the two to end it and begin anew")


def test_a_follow_that_the_other_does_not_know_of(patient: Patient):
    shard = patient.shard_with("SELECT 1 FROM following WHERE active")
    first = "account = (SELECT min(account) FROM following)"
    patient.change(patient.file(shard), f"UPDATE following SET active = 0 WHERE {first}")
    one, other = patient.faults()
    assert "follows that the one followed does not know of" in one and "followers who do not know" in other


def test_a_reply_that_its_thread_lacks(patient: Patient):
    shard = patient.shard_with("SELECT 1 FROM threads")
    patient.change(patient.file(shard), "DELETE FROM threads WHERE post = (SELECT min(post) FROM threads)")
    only(patient.faults(), "replies that their thread does not show", "post the reply again")


def test_a_reply_that_is_not_counted(patient: Patient):
    shard = patient.shard_with("SELECT 1 FROM replies")
    parent = patient.value(patient.file(shard), "SELECT min(post) FROM replies")
    patient.change(patient.file(shard), f"DELETE FROM replies WHERE post = {parent}")
    patient.change(patient.file(shard), f"UPDATE posts SET replies = 0 WHERE id = {parent}")
    only(patient.faults(), "replies that are not counted")


def test_rows_on_a_shard_where_nobody_looks(patient: Patient):
    post = patient.value(patient.file("1"), "SELECT max(id) FROM posts WHERE likes = 0 AND replies = 0")
    row = f"({post}, 1, 'lost', 'everyone', NULL, {post}, '[]', 0, 0, NULL)"
    patient.change(patient.file("0"), f"INSERT INTO posts VALUES {row}")
    only(patient.faults(), "1 row of posts on shard 0", f"of {post}, who lives on shard 1", "put the right one back")


def test_rows_of_a_move_under_way_are_no_fault(patient: Patient):
    test_rows_on_a_shard_where_nobody_looks(patient)
    post = patient.value(patient.file("0"), "SELECT id FROM posts WHERE text = 'lost'")
    for name in "abc":
        patient.edit_control(name, lambda data: data.update(moving={str(logical_shard(post)): "0"}))
    assert not patient.faults()


def leave_a_task(patient: Patient, shard: str, task: str, **args: object) -> None:
    made = patient.value(patient.file(shard), "SELECT max(at) FROM _log")
    sql = f"INSERT INTO outbox VALUES (1, '{task}', '{json.dumps(args)}', '', {made})"
    patient.change(patient.file(shard), sql)


def test_what_a_waiting_task_will_do_is_no_fault(patient: Patient):
    patient.change(patient.file("1"), f"INSERT INTO home_feed SELECT id, {GONE}, id FROM accounts LIMIT 1")
    leave_a_task(patient, "0", "retract", post=GONE)
    assert not patient.faults()
    assert any("1 task in the outbox, which the site will do after its next start" in note for note in patient.notes())


def test_a_task_about_somebody_else_explains_nothing(patient: Patient):
    patient.change(patient.file("0"), "UPDATE friendships SET state = 'ended' WHERE account = " + ONE_FRIEND)
    account = patient.value(patient.file("0"), "SELECT min(account) FROM friendships WHERE state <> 'ended'")
    leave_a_task(patient, "0", "mirror_friendship", account=account, other=GONE)
    only(patient.faults(), "friendships whose two sides disagree")


@pytest.mark.parametrize("odd", ["'x'", "x'00ff'", "NULL", "-1", "9223372036854775807", "1.5"])
def test_rows_of_nonsense_are_told_of_in_sentences(patient: Patient, odd: str):
    patient.change(patient.file("0"), f"INSERT OR IGNORE INTO home_feed SELECT id, {odd}, {odd} FROM accounts LIMIT 1")
    patient.change(patient.file("0"), f"INSERT OR IGNORE INTO outbox VALUES (1, {odd}, {odd}, '', {odd})")
    patient.change(patient.file("0"), f"INSERT INTO _log (at, tbl, op, k1) VALUES ({odd}, {odd}, {odd}, {odd})")
    assert len(patient.faults()) <= 2


def test_an_author_of_bytes_hides_no_other_fault(patient: Patient):
    first = "post = (SELECT min(post) FROM home_feed)"
    patient.change(patient.file("0"), f"UPDATE home_feed SET author = x'00ff' WHERE {first}")
    patient.change(patient.file("directory"), "DELETE FROM usernames WHERE username = 'grace'")
    faults = patient.faults()
    assert [fault for fault in faults if "entries of home feeds" in fault]
    assert [fault for fault in faults if "grace" in fault]


def test_every_rule_can_be_asked(patient: Patient):
    assert not [rule for rule in RULES if "c0" not in rule.probe]
    assert len({rule.says for rule in (*RULES, *COUNTS)}) == len(RULES) + len(COUNTS)
