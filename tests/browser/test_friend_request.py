"""Grace presses "Add friend" on Ada's profile, and all that follows, with two browsers."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from minisocial.system import System
from tests.browser.conftest import OpenBrowser
from tests.scenarios.people import PASSWORD, settle

pytestmark = pytest.mark.browser


def button(page: Any, name: str) -> Any:
    return page.get_by_role("main").get_by_role("button", name=name, exact=True)


def fill_in(page: Any, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)


def about(username: str, name: str) -> dict[str, str]:
    email = f"{username}@example.org"
    return {"username": username, "display_name": name, "email": email, "password": PASSWORD}


def set_up(page: Any) -> None:
    page.goto("/")
    fill_in(page, name="The Engine Room", **about("ada", "Ada Lovelace"))
    button(page, "Set up").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def join(host: Any, guest: Any) -> None:
    host.goto("/invites")
    button(host, "Make a link").click()
    guest.goto(host.locator("input.copy").input_value())
    expect(guest.get_by_text("Ada Lovelace invites you.")).to_be_visible()
    fill_in(guest, **about("grace", "Grace Hopper"))
    button(guest, "Join").click()
    expect(guest.get_by_role("heading", name="Home")).to_be_visible()


def test_a_friend_request_from_button_to_letter_to_friendship(system: System, open_browser: OpenBrowser) -> None:
    ada, grace = open_browser(), open_browser(viewport={"width": 390, "height": 844}, color_scheme="dark")
    set_up(ada)
    join(ada, grace)

    grace.goto("/@ada")
    button(grace, "Add friend").click()
    expect(grace.get_by_text("Request sent")).to_be_visible()
    settle(system)

    ada.goto("/")
    expect(ada.get_by_role("link", name=re.compile("Notifications 1 new"))).to_be_visible()
    expect(ada.get_by_role("link", name=re.compile("Friends 1 waiting"))).to_be_visible()
    expect(ada.locator(".friend-request")).to_contain_text("Grace Hopper")

    # the letter's link leads somebody who is logged out through log-in to the buttons
    ada.goto("/admin/letters")
    letter = ada.locator(".letter", has=ada.get_by_role("heading", name="Grace Hopper wants to be your friend"))
    address = letter.locator("a").first.get_attribute("href")
    elsewhere = open_browser()
    elsewhere.goto(address)
    fill_in(elsewhere, username="ada", password=PASSWORD)
    button(elsewhere, "Log in").click()
    expect(elsewhere).to_have_url(f"{system.url}/@grace")
    button(elsewhere, "Accept").click()
    expect(elsewhere.get_by_text("Friends", exact=True).last).to_be_visible()
    expect(button(elsewhere, "Accept")).to_have_count(0)
    settle(system)

    grace.goto("/notifications")
    expect(grace.get_by_role("main")).to_contain_text("Ada Lovelace is now your friend")
    grace.goto("/friends")
    expect(grace.get_by_role("heading", name="1 friend")).to_be_visible()
