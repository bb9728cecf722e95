"""The pages in a real browser: with a script and without, large and small."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from minisocial.system import System
from tests.browser.conftest import OpenBrowser
from tests.browser.test_friend_request import button, join, set_up
from tests.scenarios.people import settle

pytestmark = pytest.mark.browser

MINE = ("/notifications", "/friends", "/settings", "/invites", "/admin", "/admin/links", "/forgot")
PAGES = ("/", "/explore", "/@ada", *MINE, "/nowhere", "/console")
WORDS = "A_word_without_any_end_" * 12


def write(page: Any, text: str, visibility: str = "everyone") -> None:
    page.goto("/")
    page.get_by_label("What’s happening").fill(text)
    page.get_by_label("Who can see this").select_option(visibility)
    button(page, "Post").click()
    expect(page.get_by_text(text)).to_be_visible()


def test_everything_works_without_a_script(system: System, open_browser: OpenBrowser) -> None:
    ada, grace = open_browser(java_script_enabled=False), open_browser(java_script_enabled=False)
    set_up(ada)
    join(ada, grace)
    write(ada, "Plain forms, plain links.")
    settle(system)
    grace.goto("/explore")
    button(grace, "Like").click()
    expect(button(grace, "Unlike")).to_be_visible()
    grace.get_by_role("link", name="Reply").click()
    grace.get_by_label("Reply to Ada Lovelace").fill("They do.")
    button(grace, "Reply").click()
    expect(grace.get_by_text("They do.")).to_be_visible()
    ada.goto("/")
    ada.get_by_label("Your account").click()
    ada.get_by_role("button", name="Log out").click()
    expect(ada.get_by_role("heading", name="The Engine Room")).to_be_visible()


def test_a_like_needs_no_reload(system: System, open_browser: OpenBrowser) -> None:
    ada = open_browser()
    set_up(ada)
    write(ada, "One's own posts can be liked too.")
    ada.evaluate("window.stayed = true")
    button(ada, "Like").click()
    expect(ada.locator(".like .n")).to_have_text("1")
    button(ada, "Unlike").click()
    expect(button(ada, "Like")).to_be_visible()
    assert ada.evaluate("window.stayed")


def test_the_counter_says_what_is_left(system: System, open_browser: OpenBrowser) -> None:
    ada = open_browser()
    set_up(ada)
    box, left = ada.get_by_label("What’s happening"), ada.locator(".left")
    expect(left).to_have_text("500")
    box.fill("five 🧮")
    expect(left).to_have_text("494")
    box.fill("x" * 503)
    expect(left).to_have_text("-3")
    expect(left).to_have_class(re.compile("over"))
    button(ada, "Post").click()
    expect(ada.get_by_role("alert")).to_contain_text("3 characters too long")
    assert ada.locator("textarea").input_value() == "x" * 503


def test_the_strip_shows_what_a_page_touched(system: System, open_browser: OpenBrowser) -> None:
    ada = open_browser()
    set_up(ada)
    ada.goto("/")
    strip = ada.locator(".xray")
    expect(strip).to_be_visible()
    expect(strip).to_contain_text(re.compile(r"X-ray.*proxy.*balancer.*read-\d"))


def test_nothing_sticks_out(system: System, open_browser: OpenBrowser) -> None:
    ada = open_browser()
    set_up(ada)
    write(ada, WORDS)
    for width, scheme in ((320, "dark"), (390, "light"), (900, "light"), (1280, "dark")):
        ada.set_viewport_size({"width": width, "height": 800})
        ada.emulate_media(color_scheme=scheme)
        for path in PAGES:
            ada.goto(path)
            assert overflow(ada) <= 0, (path, width)


def overflow(page: Any) -> int:
    """How many pixels a page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_the_keyboard_reaches_the_content_first(system: System, open_browser: OpenBrowser) -> None:
    ada = open_browser()
    set_up(ada)
    ada.goto("/explore")
    ada.keyboard.press("Tab")
    assert ada.evaluate("document.activeElement.textContent") == "Skip to the content"
    ada.keyboard.press("Enter")
    assert ada.evaluate("document.activeElement.id") == "main"
