"""Strangers at the door of a real system: raw requests, a clock that can be moved, a render that can be held."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minisocial import waiting, wsgi
from minisocial.clock import Clock
from minisocial.nodes import Made
from minisocial.system import System
from minisocial.wsgi import Response
from tests.client import Client
from tests.fakes import environ_of
from tests.scenarios.conftest import settings
from tests.scenarios.people import set_up, settle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WAIT = 20


class MovableClock(Clock):
    """The machine's clock, and more."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Gate:
    """Stands before all nodes: holds the first request for a path until told, then fails as often as told."""

    def __init__(self) -> None:
        self.path = ""
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.failures = 0
        self.error: type[BaseException] = ValueError
        self.asked = 0
        self._lock = threading.Lock()  # guards the two counters

    def before(self, app: "WSGIApplication") -> "WSGIApplication":
        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
            if environ["PATH_INFO"] == self.path:
                waiting.ahead()
                self._pass()
            return app(environ, start_response)

        return answer

    def _pass(self) -> None:
        with self._lock:
            self.asked += 1
            is_first = self.asked == 1
        if is_first:
            self.entered.set()
            assert self.go_on.wait(WAIT)
        with self._lock:
            fails, self.failures = self.failures > 0, max(0, self.failures - 1)
        if fails:
            raise self.error


class Visited(System):
    """A system with a gate before its nodes and a clock that can be moved."""

    def __init__(self, *args: Any) -> None:
        self.gate, self.moved = Gate(), MovableClock()
        super().__init__(*args, self.moved)

    def _make_node(self, name: str) -> Made:
        made = super()._make_node(name)
        return made._replace(app=self.gate.before(made.app))


@contextmanager
def open_house(folder: Path, **changed: Any) -> Iterator[tuple[Visited, Client]]:
    """A running system that strangers may look at, and its host, Ada, who has said something to everyone."""
    system = Visited(settings(folder / "data", **changed))
    system.start()
    try:
        ada = set_up(system)
        let_strangers_in(system)
        ada.get("/").submit("Post", text="Hello strangers #tag", visibility="everyone")
        settle(system)
        yield system, ada
    finally:
        system.gate.go_on.set()
        system.stop()


def let_strangers_in(system: System, are_let_in: bool = True) -> None:
    name = "The Analytical Society"
    system.social.community.edit(name=name, description="", code_of_conduct="", members_only=not are_let_in)


def visit(system: System, path: str = "/explore", **headers: str) -> Response:
    """What a stranger at `localhost` gets, without the network."""
    return wsgi.call(system.front_door, environ_of(path, **{"host": "localhost", **headers}))


def fresh(system: System, path: str = "/explore") -> Response:
    """What the nodes would make for a stranger now, whatever the proxy has kept."""
    environ = environ_of(path, host="localhost") | {"minisocial.is_local": True, "minisocial.client": "127.0.0.1"}
    return wsgi.call(system.balancer, environ)


def status(answer: Response) -> str:
    return answer.header("Cache-Status")


def connect(system: System) -> socket.socket:
    return socket.create_connection(("127.0.0.1", system.front_door.port), timeout=WAIT)


def read(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


def raw(system: System, request: bytes) -> bytes:
    with connect(system) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return read(client)
