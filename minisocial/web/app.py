"""Builds a node's Bottle application: routes, and what happens around every page.

Around each handler: the address is checked, the person found, the positions they have seen handed to
the database, the token of a form checked, an error turned into a page, the headers set.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import bottle

from minisocial import waiting, wsgi
from minisocial.errors import NotFound, Refused
from minisocial.web import (
    addresses,
    admin,
    error_pages,
    explore,
    forms,
    friends,
    guard,
    home,
    invites,
    join,
    links,
    moderation,
    notifications,
    posts,
    preferences,
    profiles,
    resets,
    session,
    settings,
    tasks,
    unsubscribe,
)
from minisocial.web.context import WebContext
from minisocial.web.headers import SECURITY, UNTRACED
from minisocial.web.html import CSRF, escape
from minisocial.web.routes import FromElsewhere, Handler, Kept
from minisocial.web.site import Site
from minisocial.web.visit import Visit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from minisocial.social import Social

NOUNS = (
    home, session, join, posts, explore, profiles, friends, notifications, settings, invites, admin, moderation, tasks,
    resets, addresses, unsubscribe, preferences, links,
)  # fmt: skip
POSITIONS_LAST = 600  # seconds; by then every replica has seen them
CSRF_HOLE = CSRF.encode()
BEFORE_SET_UP = ("/setup",)  # all that exists before the community does


def build_app(social: "Social", context: WebContext) -> Any:
    """A new Bottle application that shows this domain. Nothing of it is shared with another one."""
    site = Site(social, context)
    app = Pages(site)

    def add(method: str, path: str, handler: Handler) -> None:
        app.route(
            path,
            method,
            partial(answer, site, handler, method == "POST" and not isinstance(handler, FromElsewhere)),
            skip=True,
        )

    for noun in NOUNS:
        noun.routes(add)
    return app


class Pages(bottle.Bottle):  # type: ignore[misc]
    """Bottle's way from an address to a handler; the answers are our own.

    Bottle would make two responses of each, and copy and check every header twice on the way.
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site

    def wsgi(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        found = self._handle(environ)
        if not isinstance(found, wsgi.Response):  # an address or a method that Bottle knows nobody for, or a fault
            found = _answer_error(self.site, found)
        body = found.send(start_response)
        return body if environ["REQUEST_METHOD"] != "HEAD" else []


def answer(site: Site, handler: Handler, is_form: bool, **names: str) -> wsgi.Response:
    """Run a handler with everything around it; `is_form`: what it does needs a form's token."""
    if not isinstance(handler, Kept):
        waiting.ahead()  # for the database, most likely
    environ = bottle.request.environ
    visit = Visit(site, environ)
    seen = forms.read_positions(visit.cookies.get("seen", ""))
    known = dict(seen)
    try:
        with site.social.reading(seen) as known:
            response = _handle(visit, handler, is_form, names)
    except Exception as error:  # anything: a person gets a page, never a trace
        response = error_pages.answer(visit, error)
    return _finish(visit, response, known if known != seen else None)


def _handle(visit: Visit, handler: Handler, is_form: bool, names: dict[str, str]) -> wsgi.Response:
    try:
        _check_address(visit)
        visit.find_person()
        _check_set_up(visit)
        if is_form:
            visit.check_form()
        return handler(visit, **names)
    except Exception as error:  # as above; here the person and what they have seen are still known
        return error_pages.answer(visit, error)


def _check_address(visit: Visit) -> None:
    """Bottle drops bytes that are not UTF-8 from the path, and so would show another page than asked for."""
    try:
        visit.environ.get("bottle.raw_path", "").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Refused("This address is damaged. Please check it, or begin at the home page.") from None


def _check_set_up(visit: Visit) -> None:
    if not visit.community.is_set_up and visit.path not in BEFORE_SET_UP:
        raise error_pages.NotSetUp("This community is not set up yet.")


def _finish(visit: Visit, response: wsgi.Response, known: Any) -> wsgi.Response:
    own = UNTRACED in response.headers
    security = (header for header in SECURITY if not (own and header[0] == UNTRACED[0]))
    headers, body = [*map(_as_bytes, response.headers), *security], response.body
    if CSRF_HOLE in body:  # last of all, so that what is kept of a page carries nobody's token
        field = f'<input type="hidden" name="csrf" value="{escape(visit.csrf)}">'
        body = body.replace(CSRF_HOLE, field.encode())
    # not for a visitor's page, which is the same for all; but a log-in must be seen by what follows it
    # nor for what is not there: which shards were asked would tell it from what is there and not for this person
    if known and response.status[:3] != "404" and (visit.session or visit.environ["REQUEST_METHOD"] == "POST"):
        headers.append(visit.cookie("seen", forms.write_positions(known), POSITIONS_LAST))
    if visit.new_pre:
        headers.append(visit.cookie(guard.PRE, visit.new_pre))
    headers.append(("Content-Length", str(len(body))))
    return wsgi.Response(response.status, headers, body)


def _as_bytes(header: tuple[str, str]) -> tuple[str, str]:
    """WSGI's headers are bytes written as Latin-1: text of people's, such as a tag, goes out in UTF-8."""
    name, value = header
    return header if value.isascii() else (name, value.encode("utf-8", "replace").decode("latin-1"))


def _answer_error(site: Site, error: Any) -> wsgi.Response:
    """What Bottle itself refuses: unknown paths, wrong methods, broken requests."""

    def refuse(visit: Visit) -> wsgi.Response:
        if error.status_code == 405:
            raise error_pages.WrongMethod(error.get_header("Allow", "").split(","))
        if error.status_code == 404:
            raise NotFound("There is no page at this address.")
        raise Refused("This request came in broken. Please load the page again.")

    return answer(site, refuse, False)
