"""Links that end letters of one kind, with one click."""

import pytest

from minisocial.errors import NotFound
from minisocial.social.preferences import DIGEST, KINDS


def test_a_link_ends_its_kind_of_letters_and_nothing_else(club) -> None:
    ada, grace = club.person("ada"), club.person("grace")
    token = club.social.unsubscribe.token(ada, "reply")
    assert club.elsewhere.unsubscribe.end(token).kind == "reply"
    choices = club.social.preferences.of(ada)
    assert {kind for kind in KINDS if choices.wants("mail", kind)} == {"request", "accepted", "mention"}
    assert choices.digest == "weekly"
    assert all(choices.wants("app", kind) for kind in KINDS)
    assert club.social.preferences.of(grace).wants("mail", "reply")


def test_the_digest_has_one_too(club) -> None:
    ada = club.person("ada")
    club.social.unsubscribe.end(club.social.unsubscribe.token(ada, DIGEST))
    assert club.social.preferences.of(ada).digest == "off"


def test_a_link_in_an_old_letter_works_for_ever_and_as_often_as_one_likes(club) -> None:
    ada = club.person("ada")
    token = club.social.unsubscribe.token(ada, "reply")
    club.clock.advance(10 * 365 * 86400)
    for _ in range(3):
        club.elsewhere.unsubscribe.end(token)
    assert club.elsewhere.unsubscribe.token(ada, "reply") == token
    club.social.credentials.set_password(ada, "another long one")
    assert club.elsewhere.unsubscribe.find(token).account == ada


def test_a_token_is_good_for_its_account_and_its_kind_only(club) -> None:
    ada, grace = club.person("ada"), club.person("grace")
    token, other = (club.social.unsubscribe.token(account, "reply") for account in (ada, grace))
    assert token != other
    _, kind, seal = token.split(".")
    forged = [
        f"{grace:x}.{kind}.{seal}",
        f"{ada:x}.mention.{seal}",
        f"{ada:x}.digest.{seal}",
        f"{ada:x}.{kind}.{seal[:-1]}{'A' if seal[-1] != 'A' else 'B'}",
        f"0{ada:x}.{kind}.{seal[:-1]}",
        f"{ada:x}.letter_key.{seal}",
        f"{ada + 1:x}.{kind}.{seal}",
        "ffffffffffffffff.reply." + seal,
        "0.reply." + seal,
        "",
        "..",
        "é" * 60,
    ]
    for wrong in forged:
        with pytest.raises(NotFound):
            club.social.unsubscribe.end(wrong)


def test_the_key_is_made_once_and_is_nobodys_preference(club) -> None:
    ada = club.person("ada")
    first = club.social.unsubscribe.token(ada, "reply")
    assert club.elsewhere.unsubscribe.token(ada, "reply") == first
    with club.cluster.read_home(ada, club.cluster.position) as reader:
        rows = reader.rows("SELECT value FROM preferences WHERE account = ? AND name = 'letter_key'", (ada,))
    assert len(rows) == 1
    assert rows[0][0] not in str(club.social.preferences.of(ada))
