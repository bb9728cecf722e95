"""Where letters go: confirmed with a link, changed with a link."""

import pytest

from minisocial.database import DIRECTORY
from minisocial.errors import Gone, Invalid
from minisocial.social.tasks import Tasks
from tests.social.conftest import PASSWORD

DAY = 86_400


def letters_to(club, address: str) -> list:
    club.work()
    return [letter for letter in club.sent if letter.to == address]


def token_for(club, address: str) -> str:
    """The token in the newest letter that asks this address."""
    letter = [each for each in letters_to(club, address) if "/confirm/" in each.text][-1]
    (link,) = [line for line in letter.text.splitlines() if "/confirm/" in line]
    return link.rpartition("/")[2]


def emails(club, account: int) -> list[str]:
    with club.cluster.read(DIRECTORY, club.cluster.position(DIRECTORY)) as reader:
        return [row[0] for row in reader.rows("SELECT email FROM emails WHERE account = ?", (account,))]


def test_whoever_joins_is_asked_and_confirms(club) -> None:
    grace = club.person("grace")
    token = token_for(club, "grace@club.example")
    assert not club.elsewhere.addresses.is_confirmed(grace)
    assert club.elsewhere.addresses.find(token) == "grace@club.example"
    club.social.addresses.confirm(token)
    assert club.elsewhere.addresses.is_confirmed(grace)
    assert club.elsewhere.addresses.of(grace).is_confirmed
    with pytest.raises(Gone):
        club.social.addresses.confirm(token)


def test_a_sign_up_that_is_finished_twice_asks_once(club) -> None:
    grace = club.person("grace")
    club.work()
    assert len(letters_to(club, "grace@club.example")) == 1
    assert club.social.accounts.get(grace)


def test_the_letter_to_what_may_be_a_stranger_has_nobodys_words_in_it(club) -> None:
    invite = club.social.invites.make(club.person("ada"))
    club.social.accounts.join(
        invite.code, username="eve", display_name="Win http://evil.test", email="eve@club.example", password=PASSWORD
    )
    (letter,) = letters_to(club, "eve@club.example")
    assert "evil" not in f"{letter.text}{letter.html}{letter.subject}{letter.to_name}"
    assert "@eve" in letter.text


def test_a_new_address_takes_the_old_ones_place_when_its_link_is_followed(club) -> None:
    ada = club.person("ada")
    club.social.addresses.change(ada, PASSWORD, "countess@club.example")
    token = token_for(club, "countess@club.example")
    before = club.elsewhere.addresses.of(ada)
    assert (before.email, before.next) == ("ada@club.example", "countess@club.example")
    assert emails(club, ada) == ["ada@club.example"]
    club.social.addresses.confirm(token)
    after = club.elsewhere.addresses.of(ada)
    assert (after.email, after.next, after.is_confirmed) == ("countess@club.example", "", True)
    assert emails(club, ada) == ["countess@club.example"]
    assert club.social.accounts.log_in("countess@club.example", PASSWORD).id == ada


def test_the_old_address_hears_of_it(club) -> None:
    club.social.addresses.change(club.person("ada"), PASSWORD, "countess@club.example")
    letter = letters_to(club, "ada@club.example")[-1]
    assert letter.subject == "Your address is about to change"
    assert "countess@club.example" in letter.text
    assert "/confirm/" not in letter.text


def test_who_is_warned_and_changes_the_password_stops_it(club) -> None:
    ada = club.person("ada")
    club.social.addresses.change(ada, PASSWORD, "thief@club.example")
    token = token_for(club, "thief@club.example")
    club.social.credentials.change_password(ada, PASSWORD, "a much better one")
    with pytest.raises(Gone):
        club.social.addresses.confirm(token)
    assert club.elsewhere.addresses.of(ada).email == "ada@club.example"


def test_who_changes_the_password_stops_it_also_while_the_letter_waits_to_be_written(club) -> None:
    ada = club.person("ada")
    club.work()
    club.social.addresses.change(ada, PASSWORD, "thief@club.example")  # by somebody who knows the password
    club.social.addresses.ask_again(ada)
    club.elsewhere.credentials.change_password(ada, PASSWORD, "another long one")
    assert letters_to(club, "thief@club.example") == []
    club.social.addresses.change(ada, "another long one", "countess@club.example")
    assert club.social.addresses.confirm(token_for(club, "countess@club.example")) == "countess@club.example"


@pytest.mark.parametrize(
    "password, email, field",
    [
        ("wrong password", "new@club.example", "password"),
        (PASSWORD, "no address", "email"),
        (PASSWORD, "grace@club.example", "email"),
        (PASSWORD, "ada@club.example", "email"),
    ],
)
def test_a_change_that_cannot_be_is_refused(club, password: str, email: str, field: str) -> None:
    club.person("grace")
    with pytest.raises(Invalid) as refused:
        club.social.addresses.change(club.person("ada"), password, email)
    assert refused.value.field == field


