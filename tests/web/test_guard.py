"""No other site can send a form in a person's name."""

import re

import pytest

from tests.web.client import Client
from tests.web.conftest import World

ACTIONS = [
    "/logout", "/posts", "/@grace/friend", "/@grace/accept", "/@grace/decline", "/@grace/cancel", "/@grace/unfriend",
    "/@grace/follow", "/@grace/unfollow", "/notifications/seen", "/invites", "/invites/x/revoke", "/settings",
    "/settings/password", "/admin", "/@ada/5/like", "/@ada/5/unlike", "/@ada/5/delete", "/login", "/join/x", "/setup",
]  # fmt: skip


@pytest.mark.parametrize("path", ACTIONS)
def test_every_form_needs_its_token(world: World, path: str) -> None:
    for client in (world.client("ada"), world.client()):
        for token in ({}, {"csrf": ""}, {"csrf": "0" * 32}):
            answer = client.post(path, token)
            assert answer.code == 403
            assert "send it again" in answer.text


def test_the_token_of_somebody_else_does_not_do(world: World) -> None:
    ada, grace = world.client("ada"), world.client("grace")
    token = re.search(r'name="csrf" value="([^"]+)"', grace.get("/").text)
    assert token is not None
    assert ada.post("/posts", {"csrf": token[1], "text": "Not I.", "visibility": "everyone"}).code == 403
    assert not world.social.posts.by_id


def test_a_text_without_its_token_is_kept_with_a_fresh_one(world: World) -> None:
    client = world.client("ada")
    answer = client.post("/posts", {"text": "Typed at night.", "visibility": "everyone"})
    assert answer.code == 403
    assert "Typed at night.</textarea>" in answer.text
    assert f'name="csrf" value="csrf-of-{world.ada.id}"' in answer.text


def test_a_long_text_in_any_form_is_kept_without_its_token(world: World) -> None:
    client = world.client("ada")
    about_me = client.post("/settings", {"display_name": "Ada", "bio": "My whole <life>."})
    assert about_me.code == 403
    assert "My whole &lt;life&gt;.</textarea>" in about_me.text
    about_us = client.post("/admin", {"name": "We", "description": "A club.", "code_of_conduct": "Be kind."})
    assert "A club.\n\nBe kind.</textarea>" in about_us.text
    assert "My whole" in world.client().post("/settings", {"bio": "My whole life."}).text


@pytest.mark.parametrize(
    "said",
    [
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_ORIGIN": "https://evil.test"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "http://[broken"},
    ],
)
def test_what_the_browser_says_about_the_sender_counts(world: World, said: dict[str, str]) -> None:
    answer = world.client("ada").submit("/", "/posts", {"text": "Hello.", "visibility": "everyone"}, **said)
    assert answer.code == 403
    assert "another site" in answer.text


@pytest.mark.parametrize(
    "said", [{"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "null"}, {"HTTP_ORIGIN": "http://social.test"}]
)
def test_ones_own_pages_are_believed(world: World, said: dict[str, str]) -> None:
    answer = world.client("ada").submit("/", "/posts", {"text": "Hello.", "visibility": "everyone"}, **said)
    assert answer.code == 303


def test_before_log_in_the_token_is_a_cookie_no_script_reads(world: World) -> None:
    answer = world.client().get("/login")
    assert "HttpOnly" in answer.cookies["pre"]
    assert "SameSite=Lax" in answer.cookies["pre"]


def test_a_cookie_that_is_no_token_of_ours_is_replaced(world: World) -> None:
    client: Client = world.client()
    client.cookies["pre"] = "x"
    assert client.get("/login").cookies["pre"] != "x"
    assert client.log_in("ada").code == 303
