"""The front door: takes requests from the network, within limits, and gives each an id and a trace."""

import errno
import logging
import select
import socket
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import waitress
from waitress import wasyncore

from minisocial import trace, wsgi
from minisocial.errors import MinisocialError, Unavailable
from minisocial.proxy.origin import Origin
from minisocial.proxy.server_timing import server_timing
from minisocial.proxy.strict import DRAINED, StrictChannel

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ErrorPage = Callable[["WSGIEnvironment", int, str, wsgi.Headers], wsgi.Response]

HEADER_BYTES = 32 << 10
IDLE_SECONDS = 60  # an open connection without a request
TICK = 0.5  # seconds; how long the loop sleeps at most
GRACE = 5.0  # seconds that running requests get when it stops

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
        secret_paths: tuple[str, ...] = ("/join/",),
    ) -> None:
        """`request_seconds`: from a request's first byte to its last. `secret_paths`: below these, the rest of a path is a secret and stays out of logs and traces."""
        self._app = app
        self._host = host
        self._wanted_port = port
        self._threads = threads
        self._tracer = tracer
        self._error_page = error_page
        self._body_bytes = body_bytes
        self._connections = connections
        self._request_seconds = request_seconds
        self._origin = Origin(trusted_proxy)
        self._secret_paths = secret_paths
        self._server: Any = None
        self._map: dict[int, Any] = {}  # this door's sockets, so that two can live in one process
        self._loop: threading.Thread | None = None
        self._deadline: float | None = None  # set when stopping
        self._lock = threading.Lock()  # guards the two below
        self._requests = 0
        self._failed = 0

    def start(self) -> None:
        """Binds and serves; raises `Unavailable` with a remedy if the address cannot be had."""
        listener = _bind(self._host, self._wanted_port)
        self._deadline = None
        self._server = self._make_server(listener)
        self._loop = threading.Thread(target=self._serve, name="front door", daemon=True)
        self._loop.start()

    def stop(self, grace: float = GRACE) -> None:
        """Takes no new requests, waits up to `grace` seconds for running ones, closes. May be called again."""
        loop, server = self._loop, self._server
        if loop is None:
            return
        self._loop = None
        began = time.monotonic()
        self._deadline = began + grace
        server.pull_trigger()
        loop.join(grace + 2 * TICK)
        server.task_dispatcher.shutdown(timeout=max(0.0, self._deadline - time.monotonic()))

    def snapshot(self) -> FrontDoorSnapshot:
        channels = len(self._server.active_channels) if self._server else 0
        with self._lock:
            return FrontDoorSnapshot(self.url, channels, self._requests, self._failed)

    @property
    def port(self) -> int:
        """The port it listens on; the one asked for, until it is started."""
        return int(self._server.effective_port) if self._server else self._wanted_port

    @property
    def url(self) -> str:
        """Where a browser on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    # one request

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        id = environ["minisocial.request_id"] = self._request_id(environ)
        self._origin.settle(environ)
        name = self._name(environ)
        with self._tracer.begin(id, name) as told:
            answer = self._answer(environ)
            told.status = answer.status[:3]
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
        path: str = environ["PATH_INFO"]
        for prefix in self._secret_paths:
            if path.startswith(prefix):
                path = f"{prefix}…"
        return f"{environ['REQUEST_METHOD']} {path if path.isprintable() else ascii(path)}"

    def _answer(self, environ: "WSGIEnvironment") -> wsgi.Response:
        with self._lock:
            self._requests += 1
        if int(environ.get("CONTENT_LENGTH") or 0) > self._body_bytes:
            return self._error_page(environ, 413, _too_large(self._body_bytes), [])
        try:
            return wsgi.call(self._app, environ)
        except MinisocialError as error:
            retry = [("Retry-After", str(error.retry_after))] if error.retry_after else []
            return self._error_page(environ, error.status, str(error), retry)
        except Exception:
            log.exception("request %s failed", environ["minisocial.request_id"])
            with self._lock:
                self._failed += 1
            return self._error_page(environ, 500, "Something broke on our side. Please try again in a moment.", [])

    # the server

    def _make_server(self, listener: socket.socket) -> Any:
        server = waitress.create_server(
            self,
            map=self._map,
            sockets=[listener],
            threads=self._threads,
            ident=None,
            server_name="localhost",
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=DRAINED,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=5,
            asyncore_use_poll=True,  # select() ends at file descriptor 1024
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,  # `Origin` does it, and remembers that they were there
        )
        server.channel_class = StrictChannel
        server.adj.body_bytes = self._body_bytes
        server.adj.connection_limit = self._connections + len(self._map)  # Waitress counts its own two sockets
        # it warns of each request that has to wait for a thread: under load, as many lines as requests
        server.task_dispatcher.queue_logger = logging.Logger("quiet", logging.ERROR)
        return server

    def _serve(self) -> None:
        next_look = 0.0
        while self._deadline is None:
            wasyncore.loop(timeout=TICK, use_poll=True, map=self._map, count=1)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + TICK
                self._close_slow()
                self._make_room()
        self._stop_listening()
        while time.monotonic() < self._deadline and self._close_idle():
            wasyncore.loop(timeout=TICK, use_poll=True, map=self._map, count=1)
        wasyncore.close_all(self._map, ignore_all=True)

    def _stop_listening(self) -> None:
        self._server.accepting = False
        self._server.del_channel(self._map)
        self._server.socket.close()

    def _close_slow(self) -> None:
        for channel in list(self._server.active_channels.values()):
            channel.close_if_slow(self._request_seconds)

    def _make_room(self) -> None:
        """Closes the connection that has been idle longest, if all are taken and somebody waits for one."""
        channels = self._server.active_channels.values()
        idle = [channel for channel in channels if channel.is_idle]
        if idle and len(channels) >= self._connections and _is_readable(self._server.socket):
            min(idle, key=lambda channel: channel.last_activity).handle_close()

    def _close_idle(self) -> bool:
        """Closes connections that are done; False if none is left."""
        channels = list(self._server.active_channels.values())
        for channel in channels:
            if channel.is_idle:
                channel.handle_close()
        return bool(self._server.active_channels)


def _complete(answer: wsgi.Response) -> wsgi.Headers:
    """The headers with the body's true length, which the application may have left out."""
    if answer.header("Content-Length") or answer.code in (204, 304):
        return answer.headers
    return [*answer.headers, ("Content-Length", str(len(answer.body)))]


def _is_readable(listener: socket.socket) -> bool:
    """Whether somebody waits to be accepted."""
    look = select.poll()
    look.register(listener, select.POLLIN)
    return bool(look.poll(0))


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise Unavailable(f"{port} is not a port. Choose one from 1 to 65535 with --port.")
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = sorted(found, key=lambda one: one[0] != socket.AF_INET)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Unavailable(_sentence(host, port, error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        return listener
    except OSError as error:
        listener.close()
        raise Unavailable(_sentence(host, port, error)) from error


def _sentence(host: str, port: int, error: OSError) -> str:
    """What went wrong and what to do, in one line."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program. Stop that one, or choose another port with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs special rights on this machine. Choose one above 1023 with --port."
    return f"This machine cannot listen on {host!r} ({error}). Use --host 127.0.0.1, or one of its own addresses."


def _too_large(limit: int) -> str:
    return f"That was too large: up to {limit >> 10} KiB can be sent at once. Nothing was changed."
