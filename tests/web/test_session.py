"""Logging in and out."""

import pytest

from tests.web.conftest import World


def test_log_in_leads_home_with_a_session(world: World) -> None:
    client = world.client()
    answer = client.log_in("ada")
    assert (answer.code, answer.header("Location")) == (303, "/")
    assert "What’s happening, Ada?" in client.get("/").text


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    cookie = world.client().log_in("ada").cookies["session"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_secure(world: World) -> None:
    client = world.client()
    page = client.get("/login")
    token = page.cookies["pre"].partition(";")[0].removeprefix("pre=")
    fields = {"csrf": token, "username": "ada", "password": "minisocial"}
    answer = client.post("/login", fields, **{"wsgi.url_scheme": "https"})
    assert "; Secure" in answer.cookies["session"]


def test_log_in_goes_on_where_one_wanted_to_go(world: World) -> None:
    client = world.client()
    asked = client.get("/notifications")
    assert asked.header("Location") == "/login?next=%2Fnotifications"
    fields = {"username": "ada", "password": "minisocial"}
    assert client.submit(asked.header("Location"), "/login", fields).header("Location") == "/notifications"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "/a\nb", "evil", "/\t/evil"],
)
def test_next_never_leads_to_another_site(world: World, elsewhere: str) -> None:
    fields = {"username": "ada", "password": "minisocial", "next": elsewhere}
    assert world.client().submit("/login", "/login", fields).header("Location") == "/"


def test_a_wrong_password_keeps_the_name_but_not_the_password(world: World) -> None:
    answer = world.client().submit("/login", "/login", {"username": "ada", "password": "wrong-guess"})
    assert answer.code == 422
    assert 'value="ada"' in answer.text
    assert "wrong-guess" not in answer.text
    assert "do not belong together" in answer.text


def test_an_unknown_name_is_refused_in_the_same_words(world: World) -> None:
    def said(name: str) -> str:
        html = world.client().submit("/login", "/login", {"username": name, "password": "wrong"}).text
        return html.partition('id="mistake">')[2].partition("<")[0]

    assert said("nobody") == said("ada") != ""


def test_log_out_ends_the_session_for_everybody_who_holds_it(world: World) -> None:
    client = world.client("ada")
    held = dict(client.cookies)
    assert client.submit("/", "/logout").header("Location") == "/"
    thief = world.client()
    thief.cookies = held
    assert thief.get("/friends").code == 303


def test_logging_in_again_ends_the_session_before(world: World) -> None:
    client = world.client("ada")
    first = client.cookies["session"]
    page = client.get("/settings").text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    client.post("/login", {"csrf": token, "username": "ada", "password": "minisocial"})
    assert client.cookies["session"] != first
    assert world.social.sessions.find(first) is None


def test_a_dead_session_is_like_none(world: World) -> None:
    client = world.client()
    client.cookies["session"] = "long-gone"
    answer = client.get("/")
    assert "Log in" in answer.text
    assert answer.header("Cache-Control").startswith("private")
