"""Somebody is suspended or given a role while they are at it: every node knows at once."""

from minisocial.system import System
from minisocial.upkeep.operations import do
from tests.client import Client
from tests.scenarios.people import PASSWORD, join, set_up, settle


def ask(system: System, name: str, /, **args: str) -> str:
    """As the command line does on the running system."""
    return do(system, name, args, lambda line: None)


def test_a_suspension_by_command_ends_sessions_on_every_node_and_lifting_it_opens_the_door(system: System) -> None:
    ada = set_up(system)
    grace = join(system, ada, "grace")
    grace.get("/").submit("Post", text="still here", visibility="everyone")
    for _ in range(4):  # every read node has her session
        assert grace.get("/").page.status == 200
    assert "logged out everywhere" in ask(system, "user-suspend", name="grace", reason="was rude")
    for _ in range(4):
        assert grace.get("/notifications").page.url.startswith("/login")
        assert "still here" not in ada.get("/explore").page.text
    door = Client(system.url).get("/login").submit("Log in", username="grace", password=PASSWORD)
    assert "suspended" in door.page.text and "session" not in door.cookies
    assert "was rude" in ada.get("/admin/audit").page.text

    assert "can log in" in ask(system, "user-unsuspend", name="grace")
    settle(system)
    assert "still here" in ada.get("/explore").page.text
    door.get("/login").submit("Log in", username="grace", password=PASSWORD)
    assert "session" in door.cookies


def test_a_role_by_command_opens_the_admin_pages_on_every_node(system: System) -> None:
    ada = set_up(system)
    grace = join(system, ada, "grace")
    assert grace.get("/admin").page.status == 404
    assert ask(system, "user-role", name="grace", role="admin") == "grace is admin now."
    assert {grace.get("/admin").page.status for _ in range(4)} == {200}
    ask(system, "user-role", name="grace", role="member")
    assert {grace.get("/admin").page.status for _ in range(4)} == {404}
