"""The host's pages."""

import pytest

from tests.web.conftest import World


@pytest.mark.parametrize("path", ["/admin", "/admin/letters"])
def test_for_others_they_are_not_there(world: World, path: str) -> None:
    answer = world.client("grace").get(path)
    assert answer.code == 404
    assert answer.text == world.client("grace").get("/nowhere").text
    assert world.client().get(path).code == 303


def test_others_cannot_save_either(world: World) -> None:
    client = world.client("grace")
    token = client.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert client.post("/admin", {"csrf": token, "name": "Mine now"}).code == 404
    assert world.social.community.get().name == "The Engine Room"


def test_the_community_is_changed(world: World) -> None:
    client = world.client("ada")
    fields = {"name": "Engines", "description": "Steam.", "code_of_conduct": "Be kind.", "join": "open"}
    assert client.submit("/admin", "/admin", fields).header("Location") == "/admin?saved=1"
    assert world.social.community.get().join == "open"
    front = world.client().get("/").text
    assert "Engines" in front
    assert "Be kind." in front


def test_a_community_keeps_its_name(world: World) -> None:
    answer = world.client("ada").submit("/admin", "/admin", {"name": "", "description": "Half a text"})
    assert answer.code == 422
    assert "Half a text</textarea>" in answer.text


def test_members_are_listed(world: World) -> None:
    html = world.client("ada").get("/admin").text
    for username in ("ada", "grace", "alan"):
        assert f'href="/@{username}"' in html


def test_letters_are_shown_with_links_one_can_follow(world: World) -> None:
    html = world.client("ada").get("/admin/letters").text
    assert "Grace wants to be your friend" in html
    assert '<a href="http://social.test/@grace">http://social.test/@grace</a> &lt;now&gt;' in html
