"""The one place where an error becomes a page, or JSON for clients that prefer it.

A page says what happened, what was kept and what to do. Text that was on its way is never lost: it
comes back in a form.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from minisocial import trace, wsgi
from minisocial.errors import InDoubt, Invalid, LoginRequired, MethodNotAllowed, MinisocialError, Refused
from minisocial.web.headers import HTML, JSON, PRIVATE, SECURITY, status_line
from minisocial.web.html import Templates, escape
from minisocial.web.pieces import pieces
from minisocial.web.visit import Visit, login_address, prefers_json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger("minisocial.web")

# status → what the page says at the top
TITLES = {
    400: "That did not work",
    401: "Please log in",
    403: "That was not done",
    404: "Nothing here",
    405: "Not like this",
    409: "Not quite yet",
    410: "This is over",
    413: "That is too much",
    422: "Not quite yet",
    429: "A little slower, please",
    500: "Something broke",
    503: "Just a moment",
}
IN_DOUBT = "We are not sure"
TEXTS = ("text", "bio", "description", "code_of_conduct")  # fields in which people write more than a line
BROKE = "Something broke on our side. It is noted with the number below; please try again in a moment."


class NotSetUp(Refused):
    """There is no community yet: everything leads to the set-up page."""


def answer(visit: Visit, error: Exception) -> wsgi.Response:
    """The answer to whatever went wrong on one of our pages."""
    if not isinstance(error, MinisocialError):
        log.error("request %s failed", trace.request_id(), exc_info=error)
        error = MinisocialError(BROKE)
    if isinstance(error, NotSetUp):
        return visit.redirect("/setup")
    if visit.wants_json or visit.path.endswith(".json"):
        field = error.field if isinstance(error, Invalid) else ""
        return _as_json(error.status, str(error), _headers(error), field)
    if isinstance(error, LoginRequired) and not _kept(visit):
        return visit.redirect(login_address(_way_back(visit)))
    return _as_page(visit, error)


def _way_back(visit: Visit) -> str:
    return visit.here if visit.environ["REQUEST_METHOD"] in ("GET", "HEAD") else visit.came_from("/")


def _as_json(status: int, message: str, headers: Iterable[tuple[str, str]], field: str = "") -> wsgi.Response:
    told: dict[str, Any] = {"error": message, "status": status} | ({"field": field} if field else {})
    return wsgi.Response(status_line(status), [JSON, PRIVATE, *headers], json.dumps(told, ensure_ascii=False).encode())


def _as_page(visit: Visit, error: MinisocialError) -> wsgi.Response:
    title = IN_DOUBT if isinstance(error, InDoubt) else _title(error.status)
    main, headers = _main(visit, error, title), _headers(error)
    try:
        return visit.page(title, main, status=error.status, headers=headers)
    except Exception as second:  # the boxes a whole page asks may be the ones that fail
        if not isinstance(second, MinisocialError):
            log.error("the error page of request %s failed", trace.request_id(), exc_info=second)
        return visit.site.layout.bare(visit, title, main, status=error.status, headers=headers)


def _title(status: int) -> str:
    return TITLES.get(status) or TITLES.get(status // 100 * 100) or TITLES[500]


def _main(visit: Visit, error: MinisocialError, title: str) -> str:
    return visit.site.templates.render(
        "error",
        title=title,
        message=str(error),
        status=error.status,
        kept=_kept(visit),
        can_send=visit.account is not None and visit.path == "/posts",
        can_log_in=visit.account is None and error.status in (401, 403),
        request_id=trace.request_id() if error.status >= 500 else "",
    )


def _kept(visit: Visit) -> dict[str, str]:
    """The form that was on its way, all that somebody wrote in it as its `text`; nothing if they wrote nothing."""
    try:
        kept = visit.form.kept
    except MinisocialError:  # the form itself is what went wrong
        return {}
    text = "\n\n".join(kept[name] for name in TEXTS if kept.get(name))
    return {**kept, "text": text} if text else {}


def _headers(error: MinisocialError) -> list[tuple[str, str]]:
    headers = []
    if error.retry_after is not None:
        headers.append(("Retry-After", str(error.retry_after)))
    if isinstance(error, WrongMethod):
        headers.append(("Allow", error.allowed))
    return headers


class WrongMethod(MethodNotAllowed):
    """The address is there, but only for these methods, and HEAD wherever there is GET."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__("This address is there, but not for this kind of request.")
        self.allowed = ", ".join(["GET, HEAD" if method == "GET" else method for method in allowed])


class ErrorPage:
    """The same pages for the boxes in front, which know neither who asks nor the community."""

    def __init__(self, static: Callable[[str], str]) -> None:
        """`static` gives the address of a static file."""
        self._templates = templates = Templates(static=static)
        templates.offer(**pieces(templates))
        self._frame = templates.frame("bare", icons=templates.render("icons"), head=templates.render("head"))

    def __call__(
        self, environ: "WSGIEnvironment", status: int, message: str, headers: Iterable[tuple[str, str]] = ()
    ) -> wsgi.Response:
        """A whole answer with this status, sentence and further headers."""
        if prefers_json(environ) or str(environ.get("PATH_INFO", "")).endswith(".json"):
            return _as_json(status, message, [*headers, *SECURITY])
        body = self._html(status, message, environ).encode("utf-8", "replace")
        fixed = [HTML, PRIVATE, ("Content-Length", str(len(body)))]
        return wsgi.Response(status_line(status), [*fixed, *headers, *SECURITY], body)

    def _html(self, status: int, message: str, environ: Mapping[str, Any]) -> str:
        title = _title(status)
        values = {"title": title, "message": message, "status": status, "kept": {}, "can_send": False}
        request_id = environ.get("minisocial.request_id", "") if status >= 500 else ""
        main = self._templates.render("error", **values, can_log_in=False, request_id=request_id)
        return self._frame.fill({"title": escape(title), "main": main, "community": "minisocial", "links": ""})
