"""One request node: a WSGI application behind a fixed number of slots."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from minisocial import trace, waiting, wsgi
from minisocial.errors import NodeDown, NodeKilled, Overloaded
from minisocial.waiting import WouldWait

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READS = frozenset({"GET", "HEAD", "OPTIONS"})
PROBE = {
    "REQUEST_METHOD": "GET",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "QUERY_STRING": "",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "localhost",
    "wsgi.url_scheme": "http",
}


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """What a node did and does; `state` is up, draining, down or killed."""

    name: str
    service: str
    state: str
    slots: int
    in_flight: int
    served: int
    failed: int  # of those served: answered with 5xx, or the application raised, or the node was killed


class Node:
    """A request node runs its web application for at most `slots` requests at a time.

    Promise: a request is run only after it got a slot, a slot is always given back, and a node that
    is draining or down starts nothing new, while what runs already runs to its end. A killed node
    answers nothing any more: what its application still brings is thrown away.

    When it fails: an exception out of the application is counted and goes on to the caller, which
    knows whether the request may be tried elsewhere. The node keeps nothing a restart would miss;
    killed, it stays so, and a new node takes its place.
    """

    def __init__(
        self,
        name: str,
        service: str,
        app: "WSGIApplication",
        slots: int,
        *,
        probe_path: str = "/",
        farewell: Callable[[], object] = lambda: None,
    ) -> None:
        """`service` is "read" or "write", as the balancer sorts requests.

        `probe_path`: an address that costs next to nothing. `farewell` is called once, when nothing runs
        here any more and never will: after `retire`, or by `kill`.
        """
        self.name = name
        self.service = service
        self.write_delay = 0.0  # seconds that each write takes longer: a fault to look at
        self._app = app
        self._probe_path = probe_path
        self._farewell: Callable[[], object] | None = farewell
        self._was_killed = threading.Event()
        self._lock = threading.Lock()  # guards all below
        self._slots = slots
        self._state = "up"
        self._is_retired = False
        self._in_flight = 0
        self._served = 0
        self._failed = 0
        self._listener: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Takes requests (as it also does when new)."""
        self.bring_up()

    def stop(self) -> None:
        """Takes no new requests; returns at once."""
        self.drain()

    def snapshot(self) -> NodeSnapshot:
        with self._lock:
            counts = self._in_flight, self._served, self._failed
            return NodeSnapshot(self.name, self.service, self._state, self._slots, *counts)

    @property
    def state(self) -> str:
        return self._state

    @property
    def in_flight(self) -> int:
        """How many requests run right now."""
        return self._in_flight

    @property
    def is_free(self) -> bool:
        """Up, with a slot to spare: a good guess, only `reserve()` is sure."""
        return self._in_flight < self._slots and self._state == "up"

    @property
    def slots(self) -> int:
        """How many requests may run at a time; with fewer, those that run too many end first."""
        return self._slots

    @slots.setter
    def slots(self, number: int) -> None:
        with self._lock:
            self._slots = number
        self._listener()

    def watch(self, listener: Callable[[], None]) -> None:
        """Calls `listener`, and nobody else, whenever a slot may have become free, or the state changed."""
        self._listener = listener

    def bring_up(self) -> None:
        """Takes requests again, unless it is gone for good."""
        self._change("up")

    def take_down(self) -> None:
        """Takes no new requests from now on."""
        self._change("down")

    def drain(self) -> None:
        """Takes no new requests, and is down once those that run have ended."""
        self._change("draining")

    def retire(self) -> None:
        """Drains for good."""
        with self._lock:
            self._is_retired = True
        self.drain()

    def kill(self) -> None:
        """Is gone at once: whoever waits for an answer of its gets `NodeKilled` instead, and holds no slot any more.

        A thread cannot be stopped from outside. It goes on until its application returns, and is not believed.
        """
        with self._lock:
            self._state = "killed"
            self._is_retired = True
            self._served += self._in_flight
            self._failed += self._in_flight
            self._in_flight = 0
        self._was_killed.set()
        self._listener()
        self._part()

    def reserve(self) -> bool:
        """Takes a slot, if the node is up and has one. Whoever gets True calls `serve` once."""
        with self._lock:
            if self._in_flight >= self._slots or self._state != "up":
                return False
            self._in_flight += 1
            return True

    def serve(self, environ: "WSGIEnvironment") -> wsgi.Response:
        """Runs the application in the slot taken by `reserve`, and gives the slot back."""
        has_failed: bool | None = True
        try:
            if self.write_delay and environ["REQUEST_METHOD"] not in READS:
                waiting.ahead()
                self._was_killed.wait(self.write_delay)
            with trace.span("node", self.name):
                answer = self._call(environ)
            has_failed = answer.code >= 500
        except WouldWait:  # it was not for this thread, and will be back
            has_failed = None
            raise
        finally:
            self._release(has_failed)
        return answer

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        """The node as a plain WSGI application; raises `NodeDown` or `Overloaded` without a slot."""
        return self.respond(environ).send(start_response)

    def respond(self, environ: "WSGIEnvironment") -> wsgi.Response:
        """The same, with the answer as one value."""
        if not self.reserve():
            raise NodeDown("This part is resting.") if self._state != "up" else Overloaded("Everybody is busy.")
        return self.serve(environ)

    def probe(self) -> bool:
        """Whether the application answers at all; 503 is the database or the queue, and says nothing of the node."""
        try:
            code = wsgi.call(self._app, _probe(self._probe_path)).code
        except Exception:  # that it raises is the answer
            return False
        return code < 500 or code == 503

    def _call(self, environ: "WSGIEnvironment") -> wsgi.Response:
        if self._state == "killed":  # while it waited: nothing was begun
            raise _killed()
        return wsgi.call(self._app, environ)

    def _release(self, has_failed: bool | None) -> None:
        """Gives the slot back; `has_failed` is None if nothing was served in it."""
        with self._lock:
            if self._state == "killed":
                raise _killed()  # and whatever was raised or answered is forgotten
            self._in_flight -= 1
            if has_failed is not None:
                self._served += 1
                self._failed += has_failed
            if self._state == "draining" and not self._in_flight:
                self._state = "down"
        self._listener()
        if self._is_retired:
            self._part()

    def _change(self, state: str) -> None:
        with self._lock:
            if self._state == "killed" or (self._is_retired and state == "up"):
                return
            self._state = "down" if state == "draining" and not self._in_flight else state
        self._listener()
        self._part()

    def _part(self) -> None:
        """Says farewell, once, if this was the end."""
        with self._lock:
            if not self._is_retired or self._in_flight or self._farewell is None:
                return
            farewell, self._farewell = self._farewell, None
        farewell()


def _killed() -> NodeKilled:
    return NodeKilled("The part of the site that worked on this was stopped in the middle. Please try again.")


def _probe(path: str) -> "WSGIEnvironment":
    return {**PROBE, "PATH_INFO": path, "wsgi.input": BytesIO(), "wsgi.errors": StringIO()}
