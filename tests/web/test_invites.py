"""Making invites and taking them back."""

import pytest

from tests.web.conftest import World, make_world


def test_an_invite_is_made_and_its_link_shown(world: World) -> None:
    client = world.client("grace")
    assert client.submit("/invites", "/invites", {"uses": "3", "days": "7"}).header("Location") == "/invites"
    html = client.get("/invites").text
    assert 'value="http://social.test/join/code0"' in html
    assert "0 of 3 used" in html
    assert "code0" not in world.client("ada").get("/invites").text


def test_links_carry_the_public_address() -> None:
    world = make_world(public_url="https://club.example/")
    world.social.invites.make(world.ada.id)
    assert 'value="https://club.example/join/code0"' in world.client("ada").get("/invites").text


@pytest.mark.parametrize("uses", ["0", "-1", "101", "many", "1e3", "٣", "9" * 30])
def test_a_number_out_of_range_is_refused_at_its_field(world: World, uses: str) -> None:
    answer = world.client("ada").submit("/invites", "/invites", {"uses": uses, "days": "7"})
    assert answer.code == 422
    assert "a whole number from 1 to 100" in answer.text
    assert f'value="{uses}"' in answer.text
    assert not world.social.invites.made


def test_an_invite_is_revoked_by_who_made_it_only(world: World) -> None:
    world.social.invites.make(world.ada.id)
    grace, ada = world.client("grace"), world.client("ada")
    token = grace.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert grace.post("/invites/code0/revoke", {"csrf": token}).code == 404
    assert ada.submit("/invites", "/invites/code0/revoke").code == 303
    assert world.client().get("/join/code0").code == 404
