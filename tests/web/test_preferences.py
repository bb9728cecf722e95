"""The switches for what one is told of."""

import re

from minisocial.social.preferences import KINDS
from tests.web.conftest import World


def on(html: str) -> set[str]:
    """The switches that are on."""
    return set(re.findall(r'name="((?:app|mail):\w+)"[^>]* checked', html))


def test_the_page_shows_what_is_chosen(world: World) -> None:
    world.social.preferences.choose(world.grace.id, {"app:like": "off", "digest": "daily"})
    html = world.client("grace").get("/settings").text
    letters = {"mail:request", "mail:accepted", "mail:mention", "mail:reply"}
    assert on(html) == letters | {f"app:{kind}" for kind in KINDS if kind != "like"}
    assert '<option value="daily" selected>' in html


def test_all_switches_are_saved_as_they_stand(world: World) -> None:
    client = world.client("grace")
    fields = {"mail:like": "1", "app:request": "1", "digest": "off"}
    assert client.submit("/settings", "/settings/letters", fields).header("Location") == "/settings?saved=letters"
    html = client.get("/settings?saved=letters").text
    assert on(html) == {"mail:like", "app:request"}
    assert '<option value="off" selected>' in html


def test_every_switch_has_a_name_that_can_be_read_out(world: World) -> None:
    html = world.client("grace").get("/settings").text
    named = re.findall(r'name="(?:app|mail):\w+" value="1" aria-label="([^"]+)"', html)
    assert len(named) == len(set(named)) == 2 * len(KINDS)
