"""Token buckets: a rush is let through, going on and on is not."""

import pytest

from minisocial.errors import TooMany
from minisocial.web.limits import MAX_BUCKETS, RATES, Limits, place
from tests.fakes import ManualClock
from tests.web.conftest import make_world


def empty(limits: Limits, kind: str, who: str) -> None:
    for _ in range(RATES[kind].burst):
        limits.take(kind, who)


def test_a_burst_is_let_through_and_then_it_is_enough() -> None:
    limits = Limits(ManualClock())
    empty(limits, "post", "ada")
    with pytest.raises(TooMany, match="try again in 4 seconds") as refused:
        limits.take("post", "ada")
    assert refused.value.retry_after == 4


def test_waiting_as_told_is_enough() -> None:
    clock = ManualClock()
    limits = Limits(clock)
    empty(limits, "login_name", "ada")
    with pytest.raises(TooMany) as refused:
        limits.take("login_name", "ada")
    assert refused.value.retry_after
    clock.advance(refused.value.retry_after)
    limits.take("login_name", "ada")
    with pytest.raises(TooMany):
        limits.take("login_name", "ada")


def test_people_and_kinds_are_counted_apart() -> None:
    limits = Limits(ManualClock())
    empty(limits, "post", "ada")
    limits.take("post", "grace")
    limits.take("like", "ada")


def test_what_is_given_back_does_not_count() -> None:
    limits = Limits(ManualClock())
    for _ in range(RATES["login_name"].burst * 3):
        limits.take("login_name", "ada")
        limits.give_back("login_name", "ada")


def test_memory_is_bounded() -> None:
    limits = Limits(ManualClock())
    for number in range(MAX_BUCKETS + 50):
        limits.take("post", str(number))
    assert len(limits._buckets) == MAX_BUCKETS


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("localhost", "localhost"),
    ],
)
def test_whoever_has_many_addresses_is_at_one_place(address: str, where: str) -> None:
    assert place(address) == where


def test_another_address_of_the_same_household_gives_no_new_tries() -> None:
    world = make_world(limited=True)

    def ask(address: str, name: str) -> int:
        return world.client(address=address).submit("/forgot", "/forgot", {"username": name}).code

    tries = [ask(f"2001:db8::{number:x}", f"name{number}") for number in range(RATES["forgot_address"].burst)]
    assert set(tries) == {200}
    assert ask("2001:db8::ffff", "another") == 429
    assert ask("2001:db8:0:1::1", "another") == 200


def test_guessing_passwords_ends_in_429_and_says_when_to_come_back() -> None:
    world = make_world(limited=True)
    client = world.client()
    wrong = {"username": "ada", "password": "guess"}
    answers = [client.submit("/login", "/login", wrong) for _ in range(RATES["login_name"].burst + 1)]
    assert {answer.code for answer in answers[:-1]} == {422}
    assert answers[-1].code == 429
    assert int(answers[-1].header("Retry-After")) > 0
    assert world.client("grace")  # others from the same network still get in


def test_a_profile_is_not_changed_without_end() -> None:
    world = make_world(limited=True)
    client = world.client("ada")
    empty(world.limits, "profile", str(world.ada.id))
    answer = client.submit("/settings", "/settings", {"display_name": "Ada", "bio": "And so on."})
    assert answer.code == 429
    assert "And so on.</textarea>" in answer.text
    assert world.social.accounts.get(world.ada.id).bio == "Poet of numbers."


def test_posting_too_fast_keeps_the_text() -> None:
    world = make_world(limited=True)
    client = world.client("ada")
    empty(world.limits, "post", str(world.ada.id))
    answer = client.submit("/", "/posts", {"text": "One too many.", "visibility": "everyone"})
    assert answer.code == 429
    assert "One too many.</textarea>" in answer.text


def test_switched_off_nothing_is_counted() -> None:
    limits = Limits(ManualClock(), enabled=False)
    for _ in range(RATES["join"].burst * 2):
        limits.take("join", "10.0.0.1")
