import pytest

from minisocial.errors import Forbidden, Invalid
from tests.social.conftest import PASSWORD


def test_the_first_visit_names_the_community_and_makes_an_admin(club):
    assert club.elsewhere.community.get().name == "The Club"
    assert club.elsewhere.accounts.named("ada").is_admin
    assert club.elsewhere.community.get().members_only


def test_a_community_is_set_up_once(club):
    with pytest.raises(Forbidden):
        club.social.set_up(
            name="Mine now", username="mallory", display_name="", email="m@club.example", password=PASSWORD
        )
    assert club.social.community.get().name == "The Club"


def test_edits_are_checked_and_seen_everywhere(club):
    club.social.community.edit(name="Chess", description="d", code_of_conduct="c", join="open", members_only=False)
    found = club.elsewhere.community.get()
    assert (found.name, found.join, found.members_only) == ("Chess", "open", False)
    for wrong in ({"name": ""}, {"name": "x" * 61}, {"join": "everybody"}):
        with pytest.raises(Invalid):
            club.social.community.edit(**({"name": "Chess", "description": "", "code_of_conduct": ""} | wrong))
