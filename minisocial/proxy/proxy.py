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
from minisocial.proxy.keys import SAFE, VIEWER, Address, address, is_too_long, unconditional
from minisocial.proxy.page import Page, for_client, make_page
from minisocial.proxy.page_cache import PageCache
from minisocial.proxy.refresh import Refresher
from minisocial.proxy.sharing import Fetched, with_oneself, with_visitors
from minisocial.proxy.static_files import PREFIX, StaticFiles
from minisocial.wsgi import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ErrorPage = Callable[["WSGIEnvironment", int, str, wsgi.Headers], Response]

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
    evicted: int
    refused: int


class Proxy:
    """Answers what it can by itself, and forwards the rest to the load balancer, equal requests once.

    Promise: only answers that say `public` are kept or shared between visitors, nobody who is logged in
    gets a kept page, and a page is never shown after a purge of one of its `Surrogate-Key` tags. Equal
    requests of one member at the same moment share one answer, unless it sets a cookie.

    What a client says about caching is advice that a cache need not take (RFC 9111, 5.2.1), and a stranger
    must not be able to have a page made anew at will. So `no-cache`, `max-age` and the like change nothing;
    with `no-store` nothing is kept of the answer, and with `only-if-cached` no node is asked.

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
            evicted=pages.evicted,
            refused=pages.refused,
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        return self.respond(environ).send(start_response)

    def respond(self, environ: "WSGIEnvironment") -> Response:
        """The answer as one value."""
        with trace.span("proxy") as seen:
            outcome, answer = self._answer(environ)
            seen.what = outcome
        with self._lock:
            self._counts[outcome] += 1
        return answer if environ["REQUEST_METHOD"] != "HEAD" else answer.bare()

    def _answer(self, environ: "WSGIEnvironment") -> tuple[str, Response]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return "static", self._static.answer(environ, lambda *refusal: self._error_page(environ, *refusal))
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._pass_method(environ)
        if environ.get("CONTENT_LENGTH") not in (None, "", "0"):
            return self._pass(environ, "bypass")  # a body may change the answer and is in no key
        key = address(environ)
        if is_too_long(key):
            return self._pass(environ, "bypass")
        if "HTTP_AUTHORIZATION" in environ or self._session in environ.get("HTTP_COOKIE", ""):
            return self._for_member(key, environ)
        return self._for_visitor(key, environ)

    # somebody who is logged in: never from the cache

    def _pass(self, environ: "WSGIEnvironment", why: str) -> tuple[str, Response]:
        waiting.ahead()
        response = wsgi.call(self._app, environ)
        return "pass", for_client(response).adding(_status(f"fwd={why}"))

    def _pass_method(self, environ: "WSGIEnvironment") -> tuple[str, Response]:
        outcome, answer = self._pass(environ, "method")
        if answer.code < 400 and environ["REQUEST_METHOD"] not in SAFE:
            self.page_cache.forget(address(environ))  # RFC 9111, 4.4; what else has changed the log tells
        return outcome, answer

    def _for_member(self, key: Address, environ: "WSGIEnvironment") -> tuple[str, Response]:
        viewer = tuple(map(environ.get, VIEWER))
        # the sequence is part of the flight's key: nobody joins a flight that began before a purge
        flight = (key, viewer, self.page_cache.sequence)
        fetched, is_shared = self.collapse.run(flight, lambda: self._fetch_for_member(environ), with_oneself)
        answer = for_client(fetched.response)
        if is_shared:
            return "collapsed", answer.adding(_status("fwd=bypass; collapsed"))
        return "pass", answer.adding(_status("fwd=bypass"))

    def _fetch_for_member(self, environ: "WSGIEnvironment") -> Fetched:
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        return Fetched(wsgi.call(self._app, environ | {"REQUEST_METHOD": "GET"} if is_head else environ))

    # a visitor: from the page cache where possible

    def _for_visitor(self, key: Address, environ: "WSGIEnvironment") -> tuple[str, Response]:
        since = self.page_cache.sequence
        page = self.page_cache.find(key) if self.page_cache.enabled else None
        if page is None:
            return self._forward(key, environ, since, "uri-miss")
        if page.needs_no_cookie and "HTTP_COOKIE" in environ:
            return self._forward(key, environ, since, "vary-miss")
        now = self._now()
        if now < page.fresh_until:
            return "hit", page.answer(environ, _age(page, now), _status("hit"))
        if now < page.revalidate_until and self._refresher.offer(key, environ):
            ttl = math.floor(page.fresh_until - now)
            note = f"hit; ttl={ttl}; detail=stale-while-revalidate"
            return "stale", page.answer(environ, _age(page, now), _status(note))
        return self._forward(key, environ, since, "stale")

    def _forward(self, key: Address, environ: "WSGIEnvironment", since: int, why: str) -> tuple[str, Response]:
        said = environ.get("HTTP_CACHE_CONTROL", "").lower()
        if "only-if-cached" in said:
            return self._not_cached(environ, why)
        may_keep = "no-store" not in said and self.page_cache.enabled
        if why == "stale":
            return self._miss_with_stale(key, environ, since, may_keep)
        return self._miss(key, environ, since, why, may_keep)

    def _not_cached(self, environ: "WSGIEnvironment", why: str) -> tuple[str, Response]:
        answer = self._error_page(environ, 504, "This page is not at hand, and we were asked not to make it.", [])
        return "miss", answer.adding(_status(f"fwd={why}; detail=only-if-cached"))

    def _miss(
        self, key: Address, environ: "WSGIEnvironment", since: int, why: str, may_keep: bool
    ) -> tuple[str, Response]:
        waiting.ahead()
        self.page_cache.count_miss(key)
        fetched, is_shared = self.collapse.run(
            (key, environ.get("HTTP_COOKIE"), may_keep),
            lambda: self._fetch_unless_there(key, environ, may_keep),
            with_visitors,
            lambda fetched: self._is_new_enough(key, fetched, since),
        )
        outcome, note = _told(fetched, is_shared, why)
        if fetched.page is None:
            return outcome, for_client(fetched.response).adding(_status(note))
        age = [] if outcome == "miss" else [_age(fetched.page, self._now())]
        return outcome, fetched.page.answer(environ, *age, _status(note))

    def _is_new_enough(self, key: Address, fetched: Fetched, since: int) -> bool:
        """Whether it suits who came at the purge sequence `since`: the page was not purged after it was begun."""
        if fetched.since >= since or fetched.page is None:
            return True
        return not self.page_cache.was_purged(key, fetched.page, fetched.since)

    def _miss_with_stale(
        self, key: Address, environ: "WSGIEnvironment", since: int, may_keep: bool
    ) -> tuple[str, Response]:
        """A new page; the stale one if no node can make one and nobody purged it meanwhile."""
        try:
            outcome, answer = self._miss(key, environ, since, "stale", may_keep)
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
        page = self.page_cache.peek(key)
        now = self._now()
        if page is None or now >= page.error_until:
            return None
        return "stale", page.answer(environ, _age(page, now), _status(f"fwd=stale{note}; detail=stale-if-error"))

    def _fetch_unless_there(self, key: Address, environ: "WSGIEnvironment", may_keep: bool) -> Fetched:
        """The page from a node; but who leads now may have looked just before the last leader was done."""
        since = self.page_cache.sequence
        page = self.page_cache.peek(key) if may_keep else None
        if page and self._now() < page.fresh_until and not (page.needs_no_cookie and "HTTP_COOKIE" in environ):
            return Fetched(Response("200 OK", [], b""), page, since=since, was_there=True)
        return self._fetch(key, environ, since, may_keep)

    def _fetch(self, key: Hashable, environ: "WSGIEnvironment", since: int, may_keep: bool) -> Fetched:
        """Asks a node for the page, and keeps it if it may."""
        response = wsgi.call(self._app, unconditional(environ))
        page = make_page(response, self.page_cache.clock)
        if page is None:
            return Fetched(response, since=since)
        is_for_all = not (page.needs_no_cookie and "HTTP_COOKIE" in environ)
        is_kept = is_for_all and may_keep and self.page_cache.keep(key, page, since)
        return Fetched(response, page, is_kept, since)

    def _refresh(self, key: Hashable, environ: "WSGIEnvironment") -> None:
        id = trace.new_id()
        with self._tracer.begin(id, f"refresh {environ['PATH_INFO']}"):
            since, may_keep = self.page_cache.sequence, self.page_cache.enabled
            self._fetch(key, environ | {"minisocial.request_id": id}, since, may_keep)

    def _now(self) -> float:
        return self.page_cache.clock.monotonic()


def _told(fetched: Fetched, is_shared: bool, why: str) -> tuple[str, str]:
    """What became of a request that was not answered from the cache at once: for the counters, and for people."""
    if is_shared:
        return "collapsed", f"fwd={why}; collapsed"
    if fetched.was_there:
        return "hit", "hit"
    return "miss", f"fwd={why}{'; stored' if fetched.is_kept else ''}"


def _status(note: str) -> tuple[str, str]:
    return ("Cache-Status", f"minisocial; {note}")


def _age(page: Page, now: float) -> tuple[str, str]:
    return ("Age", str(int(now - page.made_at)))
