"""Links made by hand."""

import pytest

from tests.web.conftest import World, make_world


@pytest.mark.parametrize("purpose", ["reset", "confirm"])
def test_an_admin_makes_a_link_to_copy(purpose: str) -> None:
    world = make_world(public_url="https://club.example")
    fields = {"username": "@grace", "purpose": purpose}
    answer = world.client("ada").submit("/admin/links", "/admin/links", fields)
    assert answer.code == 200
    assert f'value="https://club.example/{purpose}/{purpose}-grace"' in answer.text
    assert world.social.links.made == [(world.ada.id, "grace", purpose)]


@pytest.mark.parametrize("fields", [{"username": "nobody", "purpose": "reset"}, {"username": "grace", "purpose": "x"}])
def test_a_mistake_makes_none(world: World, fields: dict[str, str]) -> None:
    answer = world.client("ada").submit("/admin/links", "/admin/links", fields)
    assert answer.code in (409, 422)
    assert world.social.links.made == []


def test_for_others_the_page_is_not_there(world: World) -> None:
    client = world.client("grace")
    assert client.get("/admin/links").code == 404
    token = client.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert client.post("/admin/links", {"csrf": token, "username": "ada", "purpose": "reset"}).code == 404
    assert world.client().get("/admin/links").code == 303
    assert world.social.links.made == []
