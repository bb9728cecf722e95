"""Who may look at the console: whoever sits at this machine, and admins."""

from typing import TYPE_CHECKING

from minisocial.errors import MinisocialError
from minisocial.social import Social

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Access:
    """Decides for a request; with the database away, only this machine is let in."""

    def __init__(self, social: Social) -> None:
        self._social = social

    def __call__(self, environ: "WSGIEnvironment") -> bool:
        return bool(environ.get("minisocial.is_local")) or self._is_admin(environ.get("HTTP_COOKIE", ""))

    def _is_admin(self, cookies: str) -> bool:
        token = _session_token(cookies)
        try:
            session = self._social.sessions.find(token) if token else None
            if session is None:
                return False
            account = self._social.accounts.get(session.account)
            return account.is_admin and not account.is_suspended
        except MinisocialError:
            return False


def _session_token(cookies: str) -> str:
    """By hand: Python's own parser gives up all cookies for one that is damaged."""
    for pair in cookies.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == "session":
            return value.strip().strip('"')
    return ""
