"""One request node: a WSGI application behind a fixed number of slots."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minisocial import trace, wsgi
from minisocial.errors import NodeDown, Overloaded
from minisocial.waiting import WouldWait

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """What a node did and does; `state` is up, draining or down."""

    name: str
    service: str
    state: str
    slots: int
    in_flight: int
    served: int
    failed: int  # of those served: answered with 5xx, or the application raised


class Node:
    """A request node runs its web application for at most `slots` requests at a time.

    Promise: a request is run only after it got a slot, a slot is always given back, and a node that
    is draining or down starts nothing new, while what runs already runs to its end.

    When it fails: an exception out of the application is counted and goes on to the caller, which
    knows whether the request may be tried elsewhere. The node keeps nothing a restart would miss.
    """

    def __init__(self, name: str, service: str, app: "WSGIApplication", slots: int) -> None:
        """`service` is "read" or "write", as the balancer sorts requests."""
        self.name = name
        self.service = service
        self.slots = slots
        self._app = app
        self._lock = threading.Lock()  # guards the five below
        self._state = "up"
        self._in_flight = 0
        self._served = 0
        self._failed = 0
        self._listeners: tuple[Callable[[], None], ...] = ()

    def start(self) -> None:
        """Takes requests (as it also does when new)."""
        self.bring_up()

    def stop(self) -> None:
        """Takes no new requests; returns at once."""
        self.drain()

    def snapshot(self) -> NodeSnapshot:
        with self._lock:
            counts = self._in_flight, self._served, self._failed
            return NodeSnapshot(self.name, self.service, self._state, self.slots, *counts)

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
        return self._state == "up" and self._in_flight < self.slots

    def watch(self, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever a slot may have become free, or the state changed."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def bring_up(self) -> None:
        """Takes requests again."""
        self._change("up")

    def take_down(self) -> None:
        """Takes no new requests from now on."""
        self._change("down")

    def drain(self) -> None:
        """Takes no new requests, and is down once those that run have ended."""
        self._change("draining")

    def reserve(self) -> bool:
        """Takes a slot, if the node is up and has one. Whoever gets True calls `serve` once."""
        with self._lock:
            if self._state != "up" or self._in_flight >= self.slots:
                return False
            self._in_flight += 1
            return True

    def serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        """Runs the application in the slot taken by `reserve`, and gives the slot back."""
        has_failed: bool | None = True
        try:
            with trace.span("node", self.name):
                answer = wsgi.call(self._app, environ)
            has_failed = answer.code >= 500
        except WouldWait:  # it was not for this thread, and will be back
            has_failed = None
            raise
        finally:
            self._release(has_failed)
        return answer.send(start_response)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        """The node as a plain WSGI application; raises `NodeDown` or `Overloaded` without a slot."""
        if not self.reserve():
            raise NodeDown("This part is resting.") if self._state != "up" else Overloaded("Everybody is busy.")
        return self.serve(environ, start_response)

    def _release(self, has_failed: bool | None) -> None:
        """Gives a slot back; `has_failed` is None if nothing was served in it."""
        with self._lock:
            self._in_flight -= 1
            if has_failed is not None:
                self._served += 1
                self._failed += has_failed
            if self._state == "draining" and not self._in_flight:
                self._state = "down"
            listeners = self._listeners
        for listener in listeners:
            listener()

    def _change(self, state: str) -> None:
        with self._lock:
            self._state = "down" if state == "draining" and not self._in_flight else state
            listeners = self._listeners
        for listener in listeners:
            listener()
