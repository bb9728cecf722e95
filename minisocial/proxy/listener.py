"""Waitress on one address: sockets, limits, and a graceful end."""

import errno
import logging
import select
import socket
import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import waitress
from waitress import wasyncore

from minisocial import waiting
from minisocial.errors import Unavailable
from minisocial.proxy.dispatcher import Dispatcher
from minisocial.proxy.strict import DRAINED, StrictChannel

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HEADER_BYTES = 32 << 10
IDLE_SECONDS = 60  # an open connection without a request
NEVER = 10**10  # seconds
BACKLOG = 1024  # connections that wait to be accepted
TICK = 0.5  # seconds; how long the loop sleeps at most


class Listener:
    """Serves an application on one address with Waitress, in threads of its own, within limits."""

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        host: str,
        port: int,
        threads: int,
        body_bytes: int,
        connections: int,
        request_seconds: float,
        crowded_seconds: float,
        greedy_seconds: float,
        settling_seconds: float,
        at_once: bool,
    ) -> None:
        self._app = app
        self._host = host
        self._wanted_port = port
        self.threads = min(threads, connections)
        self._body_bytes = body_bytes
        self._connections = connections
        self._request_seconds = request_seconds
        self._crowded_seconds = crowded_seconds
        self._greedy_seconds = greedy_seconds
        self._settling_seconds = settling_seconds
        self.at_once = at_once  # may be switched while running
        self._server: Any = None
        self._map: dict[int, Any] = {}  # the sockets of this one, so that two can live in one process
        self._loop: threading.Thread | None = None
        self._deadline: float | None = None  # set when stopping

    def start(self) -> None:
        """Binds and serves; raises `Unavailable` with a remedy if the address cannot be had."""
        listener = _bind(self._host, self._wanted_port)
        self._deadline = None
        self._server = self._make_server(listener)
        self._loop = threading.Thread(target=self._serve, name="front door", daemon=True)
        self._loop.start()

    def stop(self, grace: float) -> None:
        """Takes no new requests, waits up to `grace` seconds for running ones, closes. May be called again."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self._deadline = time.monotonic() + grace
        self._server.pull_trigger()
        loop.join(grace + 2 * TICK)
        self._server.task_dispatcher.shutdown(timeout=max(0.0, self._deadline - time.monotonic()))
        wasyncore.close_all(self._map, ignore_all=True)  # last: a thread that finishes wakes the loop through it

    def resize(self, threads: int) -> None:
        """So many requests at a time from now on, but no more than connections: each has one at most."""
        self.threads = min(threads, self._connections)
        if self._loop is not None:
            self._server.task_dispatcher.set_thread_count(self.threads)

    @property
    def port(self) -> int:
        """The port it listens on; the one asked for, until it is started."""
        return int(self._server.effective_port) if self._server else self._wanted_port

    @property
    def url(self) -> str:
        """Where a browser on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._server.active_channels) if self._server else 0

    def _make_server(self, listener: socket.socket) -> Any:
        dispatcher = Dispatcher()
        dispatcher.set_thread_count(self.threads)
        server = waitress.create_server(
            self._app,
            map=self._map,
            _dispatcher=dispatcher,
            sockets=[listener],
            backlog=BACKLOG,
            ident=None,
            server_name="localhost",
            max_request_header_size=HEADER_BYTES,
            max_request_body_size=DRAINED,
            channel_timeout=NEVER,  # `close_if_slow` does it, and looks whether a request has just arrived
            asyncore_use_poll=True,  # select() ends at file descriptor 1024
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,  # `Origin` does it, and remembers that they were there
        )
        server.channel_class = StrictChannel
        server.pull_trigger = partial(_wake, server.trigger)
        server.adj.body_bytes = self._body_bytes
        server.adj.connection_limit = self._connections + len(self._map)  # Waitress counts its own two sockets
        # it warns of each request that has to wait for a thread, and of each connection that has to wait: under
        # load, as many lines as requests
        server.task_dispatcher.queue_logger = server.logger = _quiet()
        return server

    def _serve(self) -> None:
        next_look = 0.0
        while self._deadline is None:
            waiting.forbid(self.at_once)
            wasyncore.loop(timeout=TICK, use_poll=True, map=self._map, count=1)
            is_time = time.monotonic() >= next_look
            self._make_room(is_time)
            if is_time:
                next_look = time.monotonic() + TICK
                self._close_slow()
                self._server.task_dispatcher.look_again()
        self._stop_listening()
        while time.monotonic() < self._deadline and self._close_idle():
            wasyncore.loop(timeout=TICK, use_poll=True, map=self._map, count=1)

    def _stop_listening(self) -> None:
        self._server.accepting = False
        self._server.del_channel(self._map)
        self._server.socket.close()

    def _close_slow(self) -> None:
        channels = list(self._server.active_channels.values())
        is_crowded = self._is_crowded()
        patience = self._crowded_seconds if is_crowded else self._request_seconds
        greedy = self._greedy_address(channels) if is_crowded else None
        for channel in channels:
            channel.close_if_slow(self._greedy_seconds if channel.addr[0] == greedy else patience, IDLE_SECONDS)

    def _greedy_address(self, channels: list[Any]) -> str | None:
        """Who has more than half of all connections, if anybody: one machine alone must not keep the others out."""
        addresses = Counter(channel.addr[0] for channel in channels)
        return next((address for address, count in addresses.items() if 2 * count > self._connections), None)

    def _make_room(self, is_time: bool) -> None:
        """Closes the connection that has been idle longest, if all are taken and somebody waits for one.

        Not one that has just come, nor one on which a request has arrived that nobody has read yet: its sender
        would never hear of it. One that says something again and again only now and then, when `is_time`, for
        it may be a browser at work; but at once if it is of a greedy address.
        """
        if not self._is_crowded():
            return
        since = time.monotonic() - self._settling_seconds
        channels = list(self._server.active_channels.values())
        greedy = self._greedy_address(channels)
        idle = [channel for channel in channels if channel.opened < since and channel.is_idle]
        for channel in sorted(idle, key=lambda channel: channel.last_activity):
            may_go = is_time or channel.last_activity < since or channel.addr[0] == greedy
            if may_go and not channel.has_news():
                channel.handle_close()
                return

    def _is_crowded(self) -> bool:
        """Whether all connections are taken and somebody waits for one."""
        return len(self._server.active_channels) >= self._connections and _is_readable(self._server.socket)

    def _close_idle(self) -> bool:
        """Closes connections that are done; False if none is left."""
        channels = list(self._server.active_channels.values())
        for channel in channels:
            if channel.is_idle:
                channel.handle_close()
        return bool(self._server.active_channels)


def _wake(trigger: Any) -> None:
    """Has the loop look at its connections anew. What it does in its own thread it sees by itself, without a pipe."""
    if not waiting.is_forbidden():
        trigger.pull_trigger()


def _quiet() -> logging.Logger:
    """For what breaks, and not for what is only much."""
    logger = logging.getLogger("waitress.quiet")
    logger.setLevel(logging.ERROR)
    return logger


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
        listener.listen(BACKLOG)  # here and not later, because this too can find the port taken
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
