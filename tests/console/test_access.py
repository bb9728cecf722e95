"""Who is let into the console."""

from typing import Any

import pytest

from minisocial.console import Access
from minisocial.errors import NoPrimary


class FakeSocial:
    """One session, of an admin."""

    def __init__(self, role: str = "admin", *, is_suspended: bool = False) -> None:
        self.role = role
        self.is_suspended = is_suspended
        self.is_away = False
        self.sessions = self.accounts = self

    def find(self, token: str) -> Any:
        if self.is_away:
            raise NoPrimary("away")
        self.account = 1
        return self if token == "a-token" else None

    def get(self, id: int) -> Any:
        self.is_admin = self.role == "admin"
        return self


def asked(cookies: str, social: FakeSocial | None = None, *, is_local: bool = False) -> bool:
    environ = {"HTTP_COOKIE": cookies, "minisocial.is_local": is_local}
    return Access(social or FakeSocial())(environ)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cookies",
    [
        "session=a-token",
        'session="a-token"',
        "a[b]=1; session=a-token",
        'x="y; session=a-token',
        "a b;;=; session=a-token",
    ],
)
def test_an_admin_gets_in_whatever_other_cookies_there_are(cookies: str) -> None:
    assert asked(cookies)


@pytest.mark.parametrize("cookies", ["", "session=", "session=b-token", "my-session=a-token", "x=session=a-token"])
def test_strangers_do_not_get_in(cookies: str) -> None:
    assert not asked(cookies)


def test_members_do_not_get_in_and_who_sits_here_does() -> None:
    assert not asked("session=a-token", FakeSocial("member"))
    assert not asked("session=a-token", FakeSocial(is_suspended=True))
    assert asked("", is_local=True)


def test_with_the_database_away_only_this_machine_gets_in() -> None:
    social = FakeSocial()
    social.is_away = True
    assert not asked("session=a-token", social)
    assert asked("session=a-token", social, is_local=True)
