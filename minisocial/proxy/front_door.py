"""The front door: takes requests from the network, within limits, and gives each an id and a trace."""

import logging
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minisocial import trace, waiting, wsgi
from minisocial.errors import MinisocialError
from minisocial.proxy.listener import Listener
from minisocial.proxy.origin import Origin
from minisocial.proxy.server_timing import server_timing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ErrorPage = Callable[["WSGIEnvironment", int, str, wsgi.Headers], wsgi.Response]

GRACE = 5.0  # seconds that running requests get when it stops

LONGEST_NAME = 200  # characters of a path in logs and traces
ID_LETTERS = frozenset(string.ascii_letters + string.digits + "-_")

log = logging.getLogger("minisocial.front_door")
access = logging.getLogger("minisocial.access")


@dataclass(frozen=True, slots=True)
class FrontDoorSnapshot:
    address: str
    connections: int
    requests: int
    failed: int  # an exception came out of the boxes behind


class FrontDoor:
    """Serves a WSGI application to the network with Waitress, in threads of its own.

    Promise: what reaches the application is proper HTTP within the limits, has `minisocial.request_id`,
    `minisocial.client` and `minisocial.is_local` set, and carries no forwarding header of a stranger. Each
    answer says which boxes it crossed (`Server-Timing`) and its id (`X-Request-Id`).

    When it fails: an exception out of the application is logged under the request's id and answered with
    a plain page. `stop()` lets running requests end, for a bounded time.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        host: str,
        port: int,
        threads: int,
        tracer: trace.Tracer,
        error_page: ErrorPage,
        body_bytes: int = 256 << 10,
        connections: int = 200,
        trusted_proxy: str = "",
        request_seconds: float = 60,
        crowded_seconds: float = 10,
        greedy_seconds: float = 2,
        settling_seconds: float = 0.5,
        at_once: bool = False,
        secret_paths: tuple[str, ...] = ("/join/", "/invites/", "/reset/", "/confirm/", "/unsubscribe/"),
    ) -> None:
        """`request_seconds`: from a request's first byte to its last; `crowded_seconds`: the same while all
        connections are taken and somebody waits for one; `greedy_seconds`: the same, then, for those of an address
        that has more than half of all connections; `settling_seconds`: so long, then, one
        that has just come, or was just used, is let alone.
        `at_once`: the application says `waiting.ahead()` before it waits, so requests may be tried in our own thread.
        `secret_paths`: below these, the rest of a path is a secret and stays out of logs and traces."""
        self._listener = Listener(
            self,
            host=host,
            port=port,
            threads=threads,
            body_bytes=body_bytes,
            connections=connections,
            request_seconds=request_seconds,
            crowded_seconds=crowded_seconds,
            greedy_seconds=greedy_seconds,
            settling_seconds=settling_seconds,
            at_once=at_once,
        )
        self._app = app
        self._tracer = tracer
        self._error_page = error_page
        self._body_bytes = body_bytes
        self._origin = Origin(trusted_proxy)
        self._secret_paths = secret_paths
        self._lock = threading.Lock()  # guards the two below
        self._requests = 0
        self._failed = 0

    def start(self) -> None:
        """Binds and serves; raises `Unavailable` with a remedy if the address cannot be had."""
        self._listener.start()

    def stop(self, grace: float = GRACE) -> None:
        """Takes no new requests, waits up to `grace` seconds for running ones, closes. May be called again."""
        self._listener.stop(grace)

    def resize(self, threads: int) -> None:
        """So many requests may be in the application at a time from now on."""
        self._listener.resize(threads)

    @property
    def threads(self) -> int:
        """How many requests may be in the application at a time."""
        return self._listener.threads

    @property
    def at_once(self) -> bool:
        """Whether requests are tried in its own thread first; may be switched while running."""
        return self._listener.at_once

    @at_once.setter
    def at_once(self, at_once: bool) -> None:
        self._listener.at_once = at_once

    def snapshot(self) -> FrontDoorSnapshot:
        with self._lock:
            return FrontDoorSnapshot(self.url, self._listener.connections, self._requests, self._failed)

    @property
    def port(self) -> int:
        """The port it listens on; the one asked for, until it is started."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where a browser on this machine reaches it."""
        return self._listener.url

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        id = environ["minisocial.request_id"] = self._request_id(environ)
        self._origin.settle(environ)
        name = self._name(environ)
        with self._tracer.begin(id, name) as told:
            answer = self._answer(environ)
            told.status = answer.status[:3]
        with self._lock:
            self._requests += 1
        if access.isEnabledFor(logging.INFO):
            access.info("%s %s %.1f ms %s", name, told.status, told.ms, id)
        headers = [*_complete(answer), ("X-Request-Id", id), ("Server-Timing", server_timing(told))]
        start_response(answer.status, headers)
        return [answer.body] if environ["REQUEST_METHOD"] != "HEAD" else []

    def _request_id(self, environ: "WSGIEnvironment") -> str:
        given = environ.get("HTTP_X_REQUEST_ID")
        if given and self._origin.is_trusted(environ) and 8 <= len(given) <= 64 and ID_LETTERS.issuperset(given):
            return str(given)
        return trace.new_id()

    def _name(self, environ: "WSGIEnvironment") -> str:
        """ "GET /path", fit for a log: no query, no secrets, nothing unprintable."""
        path: str = environ["PATH_INFO"][:LONGEST_NAME]
        for prefix in self._secret_paths:
            if path.startswith(prefix):
                path = f"{prefix}…"
        return f"{environ['REQUEST_METHOD']} {path if path.isprintable() else ascii(path)}"

    def _answer(self, environ: "WSGIEnvironment") -> wsgi.Response:
        if int(environ.get("CONTENT_LENGTH") or 0) > self._body_bytes:
            return self._error_page(environ, 413, _too_large(self._body_bytes), [])
        try:
            return wsgi.call(self._app, environ)
        except MinisocialError as error:
            retry = [("Retry-After", str(error.retry_after))] if error.retry_after else []
            return self._error_page(environ, error.status, str(error), retry)
        except (waiting.WouldWait, KeyboardInterrupt):
            raise
        except BaseException:  # also what ends a thread: the client must not wait for an answer that never comes
            log.exception("request %s failed", environ["minisocial.request_id"])
            with self._lock:
                self._failed += 1
            return self._error_page(environ, 500, "Something broke on our side. Please try again in a moment.", [])


def _complete(answer: wsgi.Response) -> wsgi.Headers:
    """The headers with the body's true length, which the application may have left out."""
    if answer.header("Content-Length") or answer.code in (204, 304):
        return answer.headers
    return [*answer.headers, ("Content-Length", str(len(answer.body)))]


def _too_large(limit: int) -> str:
    return f"That was too large: up to {limit >> 10} KiB can be sent at once. Nothing was changed."
