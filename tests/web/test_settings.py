"""One's own settings."""

from tests.web.conftest import World


def test_the_profile_is_changed(world: World) -> None:
    client = world.client("ada")
    fields = {"display_name": "Augusta Ada King", "bio": "Countess.", "approves_followers": "1"}
    assert client.submit("/settings", "/settings", fields).header("Location") == "/settings?saved=profile"
    assert "Saved." in client.get("/settings?saved=profile").text
    assert "Augusta Ada King" in client.get("/@ada").text
    assert world.social.accounts.get(world.ada.id).approves_followers


def test_a_box_without_its_mark_switches_off(world: World) -> None:
    world.client("ada").submit("/settings", "/settings", {"display_name": "Ada", "bio": ""})
    assert not world.social.accounts.get(world.ada.id).approves_followers


def test_what_is_wrong_comes_back_as_it_was_typed(world: World) -> None:
    answer = world.client("ada").submit("/settings", "/settings", {"display_name": "", "bio": "Half a life <b>"})
    assert answer.code == 422
    assert "Half a life &lt;b&gt;</textarea>" in answer.text
    assert 'id="display_name-mistake"' in answer.text


def test_the_password_is_changed_and_this_browser_stays_logged_in(world: World) -> None:
    client = world.client("ada")
    fields = {"old": "minisocial", "new": "analytical engine"}
    answer = client.submit("/settings", "/settings/password", fields)
    assert answer.header("Location") == "/settings?saved=password"
    assert "Your password is changed." in client.get("/settings?saved=password").text
    assert world.client().log_in("ada", "analytical engine").code == 303


def test_a_wrong_old_password_changes_nothing(world: World) -> None:
    answer = world.client("ada").submit("/settings", "/settings/password", {"old": "guess", "new": "analytical engine"})
    assert answer.code == 422
    assert "This is not your password now." in answer.text
    assert "analytical engine" not in answer.text
    assert world.client().log_in("ada").code == 303


def test_settings_are_for_members(world: World) -> None:
    assert world.client().get("/settings").header("Location") == "/login?next=%2Fsettings"
