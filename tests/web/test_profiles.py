"""A person's page and the buttons on it."""

from dataclasses import replace

import pytest

from tests.web.conftest import World


def test_a_profile_tells_who_somebody_is(world: World) -> None:
    html = world.client("grace").get("/@ada").text
    assert '<h1 class="p-name">Ada Lovelace</h1>' in html
    assert "Poet of numbers." in html
    assert '<span class="role">admin</span>' in html


def test_names_are_found_whatever_the_case(world: World) -> None:
    assert world.client("grace").get("/@ADA").header("Location") == "/@ada"


def test_nobody_by_that_name(world: World) -> None:
    assert world.client("grace").get("/@nobody").code == 404


def test_friends_in_common_are_counted(world: World) -> None:
    for other in (world.ada, world.grace):
        world.social.friends._set("friends", other.id, world.alan.id, "friends")
    html = world.client("grace").get("/@ada").text
    assert "<b>1</b> in common" in html


def test_a_visitor_is_told_nothing_about_friends_and_sees_no_button(world: World) -> None:
    world.social.friends._set("friends", world.ada.id, world.alan.id, "friends")
    html = world.client().get("/@ada").text
    assert "friend" not in html.partition("<main")[2].lower()
    assert "<form" not in html


@pytest.mark.parametrize(
    ("mine", "theirs", "buttons"),
    [
        ("", "", ["Add friend"]),
        ("requested", "received", ["Cancel request"]),
        ("received", "requested", ["Accept", "Decline"]),
        ("friends", "friends", ["Unfriend"]),
    ],
)
def test_the_buttons_fit_what_two_people_are(world: World, mine: str, theirs: str, buttons: list[str]) -> None:
    world.social.friends._set(mine, world.grace.id, world.ada.id, theirs)
    relation = world.client("grace").get("/@ada").text.partition('class="relation">')[2].partition("</section>")[0]
    shown = [
        name for name in ("Add friend", "Cancel request", "Accept", "Decline", "Unfriend") if f">{name}</" in relation
    ]
    assert shown == buttons


def test_who_needs_no_approval_is_followed(world: World) -> None:
    accounts = world.social.accounts
    accounts.by_id[world.ada.id] = replace(world.ada, approves_followers=False)
    client = world.client("grace")
    assert client.submit("/@ada", "/@ada/follow").header("Location") == "/@ada"
    assert client.submit("/@ada", "/@ada/unfollow").header("Location") == "/@ada"
    assert "/@ada/follow" in client.get("/@ada").text


def test_ones_own_page_leads_to_the_settings(world: World) -> None:
    html = world.client("ada").get("/@ada").text
    assert 'href="/settings">Edit profile' in html
    assert "Add friend" not in html
