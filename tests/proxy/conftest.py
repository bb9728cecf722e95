"""Front doors on real sockets, and how to speak to them."""

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from minisocial.proxy import FrontDoor
from minisocial.trace import Tracer
from tests.fakes import FakeSite, plain_error_page

LIMIT = 4096
WAIT = 10


class Doors:
    """Makes front doors around one site, and stops them at the end of a test."""

    def __init__(self) -> None:
        self.site = FakeSite(b"hello", content_type="text/plain")
        self.tracer = Tracer()
        self.made: list[FrontDoor] = []

    def make(self, app: Any = None, **more: Any) -> FrontDoor:
        options = {"host": "127.0.0.1", "port": 0, "threads": 4, "body_bytes": LIMIT, **more}
        door = FrontDoor(app or self.site, tracer=self.tracer, error_page=plain_error_page, **options)
        self.made.append(door)
        return door

    def open(self, app: Any = None, **more: Any) -> FrontDoor:
        door = self.make(app, **more)
        door.start()
        return door


@pytest.fixture
def doors() -> Iterator[Doors]:
    doors = Doors()
    yield doors
    for door in doors.made:
        door.stop(grace=1)


def connect(door: FrontDoor) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=WAIT)


def raw(door: FrontDoor, request: bytes) -> bytes:
    """Everything the door says to these bytes until it closes."""
    with connect(door) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def fetch(door: FrontDoor, path: str = "/", method: str = "GET", body: Any = None, **headers: str) -> Any:
    client = http.client.HTTPConnection("127.0.0.1", door.port, timeout=WAIT)
    try:
        client.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = client.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        return answer
    finally:
        client.close()
