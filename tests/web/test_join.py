"""Setting up and joining."""

from dataclasses import replace

import pytest

from minisocial.social.community import Community
from tests.web.conftest import World, make_world

NEW = {"username": "hedy", "display_name": "Hedy Lamarr", "email": "hedy@example.org", "password": "frequency hopping"}
HOST = {**NEW, "name": "Inventors"}


@pytest.fixture
def fresh() -> World:
    """Pages of a system that nobody has set up."""
    world = make_world(check_setup_code=lambda code: code == "secret-code")
    world.social.community.value = Community()
    return world


def test_everything_leads_to_the_set_up_page(fresh: World) -> None:
    for path in ("/", "/login", "/explore", "/@ada", "/settings"):
        assert fresh.client(is_local=True).get(path).header("Location") == "/setup"


def test_the_host_sets_up_and_is_logged_in(fresh: World) -> None:
    client = fresh.client(is_local=True)
    assert client.submit("/setup", "/setup", HOST).header("Location") == "/"
    assert "Inventors" in client.get("/").text
    assert fresh.social.accounts.named("hedy").is_admin


def test_a_stranger_needs_the_code_to_set_up(fresh: World) -> None:
    assert fresh.client().get("/setup").code == 403
    assert fresh.client().get("/setup?code=guess").code == 403
    client = fresh.client()
    assert client.submit("/setup?code=secret-code", "/setup", HOST).code == 303
    assert fresh.social.community.get().name == "Inventors"


def test_set_up_without_a_name_comes_back_filled_in(fresh: World) -> None:
    answer = fresh.client(is_local=True).submit("/setup", "/setup", {**HOST, "name": " "})
    assert answer.code == 422
    assert 'value="Hedy Lamarr"' in answer.text
    assert "Please give the community a name." in answer.text
    assert "frequency hopping" not in answer.text


def test_set_up_is_not_there_afterwards(world: World) -> None:
    assert world.client(is_local=True).get("/setup").code == 404


def test_joining_by_invite_logs_in(world: World) -> None:
    code = world.social.invites.make(world.ada.id).code
    client = world.client()
    assert "Ada Lovelace</b> invites you" in client.get(f"/join/{code}").text
    assert client.submit(f"/join/{code}", f"/join/{code}", NEW).header("Location") == "/"
    assert "Hedy" in client.get("/").text


def test_a_taken_name_is_said_at_its_field(world: World) -> None:
    code = world.social.invites.make(world.ada.id).code
    answer = world.client().submit(f"/join/{code}", f"/join/{code}", {**NEW, "username": "grace"})
    assert answer.code == 409
    assert 'id="username-mistake"' in answer.text
    assert 'value="hedy@example.org"' in answer.text


def test_an_unknown_invite_is_not_found_and_a_used_one_is_gone(world: World) -> None:
    assert world.client().get("/join/nonsense").code == 404
    code = world.social.invites.make(world.ada.id).code
    world.social.invites.use(code)
    answer = world.client().get(f"/join/{code}")
    assert answer.code == 410
    assert "ask for a new one" in answer.text


def test_without_an_invite_one_is_told_to_ask(world: World) -> None:
    assert world.client().get("/join").code == 403


def test_an_open_community_needs_no_invite(world: World) -> None:
    world.social.community.value = replace(world.social.community.value, join="open")
    world.social.invites.use = lambda code: None
    client = world.client()
    assert 'href="/join"' in client.get("/").text
    assert client.submit("/join", "/join", NEW).code == 303


def test_a_member_who_follows_an_invite_is_led_home(world: World) -> None:
    assert world.client("ada").get("/join/whatever").header("Location") == "/"


def test_the_set_up_page_offers_nothing_that_is_not_there_yet(fresh: World) -> None:
    html = fresh.client(is_local=True).get("/setup").text
    assert 'href="/login"' not in html
    assert html.count("autofocus") == 1


def test_a_mistake_is_where_one_goes_on_writing(fresh: World) -> None:
    html = fresh.client(is_local=True).submit("/setup", "/setup", {**HOST, "name": " "}).text
    assert html.count("autofocus") == 1
    assert 'aria-invalid="true" autofocus' in html
