"""One request, as the pages see it: who it is from, what they sent, and how to answer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import bottle

from minisocial import wsgi
from minisocial.errors import LoginRequired, NotFound
from minisocial.social.pages import Cursor
from minisocial.web import forms, guard
from minisocial.web.forms import Form, identifier
from minisocial.web.headers import HTML, PRIVATE
from minisocial.web.limits import place

if TYPE_CHECKING:
    from minisocial.social import Social
    from minisocial.social.accounts import Account
    from minisocial.social.community import Community
    from minisocial.social.sessions import Session
    from minisocial.web.site import Site

MAX_NEXT = 600  # characters of an address to come back to
# what may stand in an address we send somebody to; anything else is percent-encoded
_SAFE = "/?&=%#@:+-._~!$'()*,;"


class Visit:
    """A request with the person behind it. Made for each request, used by one thread."""

    __slots__ = (
        "_community",
        "_form",
        "_query",
        "account",
        "cookies",
        "environ",
        "new_pre",
        "session",
        "site",
        "social",
    )

    def __init__(self, site: "Site", environ: Mapping[str, Any]) -> None:
        self.site = site
        self.social: Social = site.social
        self.environ = environ
        self.cookies = forms.read_cookies(environ.get("HTTP_COOKIE", ""))
        self.session: Session | None = None
        self.account: Account | None = None  # who is logged in
        self.new_pre = ""  # a token for forms before log-in, to be set as a cookie
        self._community: Community | None = None
        self._form: Form | None = None
        self._query: dict[str, str] | None = None

    # --- who -----------------------------------------------------------------------------------

    def find_person(self) -> None:
        """Find who is behind the session cookie, if it is one of a session."""
        token = self.cookies.get("session", "")
        if token and len(token) < 200:
            self.session = self.social.sessions.find(token)
            account = self.social.accounts.get(self.session.account) if self.session else None
            if account is None or account.is_suspended:  # whatever sessions there still may be
                self.session = None
            else:
                self.account = account

    @property
    def viewer(self) -> int | None:
        """The account id of who is logged in."""
        return self.account.id if self.account else None

    @property
    def member(self) -> "Account":
        """Who is logged in; `LoginRequired` if nobody is."""
        if self.account is None:
            raise LoginRequired("Please log in first.")
        return self.account

    @property
    def community(self) -> "Community":
        """The community as it is for this whole request."""
        if self._community is None:
            self._community = self.social.community.get()
        return self._community

    @property
    def address(self) -> str:
        """Where the request comes from, as far as the front door believes it: a household, not a device."""
        return place(str(self.environ.get("REMOTE_ADDR", "")))

    @property
    def is_secure(self) -> bool:
        return self.site.context.secure or self.environ.get("wsgi.url_scheme") == "https"

    # --- what they sent ------------------------------------------------------------------------

    @property
    def path(self) -> str:
        return str(self.environ.get("PATH_INFO") or "/")

    @property
    def here(self) -> str:
        """Path and query of this page, to come back to."""
        query = self.environ.get("QUERY_STRING", "")
        return quote(self.path, safe=_SAFE.replace("?", "").replace("#", "")) + (f"?{query}" if query else "")

    @property
    def query(self) -> dict[str, str]:
        if self._query is None:
            self._query = forms.read_query(self.environ.get("QUERY_STRING", ""))
        return self._query

    @property
    def form(self) -> Form:
        if self._form is None:
            self._form = forms.EMPTY
            if self.environ["REQUEST_METHOD"] == "POST":
                self._form = forms.read_form(bottle.request)
        return self._form

    def cursor(self, limit: int = 20) -> Cursor:
        """The page of a list that the address asks for."""
        query = self.query
        if not query:
            return Cursor(limit=limit)
        return Cursor(self._page_id(query.get("max_id")), self._page_id(query.get("min_id")), limit)

    def _page_id(self, text: str | None) -> int | None:
        if text is None:
            return None
        number = identifier(text)
        if number is None:
            raise NotFound("There is no such page of this list. Its beginning is always there.")
        return number

    def limit(self, kind: str, who: str = "") -> None:
        """Count an action of this person; `TooMany` if there were too many."""
        self.site.context.limits.take(kind, who or str(self.viewer or self.address))

    @property
    def csrf(self) -> str:
        """The token this visit's forms carry; makes one for a visitor who has none yet."""
        if self.session:
            return self.session.csrf
        pre = self.new_pre or self.cookies.get(guard.PRE, "")
        if not guard.is_token(pre):
            self.new_pre = pre = guard.new_token()
        return pre

    def check_form(self) -> None:
        """`Forbidden` unless the form was sent from one of our own pages."""
        guard.check_origin(self.environ, self.site.context.public_url)
        expected = self.session.csrf if self.session else self.cookies.get(guard.PRE, "")
        guard.check_token(self.form.values.get("csrf", ""), expected)

    @property
    def wants_json(self) -> bool:
        """Whether the client would rather have JSON than a page."""
        return prefers_json(self.environ)

    @property
    def base(self) -> str:
        """How a link begins that works from elsewhere."""
        public = self.site.context.public_url.rstrip("/")
        return public or f"{self.environ.get('wsgi.url_scheme', 'http')}://{self.environ.get('HTTP_HOST', '')}"

    # --- answering -----------------------------------------------------------------------------

    def page(self, title: str, main: str, **more: Any) -> wsgi.Response:
        """A whole page; see `Layout.page` for what else it takes."""
        return self.site.layout.page(self, title, main, **more)

    def redirect(self, path: str, *headers: tuple[str, str]) -> wsgi.Response:
        """Go there next, with a GET."""
        location = quote(path, safe=_SAFE)
        return wsgi.Response("303 See Other", [HTML, PRIVATE, ("Location", location), *headers], b"")

    def next(self, default: str) -> str:
        """Where the form or the address says to go afterwards: only ever a page of ours."""
        wanted = self.form.values.get("next") or self.query.get("next", "")
        return wanted if is_local(wanted) else default

    def came_from(self, default: str) -> str:
        """The page of ours this request was sent from."""
        try:
            parts = urlsplit(self.environ.get("HTTP_REFERER", ""))
        except ValueError:
            return default
        if not parts.netloc or parts.netloc != self.environ.get("HTTP_HOST"):
            return default
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return path if is_local(path) else default

    def cookie(self, name: str, value: str, max_age: int | None = None) -> tuple[str, str]:
        """A Set-Cookie header for a cookie no script can read."""
        age = "" if max_age is None else f"; Max-Age={max_age}"
        secure = "; Secure" if self.is_secure else ""
        return ("Set-Cookie", f"{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax{secure}")


