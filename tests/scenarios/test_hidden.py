"""Somebody who is blocked tries every other way to learn of who blocked them: each answers as if nobody were there."""

import json
import re

import pytest

from minisocial.ids import MAX_ID
from minisocial.system import System
from tests.client import Client, Page
from tests.scenarios.people import join, set_up, settle

CHANGING = ("date", "x-request-id", "server-timing")
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Story:
    """Ada, the host; Grace, who blocks Mallory; and what Mallory remembers from before."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.ada = set_up(system)
        self.grace, self.mallory = (join(system, self.ada, name) for name in ("grace", "mallory"))
        self.grace.get("/").submit("Post", text="a secret @mallory #rooks", visibility="everyone")
        settle(system)
        self.url = self.mallory.get("/explore").page.links(text="now")[0]
        self.id = int(self.url.rpartition("/")[2])
        self.mallory.get(self.url).submit("Like")
        settle(system)
        self.pages = {path: self.mallory.get(path).page for path in ("/explore", "/@grace", self.url, "/tags/rooks")}
        self.cookies = dict(self.mallory.cookies)
        assert all("a secret" in page.body for page in self.pages.values())
        self.grace.get("/@mallory").submit("Block")
        settle(system)

    def ask(self, method: str, path: str, **headers: str) -> Page:
        return self.mallory.request(method, path, headers=headers)

    def press(self, path: str) -> Page:
        token = CSRF.search(self.mallory.get("/").page.body)
        assert token
        return self.mallory.post(path, {"csrf": token[1], "text": "hello", "in_reply_to": str(self.id)}).page


@pytest.fixture
def story(system: System) -> Story:
    return Story(system)


def told(page: Page) -> dict[str, str]:
    return {name: value for name, value in page.headers.items() if name not in CHANGING}


def boxes(page: Page) -> list[str]:
    return [entry.partition(";")[0] for entry in page.headers["server-timing"].split(", ")]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_name_and_an_id_answer_as_if_they_never_were(story: Story, method: str) -> None:
    missing_post = f"/@grace/{story.id ^ (1 << 30)}"
    pairs = [("/@grace", "/@nobody"), (story.url, missing_post), (f"/posts/{story.id}", f"/posts/{MAX_ID - 5}")]
    pairs += [(f"/@mallory/{story.id}", missing_post), (f"{story.url}/edit", f"{missing_post}/edit")]
    for hidden, missing in pairs:
        for headers in ({}, {"Accept": "application/json"}):
            one, other = story.ask(method, hidden, **headers), story.ask(method, missing, **headers)
            assert one.status == other.status == 404, hidden
            assert told(one) == told(other)
            assert boxes(one) == boxes(other)
            assert CSRF.sub("", one.body) == CSRF.sub("", other.body)


@pytest.mark.parametrize("action", ["friend", "follow", "accept", "block", "unblock", "suspend"])
def test_no_button_tells_more(story: Story, action: str) -> None:
    one, other = story.press(f"/@grace/{action}"), story.press(f"/@nobody/{action}")
    assert (one.status, one.body) == (404, other.body)
    assert told(one) == told(other)


@pytest.mark.parametrize("action", ["like", "unlike", "edit", "delete"])
def test_nothing_can_be_done_to_a_hidden_post(story: Story, action: str) -> None:
    one, other = story.press(f"{story.url}/{action}"), story.press(f"/@grace/{story.id ^ (1 << 30)}/{action}")
    assert (one.status, one.body) == (404, other.body)
    assert story.press("/posts").status == 404  # a reply to it
    settle(story.system)
    assert "hello" not in story.ada.get("/explore").page.text


def test_an_etag_from_before_is_no_key(story: Story) -> None:
    for path, page in story.pages.items():
        tag = page.headers.get("etag", '"x"')
        for headers in ({"If-None-Match": tag}, {"If-Modified-Since": page.headers.get("last-modified", "")}):
            again = story.ask("GET", path, **headers)
            assert again.status in (200, 404) and "a secret" not in again.body


def test_cookies_from_before_are_no_key(story: Story) -> None:
    story.mallory.cookies.update(story.cookies)  # also the positions seen then
    for path in story.pages:
        assert "a secret" not in story.mallory.get(path).page.body


def test_no_number_and_no_list_tells(story: Story) -> None:
    badges = json.loads(story.ask("GET", "/notifications/unread.json").body)
    assert badges["notifications"] == 0
    for path in ("/", "/explore", "/friends", "/notifications", "/settings", "/tags/rooks", "/invites"):
        body = story.ask("GET", path).body
        assert "Grace" not in body and "@grace" not in body and "/tags/rooks" not in body.replace(f'href="{path}', "")


def test_who_is_logged_out_sees_what_everybody_sees(story: Story) -> None:
    """A block hides from a person, and a person who is not logged in is anybody."""
    story.ada.get("/admin").submit("Save", members_only=False)
    assert "a secret" in Client(story.system.url).get("/explore").page.body
