"""What stands around every page: headers, cookies, positions, and who may keep what."""

import re

import pytest

from minisocial.web import WebContext, build_app
from minisocial.web.app import _as_bytes
from tests.web.client import Client
from tests.web.conftest import World, make_world

MEMBER = [
    "/",
    "/explore",
    "/@ada",
    "/friends",
    "/notifications",
    "/settings",
    "/invites",
    "/admin",
    "/admin/letters",
    "/tags/x",
]
VISITOR = ["/", "/explore", "/@ada", "/tags/chess"]


@pytest.mark.parametrize("path", [*MEMBER, "/login", "/nowhere", "/notifications/unread.json"])
def test_every_answer_carries_the_security_headers(world: World, path: str) -> None:
    answer = world.client("ada").get(path)
    policy = answer.header("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "same-origin"


@pytest.mark.parametrize("path", MEMBER)
def test_a_members_page_is_theirs_alone(world: World, path: str) -> None:
    answer = world.client("ada").get(path)
    assert answer.header("Cache-Control").startswith("private")
    assert not answer.header("Surrogate-Key")


@pytest.mark.parametrize("path", VISITOR)
def test_a_visitors_page_may_be_kept_and_has_nothing_of_the_visitor_in_it(world: World, path: str) -> None:
    answer = world.client().get(path)
    assert answer.header("Cache-Control") == "public, max-age=60, stale-while-revalidate=60, stale-if-error=600"
    assert "community:all" in answer.header("Surrogate-Key").split()
    assert not answer.cookies
    assert "csrf" not in answer.text
    assert "<form" not in answer.text


def test_a_visitors_page_names_what_it_was_made_of(world: World) -> None:
    view = world.social.posts.publish(world.ada.id, "Kept.", "everyone")
    for path in ("/explore", "/@ada", view.url):
        assert f"post:{view.post.id}" in world.client().get(path).header("Surrogate-Key").split()
    keys = world.client().get(view.url).header("Surrogate-Key").split()
    assert {f"thread:{view.post.id}", f"account:{world.ada.id}"} <= set(keys)


def test_pages_that_are_not_there_are_not_kept(world: World) -> None:
    for path in ("/@nobody", "/nowhere", "/@ada/5"):
        assert world.client().get(path).header("Cache-Control").startswith("private")


def test_positions_travel_in_a_cookie(world: World) -> None:
    client = world.client("ada")
    client.cookies["seen"] = "0:123.directory:9.!:5.1:x.2:-4"
    client.get("/")
    assert world.social.seen == {"0": 123, "directory": 9}


def test_new_positions_are_given_to_the_browser(world: World) -> None:
    client = world.client("ada")
    home = world.social.feeds.home

    def reads_shard_1(viewer: int, cursor: object) -> object:
        world.social.seen["1"] = 456
        return home(viewer, cursor)

    world.social.feeds.home = reads_shard_1
    cookie = client.get("/").cookies["seen"]
    assert cookie.startswith("seen=1:456;")
    assert "Max-Age=600" in cookie
    assert "HttpOnly" in cookie
    assert "seen" not in client.get("/").cookies  # nothing new: nothing to say


def test_a_log_in_is_seen_by_what_follows_it(world: World) -> None:
    log_in = world.social.accounts.log_in

    def writes_a_session(name: str, password: str) -> object:
        world.social.seen["directory"] = 77
        return log_in(name, password)

    world.social.accounts.log_in = writes_a_session
    assert world.client().log_in("ada").cookies["seen"].startswith("seen=directory:77;")


@pytest.mark.parametrize(
    "cookies", ["session", "session=", "=;;=", 'a=b; session="\x01"; c', "session=" + "x" * 9000, "\xff=\xfe"]
)
def test_broken_cookies_do_no_harm(world: World, cookies: str) -> None:
    assert world.client().get("/explore", HTTP_COOKIE=cookies).code == 200


def test_two_apps_live_side_by_side() -> None:
    first, second = make_world(), make_world(members_only=True)
    assert first.client().get("/explore").code == 200
    assert second.client().get("/explore").code == 303
    assert first.client("ada").get("/").code == 200


def test_an_app_is_new_each_time(world: World) -> None:
    context = WebContext(static=str, limits=world.limits, clock=world.clock)
    assert build_app(world.social, context) is not build_app(world.social, context)


def test_a_head_request_gets_the_headers_alone(world: World) -> None:
    answer = world.client().send("HEAD", "/explore")
    assert (answer.code, answer.body) == (200, b"")


@pytest.mark.parametrize("path", MEMBER)
def test_pages_are_small_and_need_nothing_from_elsewhere(world: World, path: str) -> None:
    for number in range(30):
        world.social.posts.publish(world.ada.id, f"{number} " + "word & " * 70, "everyone")
    html = world.client("ada").get(path).text
    assert len(html.encode()) < 60_000
    assert not re.findall(r'(?:src|action|<link[^>]* href)="(?:https?:)?//', html)
    assert "style=" not in html
    assert "\0" not in html
    assert not re.findall(r"\son\w+=", html)


@pytest.mark.parametrize("path", [*MEMBER, "/login"])
def test_every_page_can_be_found_ones_way_in(world: World, path: str) -> None:
    client: Client = world.client() if path == "/login" else world.client("ada")
    html = client.get(path).text
    assert html.count("<h1") == 1
    assert '<a class="skip" href="#main">' in html
    assert "<title>" in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
    for tag in re.findall(r"<(?:input|textarea|select)\b[^>]*>", html):
        if 'type="hidden"' in tag or 'type="checkbox"' in tag or "aria-hidden" in tag:
            continue
        name = re.search(r'\sid="([^"]+)"', tag)
        assert name is not None, tag
        assert name[1] in labelled


def test_what_people_wrote_goes_out_in_a_header_as_utf_8() -> None:
    assert _as_bytes(("Surrogate-Key", "tag:0:жук"))[1].encode("latin-1").decode() == "tag:0:жук"
    assert _as_bytes(("Surrogate-Key", "tag:0:\ud800"))[1] == "tag:0:?"  # half a character harms nobody


def test_an_answer_has_its_length_and_head_has_no_body(world: World) -> None:
    client = world.client("ada")
    for path in ("/", "/nowhere"):
        answer = client.get(path)
        assert answer.header("Content-Length") == str(len(answer.body)) != "0"
    head = client.send("HEAD", "/")
    assert head.body == b"" and head.code == 200