def is_local(path: str) -> bool:
    """Whether this is a path on our own site, and nothing a browser could take for another one."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or len(path) > MAX_NEXT:
        return False
    return path.isprintable() and "\\" not in path


def login_address(back: str) -> str:
    """The log-in page that leads back afterwards."""
    return "/login?" + urlencode({"next": back}) if back not in ("", "/") else "/login"


def prefers_json(environ: Mapping[str, Any]) -> bool:
    """Whether `Accept` ranks JSON above HTML."""
    accept = environ.get("HTTP_ACCEPT", "")
    return _weight(accept, "application/json") > _weight(accept, "text/html")


def _weight(accept: str, kind: str) -> float:
    """How much a client likes a media type (RFC 9110, 12.5.1), 0 to 1."""
    best = (0, 0.0)  # (how exactly it is named, its weight)
    for part in accept.split(","):
        name, *params = (piece.strip().lower() for piece in part.split(";"))
        exactness = (name == "*/*") + 2 * (name == kind.split("/")[0] + "/*") + 3 * (name == kind)
        if exactness:
            best = max(best, (exactness, _quality(params)))
    return best[1]


def _quality(params: list[str]) -> float:
    for param in params:
        if param.startswith("q="):
            try:
                return float(param[2:])
            except ValueError:
                return 0.0
    return 1.0
