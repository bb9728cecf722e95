"""The cast, in a domain in memory, behind real pages."""

from dataclasses import dataclass
from typing import Any

import pytest

from minisocial.social.accounts import Account
from minisocial.web import Limits, WebContext, build_app
from tests.fakes import ManualClock
from tests.web.client import Client
from tests.web.fakes import FakeLetter, FakeSocial


@dataclass
class World:
    """One node's pages with Ada (who is the host), Grace and Alan in it."""

    social: Any
    app: Any
    clock: ManualClock
    limits: Limits
    ada: Account
    grace: Account
    alan: Account

    def client(self, name: str = "", **options: Any) -> Client:
        """A browser; with a name, one in which this person is logged in."""
        client = Client(self.app, **options)
        if name:
            assert client.log_in(name).code == 303
        return client


def make_world(*, members_only: bool = False, limited: bool = False, **context: Any) -> World:
    clock = ManualClock()
    limits = Limits(clock, enabled=limited)
    social = FakeSocial(clock, members_only=members_only)
    ada = social.accounts.open("ada", "Ada Lovelace", role="admin", bio="Poet of numbers.")
    grace, alan = social.accounts.open("grace", "Grace Hopper"), social.accounts.open("alan", "Alan Turing")
    values = {"static": lambda name: f"/static/x/{name}", "limits": limits, "clock": clock}
    letters = [FakeLetter("ada@example.org", "Grace wants to be your friend", "See http://social.test/@grace <now>")]
    app = build_app(social, WebContext(**values, letters=lambda: letters, **context))  # type: ignore[arg-type]
    return World(social, app, clock, limits, ada, grace, alan)


@pytest.fixture
def world() -> World:
    return make_world()
