"""The proxy: static files, the page cache for visitors, collapsed forwarding for everybody."""

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minisocial import trace, waiting, wsgi
from minisocial.proxy.collapse import Collapse
from minisocial.proxy.freshness import directives
from minisocial.proxy.page import Page, for_client, make_page
from minisocial.proxy.page_cache import PageCache
from minisocial.proxy.refresh import Refresher
from minisocial.proxy.static_files import PREFIX, StaticFiles
from minisocial.wsgi import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ErrorPage = Callable[["WSGIEnvironment", int, str, wsgi.Headers], Response]

LONGEST_KEY = 1024  # characters of host, path and query; longer ones are nobody's bookmark
CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE")

Address = tuple[bool, str, str, str, str]  # is local, scheme, host, path, query

# what an answer to somebody who is logged in may depend on, besides the address
VIEWER = (
    "HTTP_COOKIE",
    "HTTP_AUTHORIZATION",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_X_REQUESTED_WITH",
    *CONDITIONS,
)

log = logging.getLogger("minisocial.proxy")


@dataclass(frozen=True, slots=True)
class ProxySnapshot:
    """Requests by what became of them, and what the page cache holds."""

    hits: int
    misses: int
    stale: int
    collapsed: int
    static: int
    passed: int  # not for the cache: members' pages and all writes
    bytes: int
    entries: int
    purged: int
    voided: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a node answered, and the page it makes if it may be shared."""

    response: Response
    page: Page | None = None
    is_kept: bool = False


class Proxy:
    """Answers what it can by itself, and forwards the rest to the load balancer, equal requests once.

    Promise: only answers that say `public` are kept or shared between visitors, nobody who is logged in
    gets a kept page, and a page is never shown after a purge of one of its `Surrogate-Key` tags. Equal
    requests of one member at the same moment share one answer, unless it sets a cookie.

    When it fails: if no node answers, a visitor gets the stale page where `stale-if-error` allows it.
    `Cache-Status` (RFC 9211) says on each answer what was done.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        page_cache: PageCache,
        collapse: "Collapse[Fetched]",
        static: StaticFiles,
        error_page: ErrorPage,
        session_cookie: str = "session",
        tracer: trace.Tracer | None = None,
    ) -> None:
        """`session_cookie`: who sends a cookie whose name ends like this is not a visitor."""
        self._app = app
        self.page_cache = page_cache
        self.collapse = collapse
        self._static = static
        self._error_page = error_page
        self._session = f"{session_cookie}="
        self._tracer = tracer or trace.Tracer(1)
        self._refresher = Refresher(self._refresh)
        self._lock = threading.Lock()  # guards _counts
        self._counts: Counter[str] = Counter()

    def start(self) -> None:
        """Starts the thread that fetches stale pages anew."""
        self._refresher.start()

    def stop(self) -> None:
        self._refresher.stop()

    def step(self) -> bool:
        """Fetches one page that was shown stale, in the caller's thread; False if there was none."""
        return self._refresher.step()

    def purge(self, tags: Collection[str]) -> None:
        """Drops each kept page that carries one of these tags."""
        self.page_cache.purge(tags)

    def snapshot(self) -> ProxySnapshot:
        pages = self.page_cache.snapshot()
        with self._lock:
            counts = self._counts.copy()
        return ProxySnapshot(
            hits=counts["hit"],
            misses=counts["miss"],
            stale=counts["stale"],
            collapsed=counts["collapsed"],
            static=counts["static"],
            passed=counts["pass"],
            bytes=pages.bytes,
            entries=pages.entries,
            purged=pages.purged,
            voided=pages.voided,
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        with trace.span("proxy") as seen:
            outcome, answer = self._answer(environ)
            seen.what = outcome
        with self._lock:
            self._counts[outcome] += 1
        body = answer.send(start_response)
        return body if environ["REQUEST_METHOD"] != "HEAD" else []

    def _answer(self, environ: "WSGIEnvironment") -> tuple[str, Response]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return "static", self._static.answer(environ, lambda *refusal: self._error_page(environ, *refusal))
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._pass(environ, "method")
        if environ.get("CONTENT_LENGTH") not in (None, "", "0"):
            return self._pass(environ, "bypass")  # a body may change the answer and is in no key
        key = _address(environ)
        if len(key[2]) + len(key[3]) + len(key[4]) > LONGEST_KEY:
            return self._pass(environ, "bypass")
        if "HTTP_AUTHORIZATION" in environ or self._session in environ.get("HTTP_COOKIE", ""):
            return self._for_member(key, environ)
        return self._for_visitor(key, environ)

    # somebody who is logged in: never from the cache

    def _pass(self, environ: "WSGIEnvironment", why: str) -> tuple[str, Response]:
        waiting.ahead()
        response = wsgi.call(self._app, environ)
        return "pass", for_client(response).adding(_status(f"fwd={why}"))

    def _for_member(self, key: Address, environ: "WSGIEnvironment") -> tuple[str, Response]:
        viewer = tuple(map(environ.get, VIEWER))
        flight = (key, viewer, self.page_cache.sequence)
        fetched, is_shared = self.collapse.run(flight, lambda: self._fetch_for_member(environ), _may_share_with_self)
        answer = for_client(fetched.response)
        if is_shared:
            return "collapsed", answer.adding(_status("fwd=bypass; collapsed"))
        return "pass", answer.adding(_status("fwd=bypass"))

    def _fetch_for_member(self, environ: "WSGIEnvironment") -> Fetched:
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        return Fetched(wsgi.call(self._app, environ | {"REQUEST_METHOD": "GET"} if is_head else environ))

    # a visitor: from the page cache where possible

    def _for_visitor(self, key: Address, environ: "WSGIEnvironment") -> tuple[str, Response]:
        # the sequence is part of the flight's key: nobody joins a flight that began before a purge
        since = self.page_cache.sequence
        page = self.page_cache.find(key) if self.page_cache.enabled else None
        if page is None:
            return self._miss(key, environ, since)
        if page.needs_no_cookie and "HTTP_COOKIE" in environ:
            return self._miss(key, environ, since, "vary-miss")
        now = self.page_cache.clock.monotonic()
        if now < page.fresh_until:
            return "hit", page.answer(environ, _age(page, now), _status("hit"))
        if now < page.revalidate_until and self._refresher.offer(key, environ):
            ttl = math.floor(page.fresh_until - now)
            return "stale", page.answer(environ, _age(page, now), _status(f"hit; ttl={ttl}"))
        return self._miss_with_stale(key, environ, since)

    def _miss(
        self, key: Address, environ: "WSGIEnvironment", since: int, why: str = "uri-miss"
    ) -> tuple[str, Response]:
        waiting.ahead()
        flight = (key, environ.get("HTTP_COOKIE"), since)
        fetched, is_shared = self.collapse.run(flight, lambda: self._fetch(key, environ, since), _may_share)
        note = f"fwd={why}{'; stored' if fetched.is_kept and not is_shared else ''}{'; collapsed' if is_shared else ''}"
        outcome = "collapsed" if is_shared else "miss"
        if fetched.page:
            return outcome, fetched.page.answer(environ, _status(note))
        return outcome, for_client(fetched.response).adding(_status(note))

    def _miss_with_stale(self, key: Address, environ: "WSGIEnvironment", since: int) -> tuple[str, Response]:
        """A new page; the stale one if no node can make one and nobody purged it meanwhile."""
        try:
            outcome, answer = self._miss(key, environ, since, "stale")
            if answer.code < 500:
                return outcome, answer
            return self._stale_for_error(key, environ, f"; fwd-status={answer.code}") or (outcome, answer)
        except Exception:
            stale = self._stale_for_error(key, environ, "")
            if stale is None:
                raise
            log.warning("no node could make %s: showing it stale", environ["PATH_INFO"], exc_info=True)
            return stale

    def _stale_for_error(self, key: Address, environ: "WSGIEnvironment", note: str) -> tuple[str, Response] | None:
        page = self.page_cache.find(key)
        now = self.page_cache.clock.monotonic()
        if page is None or now >= page.error_until:
            return None
        return "stale", page.answer(environ, _age(page, now), _status(f"fwd=stale{note}; detail=stale-if-error"))

    def _fetch(self, key: Hashable, environ: "WSGIEnvironment", since: int) -> Fetched:
        """Asks a node for the page, and keeps it if it may."""
        response = wsgi.call(self._app, _unconditional(environ))
        page = make_page(response, self.page_cache.clock.monotonic())
        if page is None:
            return Fetched(response)
        is_for_all = not (page.needs_no_cookie and "HTTP_COOKIE" in environ)
        is_kept = is_for_all and self.page_cache.enabled and self.page_cache.keep(key, page, since)
        return Fetched(response, page, is_kept)

    def _refresh(self, key: Hashable, environ: "WSGIEnvironment") -> None:
        id = trace.new_id()
        with self._tracer.begin(id, f"refresh {environ['PATH_INFO']}"):
            self._fetch(key, environ | {"minisocial.request_id": id}, self.page_cache.sequence)


def _address(environ: "WSGIEnvironment") -> Address:
    """What a page for visitors is kept under: all of the request that any page may depend on."""
    return (
        environ.get("minisocial.is_local", False),
        environ["wsgi.url_scheme"],
        environ.get("HTTP_HOST", ""),
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
    )


def _unconditional(environ: "WSGIEnvironment") -> "WSGIEnvironment":
    """The request as a GET for the whole page, whatever part of it this client needs."""
    whole = environ | {"REQUEST_METHOD": "GET"}
    for name in CONDITIONS:
        whole.pop(name, None)
    return whole


def _may_share(fetched: Fetched) -> bool | None:
    """Whether visitors may share it; None: it is a failure."""
    return None if fetched.response.code >= 500 else fetched.page is not None


def _may_share_with_self(fetched: Fetched) -> bool | None:
    """Whether equal requests of one member may share it; None: it is a failure."""
    response = fetched.response
    if response.code >= 500:
        return None
    said = directives(response.header("Cache-Control"))
    return not (response.header("Set-Cookie") or "no-store" in said or response.header("Vary").strip() == "*")


def _status(note: str) -> tuple[str, str]:
    return ("Cache-Status", f"minisocial; {note}")


def _age(page: Page, now: float) -> tuple[str, str]:
    return ("Age", str(int(now - page.made_at)))