def test_the_last_wish_counts(club) -> None:
    ada = club.person("ada")
    club.social.addresses.change(ada, PASSWORD, "one@club.example")
    first = token_for(club, "one@club.example")
    club.social.addresses.change(ada, PASSWORD, "two@club.example")
    with pytest.raises(Gone):
        club.social.addresses.confirm(first)
    club.social.addresses.confirm(token_for(club, "two@club.example"))
    assert emails(club, ada) == ["two@club.example"]


def test_an_address_that_somebody_took_meanwhile_is_not_taken_from_them(club) -> None:
    ada = club.person("ada")
    club.social.addresses.change(ada, PASSWORD, "shared@club.example")
    token = token_for(club, "shared@club.example")
    invite = club.social.invites.make(ada)
    eve = club.social.accounts.join(
        invite.code, username="eve", display_name="", email="shared@club.example", password=PASSWORD
    )
    with pytest.raises(Gone):
        club.social.addresses.confirm(token)
    assert emails(club, eve.id) == ["shared@club.example"]
    assert emails(club, ada) == ["ada@club.example"]


def test_a_change_that_died_between_the_two_shards_is_finished_by_its_task(club) -> None:
    ada = club.person("ada")
    club.social.addresses.change(ada, PASSWORD, "countess@club.example")
    token = token_for(club, "countess@club.example")
    with club.cluster.write(DIRECTORY) as tx:  # the first half of `confirm`
        ticket = club.social.tickets.spend(tx, "confirm", token)
        club.social.addresses._take(tx, ticket)
        club.social.store.later(tx, "settle_address", account=ada)
    assert club.elsewhere.addresses.of(ada).email == "ada@club.example"
    club.work()
    assert club.elsewhere.addresses.of(ada).email == "countess@club.example"
    assert club.elsewhere.addresses.of(ada).is_confirmed


def test_asking_again_sends_the_link_where_it_is_waited_for(club) -> None:
    ada = club.person("ada")
    assert club.social.addresses.ask_again(ada) == "ada@club.example"
    assert len(letters_to(club, "ada@club.example")) == 2
    club.social.addresses.change(ada, PASSWORD, "countess@club.example")
    club.work()
    assert club.social.addresses.ask_again(ada) == "countess@club.example"
    assert len(letters_to(club, "countess@club.example")) == 2


# --- letters with news


def news_for(club, account: int, has_server: bool = True) -> str:
    return club.elsewhere.addresses.for_news(account, has_server)


def test_news_goes_to_a_new_address_for_two_days_and_then_only_if_it_was_confirmed(club) -> None:
    grace, alan = club.person("grace"), club.person("alan")
    club.social.addresses.confirm(token_for(club, "alan@club.example"))
    assert news_for(club, grace) == "grace@club.example"
    club.clock.advance(2 * DAY + 1)
    assert news_for(club, grace) == ""
    assert news_for(club, alan) == "alan@club.example"
    assert news_for(club, grace, has_server=False) == "grace@club.example"


def test_who_confirms_late_gets_news_again(club) -> None:
    grace = club.person("grace")
    club.work()
    club.clock.advance(9 * DAY)
    club.social.addresses.ask_again(grace)
    assert news_for(club, grace) == ""
    club.social.addresses.confirm(token_for(club, "grace@club.example"))
    assert news_for(club, grace) == "grace@club.example"


def test_who_was_never_asked_goes_on_getting_news(club) -> None:
    """As everybody who joined before addresses were confirmed."""
    grace = club.person("grace")
    club.work()
    with club.cluster.write_home(grace) as tx:
        tx.execute("DELETE FROM letters_sent WHERE account = ?", (grace,))
    club.clock.advance(9 * DAY)
    club.social.addresses.change(grace, PASSWORD, "slip@club.example")
    club.work()
    club.clock.advance(9 * DAY)
    assert news_for(club, grace) == "grace@club.example"


def test_a_letter_that_is_held_back_is_not_sent(club) -> None:
    ada, grace = club.person("ada"), club.person("grace")
    club.work()
    club.clock.advance(3 * DAY)
    handlers = Tasks(club.elsewhere, club.sent.append, lambda: "", has_server=True).handlers()
    club.background.handle(handlers)
    club.social.posts.publish(grace, "Look, @ada", "everyone")
    club.work()
    assert club.letters == []
    club.social.addresses.confirm(club.social.addresses.link(ada))
    club.social.posts.publish(grace, "Again, @ada", "everyone")
    club.work()
    assert [letter.subject for letter in club.letters] == ["Grace mentioned you"]
