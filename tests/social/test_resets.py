"""A forgotten password."""

import json

import pytest

from minisocial.background import MailDown, Task
from minisocial.database import DIRECTORY
from minisocial.errors import Gone, Invalid
from minisocial.social.tasks import Tasks
from tests.social.conftest import PASSWORD

NEW = "an entirely new one"


def asked(club, name: str) -> list[str]:
    """The tokens in letters that come of it."""
    club.sent.clear()
    club.social.resets.ask(name)
    club.work()
    return [token_in(letter) for letter in club.sent]


def token_in(letter) -> str:
    (link,) = [line for line in letter.text.splitlines() if "/reset/" in line]
    assert link.startswith("http://club.example/reset/")
    return link.rpartition("/")[2]


@pytest.mark.parametrize("name", ["ada", "ADA", "ada@club.example", " Ada@Club.example "])
def test_a_link_comes_for_a_name_or_an_address_and_sets_the_password(club, name: str) -> None:
    ada = club.person("ada")
    (token,) = asked(club, name)
    assert club.elsewhere.resets.find(token).id == ada
    club.elsewhere.resets.use(token, NEW)
    assert club.social.accounts.log_in("ada", NEW).id == ada
    with pytest.raises(Invalid):
        club.social.accounts.log_in("ada", PASSWORD)


@pytest.mark.parametrize("name", ["nobody", "nobody@club.example", "", "x" * 10_000, "é@\ud800", "'; --"])
def test_for_nobody_no_letter_comes_and_the_answer_is_the_same(club, name: str) -> None:
    assert asked(club, name) == []
    assert club.background.dead() == []


def test_asking_looks_nothing_up_so_it_takes_the_same_whoever_is_named(club) -> None:
    """Both leave one row in the directory's outbox, of the same shape, and read nothing."""
    for name in ("ada", "nobody"):
        club.social.resets.ask(name)
    with club.cluster.read(DIRECTORY, club.cluster.position(DIRECTORY)) as reader:
        found = reader.rows("SELECT task, args FROM outbox ORDER BY id DESC LIMIT 2")
    assert [(task, sorted(json.loads(args))) for task, args in found] == [("reset_letter", ["name", "version"])] * 2


def test_using_a_link_ends_all_sessions_and_all_other_links(club) -> None:
    ada = club.person("ada")
    session = club.social.sessions.open(ada)
    (one,), (two,) = asked(club, "ada"), asked(club, "ada")
    by_hand, confirm = club.social.resets.link(ada), club.social.addresses.link(ada)
    club.social.resets.use(two, NEW)
    assert club.elsewhere.sessions.find(session.token) is None
    for token in (one, two, by_hand):
        with pytest.raises(Gone):
            club.social.resets.use(token, "somebody else's")
    with pytest.raises(Gone):
        club.social.addresses.confirm(confirm)
    assert club.social.accounts.log_in("ada", NEW)


def test_a_bad_password_does_not_cost_the_link(club) -> None:
    (token,) = asked(club, "ada")
    with pytest.raises(Invalid):
        club.social.resets.use(token, "short")
    assert club.social.resets.use(token, NEW)


def test_a_link_from_a_letter_proves_the_address_and_one_by_hand_does_not(club) -> None:
    ada, grace = club.person("ada"), club.person("grace")
    club.work()
    (token,) = asked(club, "ada")
    club.social.resets.use(token, NEW)
    club.social.resets.use(club.social.resets.link(grace), NEW)
    assert club.elsewhere.addresses.of(ada).is_confirmed
    assert not club.elsewhere.addresses.of(grace).is_confirmed


def test_changing_the_password_voids_links_that_lie_in_a_mailbox(club) -> None:
    (token,) = asked(club, "ada")
    club.social.credentials.change_password(club.person("ada"), PASSWORD, NEW)
    with pytest.raises(Gone):
        club.social.resets.find(token)


def test_who_is_suspended_gets_no_link(club) -> None:
    with club.cluster.write_home(club.person("grace")) as tx:
        tx.execute("UPDATE accounts SET suspended_at = 1 WHERE username = 'grace'")
    assert asked(club, "grace") == []


def test_no_token_lies_in_the_outbox_or_among_the_dead_letters(club) -> None:
    """The letter is written, with its token, and not taken, again and again, until it is given up."""
    ada, tried = club.person("ada"), []

    def refuse(letter) -> None:
        tried.append(letter)
        raise MailDown("the server is away")

    handlers = Tasks(club.elsewhere, refuse, lambda: "http://club.example").handlers()
    args = {"name": "ada", "version": "1"}
    task = Task(1, DIRECTORY, "reset_letter", args)
    for _ in range(3):
        with pytest.raises(MailDown):
            handlers["reset_letter"].run(task)
    assert len({token_in(letter) for letter in tried}) == 1  # the same link, so that either copy works
    assert len({letter.key for letter in tried}) == 1
    assert args == {"name": "ada", "version": "1"}
    assert club.elsewhere.resets.use(token_in(tried[0]), NEW).id == ada
