from concurrent.futures import ThreadPoolExecutor

import pytest

from minisocial.errors import Conflict, Gone, Invalid, NotFound
from tests.social.conftest import PASSWORD


def join(club, code, **changes):
    fields = {"username": "grace", "display_name": "Grace Hopper", "email": "grace@club.example", "password": PASSWORD}
    return club.social.accounts.join(code, **(fields | changes))


@pytest.fixture
def code(club):
    return club.social.invites.make(club.person("ada")).code


def test_who_joins_can_log_in_by_name_and_by_address(club, code):
    grace = join(club, code)
    assert club.social.accounts.log_in("GRACE", PASSWORD) == grace
    assert club.social.accounts.log_in("grace@club.example", PASSWORD) == grace
    assert club.elsewhere.accounts.named("Grace") == grace


def test_a_wrong_name_and_a_wrong_password_are_told_the_same(club):
    with pytest.raises(Invalid) as wrong_password:
        club.social.accounts.log_in("ada", "not this one")
    with pytest.raises(Invalid) as wrong_name:
        club.social.accounts.log_in("nobody", PASSWORD)
    assert str(wrong_password.value) == str(wrong_name.value)
    assert wrong_password.value.field == wrong_name.value.field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", "a b"),
        ("username", "x" * 31),
        ("username", "admin"),
        ("username", "ädä"),
        ("email", "grace"),
        ("email", "grace@@x"),
        ("email", "a@b\r\nBcc: x@y"),
        ("password", "short"),
        ("password", "x" * 201),
        ("display_name", "x" * 51),
        ("display_name", "a\x00b"),
    ],
)
def test_what_is_not_acceptable_is_refused_by_field_and_costs_no_invite(club, code, field, value):
    with pytest.raises(Invalid) as refused:
        join(club, code, **{field: value})
    assert refused.value.field == field
    assert club.social.invites.find(code).left == 1


@pytest.mark.parametrize(("field", "value"), [("username", "ADA"), ("email", "Ada@Club.example")])
def test_a_name_is_unique_whatever_the_case(club, code, field, value):
    with pytest.raises(Conflict) as refused:
        join(club, code, **{field: value})
    assert refused.value.field == field


def test_an_invite_is_used_once(club, code):
    join(club, code)
    with pytest.raises(Gone):
        join(club, code, username="alan", email="alan@club.example")


def test_of_many_who_take_one_name_at_once_one_gets_it(club):
    invite = club.social.invites.make(club.person("ada"), uses=20)

    def attempt(number):
        try:
            return join(club, invite.code, email=f"g{number}@club.example")
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        got = [account for account in pool.map(attempt, range(8)) if account]
    assert len(got) == 1
    assert club.social.invites.find(invite.code).used == 1


def test_an_invite_ends_by_time_and_by_revoking(club, code):
    club.clock.advance(15 * 24 * 3600)
    with pytest.raises(Gone):
        club.social.invites.find(code)
    other = club.social.invites.make(club.person("ada"))
    club.social.invites.revoke(club.person("ada"), other.code)
    with pytest.raises(Gone):
        club.social.invites.find(other.code)
    with pytest.raises(NotFound):
        club.social.invites.find("made-up")


def test_a_sign_up_that_died_half_way_is_finished_by_the_worker(club, code):
    accounts = club.social.accounts
    new = accounts.apply("grace", "Grace", "grace@club.example", PASSWORD)
    with club.cluster.write("directory") as tx:
        accounts.reserve(tx, new)  # and here the process is killed
    with pytest.raises(NotFound):
        accounts.named("grace")
    club.work()
    assert accounts.log_in("grace", PASSWORD).username == "grace"


def test_changing_the_password_ends_all_sessions(club):
    ada = club.person("ada")
    session = club.social.sessions.open(ada)
    assert club.elsewhere.sessions.find(session.token)
    with pytest.raises(Invalid):
        club.social.credentials.change_password(ada, "wrong one", "another one")
    club.social.credentials.change_password(ada, PASSWORD, "another one")
    assert club.elsewhere.sessions.find(session.token) is None
    assert club.social.accounts.log_in("ada", "another one").id == ada


def test_an_edited_profile_is_seen_by_every_node(club):
    ada = club.person("ada")
    assert club.elsewhere.accounts.get(ada).display_name == "Ada Lovelace"
    club.social.accounts.edit(ada, display_name="Countess", bio="Numbers\nand poems", approves_followers=False)
    assert club.elsewhere.accounts.get(ada).bio == "Numbers\nand poems"
    assert not club.elsewhere.accounts.get(ada).approves_followers


def test_a_name_that_cannot_be_seen_is_refused(club):
    ada = club.person("ada")
    with pytest.raises(Invalid, match="what to call you"):
        club.social.accounts.edit(ada, display_name="\u200e \u200e", bio="", approves_followers=True)


def test_a_name_that_was_written_empty_has_initials_all_the_same(club):
    ada = club.person("ada")
    with club.cluster.write(club.cluster.shard_of(ada)) as tx:
        tx.execute("UPDATE accounts SET display_name = ' ' WHERE id = ?", (ada,))
    assert club.elsewhere.accounts.get(ada).initials == "AD"


def test_what_is_no_name_takes_no_room_in_a_cache(club):
    local = club.social.store.cache.local
    before = local.snapshot().entries
    for name in ("a" * 31, "a" * 30_000, "no name", "@ada", ""):
        with pytest.raises(NotFound):
            club.social.accounts.named(name)
    assert local.snapshot().entries == before


@pytest.mark.parametrize("email", ["\x01@club.example", "gr\u200bace@club.example", "grace@club.example\u202e"])
def test_an_address_with_signs_that_nobody_sees_is_refused(club, code, email):
    with pytest.raises(Invalid, match="e-mail address"):
        join(club, code, email=email)
