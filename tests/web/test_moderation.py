"""What those in charge find on the pages, and nobody else does."""

from dataclasses import replace

from minisocial.social.audit import Entry
from tests.web.client import hidden
from tests.web.conftest import World


def test_suspending_ends_what_the_person_was_doing_and_lifting_lets_them_in(world: World) -> None:
    admin, grace = world.client("ada"), world.client("grace")
    assert admin.submit("/@grace", "/@grace/suspend", {"reason": "was rude"}).header("Location") == "/@grace"
    assert grace.get("/notifications").header("Location").startswith("/login")
    assert world.client("alan").get("/@grace").code == 404
    page = admin.get("/@grace").text
    assert "Suspended since" in page
    assert "was rude" in admin.get("/admin/audit").text
    assert "suspended" in admin.get("/admin").text
    admin.submit("/@grace", "/@grace/unsuspend")
    assert grace.get("/notifications").code == 200
    assert world.client("alan").get("/@grace").code == 200


def test_a_role_opens_and_closes_pages_at_once(world: World) -> None:
    admin, grace = world.client("ada"), world.client("grace")
    admin.submit("/@grace", "/@grace/role", {"role": "moderator"})
    assert grace.get("/admin/audit").code == 200
    assert "/@alan/suspend" in grace.get("/@alan").text
    assert "/@alan/role" not in grace.get("/@alan").text
    admin.submit("/@grace", "/@grace/role", {"role": "member"})
    assert grace.get("/admin/audit").code == 404


def test_for_everybody_else_nothing_of_it_is_there(world: World) -> None:
    grace = world.client("grace")
    assert "/suspend" not in grace.get("/@alan").text
    assert grace.get("/admin/audit").code == 404
    token = hidden(grace.get("/").text, "/logout")
    for action in ("suspend", "unsuspend", "role"):
        there, missing = grace.post(f"/@alan/{action}", token), grace.post(f"/@nobody/{action}", token)
        assert (there.code, there.text) == (404, missing.text)
    assert not world.social.moderation.entries


def test_what_is_in_the_log_is_text(world: World) -> None:
    admin = world.client("ada")
    admin.submit("/@grace", "/@grace/suspend", {"reason": "<script>alert(1)</script>"})
    assert "<script>alert" not in admin.get("/admin/audit").text


def test_nobody_moderates_themselves(world: World) -> None:
    world.social.accounts.by_id[world.ada.id] = replace(world.ada, role="moderator")
    assert "/suspend" not in world.client("ada").get("/@ada").text


def test_the_log_says_in_words_what_was_done_to_what_is_no_person(world: World) -> None:
    world.social.moderation.entries.append(Entry(1, 0, None, "discard", "task letter 0:1", "she left"))
    page = world.client("ada").get("/admin/audit").text
    assert "gave up the <b>task letter 0:1</b>: she left" in " ".join(page.split())
