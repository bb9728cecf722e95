"""People and what they do first: set the community up, invite each other, log in."""

from minisocial.system import System
from tests.client import Client

PASSWORD = "four words are enough"
WAIT = 20  # seconds that anything in the background may take at most


def set_up(system: System, username: str = "ada") -> Client:
    """The host sets the community up, and is logged in as its admin."""
    client = Client(system.url).get("/")
    client.submit("Set up", name="The Analytical Society", **_about(username))
    assert client.page.status == 200, client.page.text
    return client


def join(system: System, host: Client, username: str) -> Client:
    """Somebody joins by a link that `host` makes for them, and is logged in."""
    invites = host.get("/invites").submit("Make a link").page
    link = invites.all("input", cls="copy")[0].attrs["value"]
    client = Client(system.url).get(link).submit("Join", **_about(username))
    assert client.page.status == 200, client.page.text
    return client


def log_in(system: System, username: str, password: str = PASSWORD) -> Client:
    """A browser of somebody who has an account."""
    client = Client(system.url).get("/login").submit("Log in", username=username, password=password)
    assert "session" in client.cookies, client.page.text
    return client


def settle(system: System) -> None:
    """Until everything that was set going is done, and every replica has it."""
    system.background.drain(WAIT)
    system.cluster.settle(WAIT)


def _about(username: str) -> dict[str, str]:
    email = f"{username}@example.org"
    return {"username": username, "display_name": username.title(), "email": email, "password": PASSWORD}
