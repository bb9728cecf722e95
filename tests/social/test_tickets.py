"""Links that are good once, for one purpose, and not for long."""

import threading

import pytest

from minisocial.database import DIRECTORY
from minisocial.errors import Gone
from minisocial.social.tickets import CONFIRM, HOUR_MS, RESET, Tickets, void

ADDRESS = "ada@club.example"


@pytest.fixture
def tickets(club) -> Tickets:
    return club.social.tickets


def spend(club, token: str, purpose: str = RESET):
    with club.cluster.write(DIRECTORY) as tx:
        return club.social.tickets.spend(tx, purpose, token)


def rows(club) -> list[tuple]:
    with club.cluster.read(DIRECTORY, club.cluster.position(DIRECTORY)) as reader:
        return reader.rows("SELECT * FROM tickets")


def test_a_ticket_is_good_once(club, tickets: Tickets) -> None:
    token = tickets.issue(RESET, 7, ADDRESS)
    assert tickets.find(RESET, token).account == 7
    assert spend(club, token).email == ADDRESS
    for use in (lambda: spend(club, token), lambda: tickets.find(RESET, token)):
        with pytest.raises(Gone):
            use()


@pytest.mark.parametrize("purpose, hours", [(RESET, 1), (CONFIRM, 48)])
def test_a_ticket_runs_out(club, tickets: Tickets, purpose: str, hours: int) -> None:
    token = tickets.issue(purpose, 7)
    club.clock.advance(hours * 3600 - 1)
    assert tickets.find(purpose, token).account == 7
    club.clock.advance(1)
    with pytest.raises(Gone):
        tickets.find(purpose, token)


def test_a_ticket_for_one_purpose_is_none_for_another(club, tickets: Tickets) -> None:
    token = tickets.issue(CONFIRM, 7, ADDRESS)
    with pytest.raises(Gone):
        spend(club, token, RESET)
    assert tickets.find(CONFIRM, token)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "é", "\ud800", "a" * 100_000])
def test_what_was_never_issued_is_no_ticket(tickets: Tickets, token: str) -> None:
    with pytest.raises(Gone):
        tickets.find(RESET, token)


def test_only_a_hash_is_stored(club, tickets: Tickets) -> None:
    token = tickets.issue(RESET, 7, ADDRESS, about="letter 1")
    assert len(token) == 43
    assert token not in str(rows(club))


def test_a_letter_that_is_written_again_has_the_same_link_with_new_time(club, tickets: Tickets) -> None:
    token = tickets.issue(RESET, 7, ADDRESS, about="letter 1")
    club.clock.advance(5 * 3600)  # the mail server was away
    assert tickets.issue(RESET, 7, ADDRESS, about="letter 1") == token
    assert tickets.find(RESET, token).account == 7
    assert [row[2] for row in rows(club)].count(7) == 1
    assert tickets.issue(RESET, 7, ADDRESS, about="letter 2") != token


def test_a_used_ticket_is_not_made_good_again_by_a_repetition(club, tickets: Tickets) -> None:
    token = tickets.issue(RESET, 7, ADDRESS, about="letter 1")
    spend(club, token)
    assert tickets.issue(RESET, 7, ADDRESS, about="letter 1") == token
    with pytest.raises(Gone):
        tickets.find(RESET, token)


def test_nobody_can_compute_a_token_from_what_is_stored(club, tickets: Tickets) -> None:
    """Another process, with the same tables and the same task, comes to another token."""
    assert tickets.issue(RESET, 7, "", about="1") != club.elsewhere.tickets.issue(RESET, 7, "", about="1")


def test_voiding_spares_other_people_and_if_asked_other_purposes(club, tickets: Tickets) -> None:
    mine, also, hers = tickets.issue(RESET, 7), tickets.issue(CONFIRM, 7), tickets.issue(RESET, 8)
    with club.cluster.write(DIRECTORY) as tx:
        void(tx, 7, RESET)
    with pytest.raises(Gone):
        tickets.find(RESET, mine)
    assert tickets.find(CONFIRM, also) and tickets.find(RESET, hers)
    with club.cluster.write(DIRECTORY) as tx:
        void(tx, 7)
    with pytest.raises(Gone):
        tickets.find(CONFIRM, also)


def test_of_two_who_follow_a_link_at_once_one_comes_late(club, tickets: Tickets) -> None:
    token, outcomes = tickets.issue(RESET, 7), []
    ready = threading.Barrier(4)

    def follow() -> None:
        ready.wait(10)
        try:
            spend(club, token)
            outcomes.append("in")
        except Gone:
            outcomes.append("late")

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["in", "late", "late", "late"]


def test_tickets_of_which_no_letter_can_ask_any_more_are_forgotten(club, tickets: Tickets) -> None:
    tickets.issue(RESET, 7)
    club.clock.advance(8 * 24 * HOUR_MS / 1000)
    tickets.issue(RESET, 7)
    assert [row[2] for row in rows(club)].count(7) == 1
