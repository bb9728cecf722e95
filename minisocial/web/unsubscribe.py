"""Unsubscribing from letters: with one click, and without logging in."""

from minisocial import wsgi
from minisocial.web.headers import UNTRACED
from minisocial.web.routes import Add, FromElsewhere
from minisocial.web.visit import Visit

TOKEN = r"<token:re:[A-Za-z0-9_.-]{1,100}>"  # noqa: S105 - how one looks


def routes(add: Add) -> None:
    add("GET", f"/unsubscribe/{TOKEN}", ask)
    add("POST", f"/unsubscribe/{TOKEN}", FromElsewhere(end))


def ask(visit: Visit, token: str) -> wsgi.Response:
    """A page with a button. It changes nothing: programs that look for harm open every link of a letter."""
    what = visit.social.unsubscribe.find(token).what
    html = visit.site.templates.render("unsubscribe", what=what, token=token, is_done=False)
    return visit.page("No more such letters?", html, headers=[UNTRACED])


def end(visit: Visit, token: str) -> wsgi.Response:
    """One click, in the page or in the mail program, which sends it from wherever it is (RFC 8058)."""
    what = visit.social.unsubscribe.end(token).what
    html = visit.site.templates.render("unsubscribe", what=what, token="", is_done=True)
    return visit.page("Unsubscribed", html, headers=[UNTRACED])
