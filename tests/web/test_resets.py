"""A forgotten password."""

import pytest

from tests.web.conftest import World, make_world


def test_the_log_in_page_leads_there(world: World) -> None:
    assert '<a href="/forgot">Forgot your password?</a>' in world.client().get("/login").text


def test_the_answer_is_the_same_for_anybody(world: World) -> None:
    answers = [world.client().submit("/forgot", "/forgot", {"username": name}) for name in ("ada", "nobody", "")]
    assert [answer.code for answer in answers] == [200, 200, 200]
    assert len({answer.body for answer in answers}) == 1
    assert "If this is the name or the address of somebody here" in answers[0].text
    assert world.social.resets.asked == ["ada", "nobody", ""]


def test_without_a_mail_server_it_says_who_has_the_letter(world: World) -> None:
    assert "the letter lies with your host" in world.client().submit("/forgot", "/forgot", {"username": "ada"}).text
    sending = make_world(sends_mail=True)
    assert "unwanted mail" in sending.client().submit("/forgot", "/forgot", {"username": "ada"}).text


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_nobody_is_flooded_with_letters_whether_they_are_here_or_not(name: str) -> None:
    world = make_world(limited=True)
    codes = [
        world.client(address=f"10.0.0.{n}").submit("/forgot", "/forgot", {"username": name}).code for n in range(5)
    ]
    assert codes == [200, 200, 200, 429, 429]
    assert len(world.social.resets.asked) == 3


def test_one_network_cannot_ask_for_everybody() -> None:
    world = make_world(limited=True)
    codes = [world.client().submit("/forgot", "/forgot", {"username": f"n{n}"}).code for n in range(25)]
    assert codes.count(200) == 20 and codes[-1] == 429


def test_the_link_sets_the_password_and_leads_to_log_in(world: World) -> None:
    client = world.client()
    page = client.get("/reset/reset-grace")
    assert "@grace" in page.text
    answer = client.submit("/reset/reset-grace", "/reset/reset-grace", {"new": "a brand new one"})
    assert answer.header("Location") == "/login?reset=1"
    assert "session" not in client.cookies
    assert "Your new password is set." in client.get("/login?reset=1").text
    assert world.client().log_in("grace", "a brand new one").code == 303


def test_a_password_that_is_too_short_leaves_the_link(world: World) -> None:
    answer = world.client().submit("/reset/reset-grace", "/reset/reset-grace", {"new": "short"})
    assert answer.code == 422
    assert 'id="new-mistake"' in answer.text and 'action="/reset/reset-grace"' in answer.text


def test_looking_at_the_link_changes_nothing(world: World) -> None:
    before = dict(world.social.accounts.passwords)
    world.client().get("/reset/reset-grace")
    assert world.social.accounts.passwords == before


def test_a_link_that_is_over_says_so(world: World) -> None:
    answer = world.client().get("/reset/used")
    assert answer.code == 410
    assert "was used already, or its time is over" in answer.text


@pytest.mark.parametrize("path", ["/reset/reset-grace", "/confirm/confirm-grace"])
def test_no_other_page_is_told_an_address_with_a_secret_in_it(world: World, path: str) -> None:
    answer = world.client().get(path)
    assert [value for name, value in answer.headers if name == "Referrer-Policy"] == ["strict-origin"]
    assert "private" in answer.header("Cache-Control")
    assert [value for name, value in world.client().get("/login").headers if name == "Referrer-Policy"] == [
        "same-origin"
    ]


def test_the_form_of_another_site_resets_nothing(world: World) -> None:
    assert world.client().post("/reset/reset-grace", {"new": "a brand new one"}).code == 403
    assert world.client().post("/forgot", {"username": "grace"}).code == 403
    assert world.social.resets.asked == []
