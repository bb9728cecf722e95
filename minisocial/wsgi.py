"""A whole WSGI answer as one value, for the boxes that keep, share or repeat answers.

A box that has its answer as such a value may say so with a method `respond(environ)` beside being a WSGI
application: `call` then asks that, and boxes in a row hand the value on instead of sending and collecting it.
"""

from __future__ import annotations  # those of `start_response` would be evaluated on each call

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: "200 OK", the headers, the body."""

    status: str
    headers: Headers
    body: bytes

    @property
    def code(self) -> int:
        return int(self.status[:3])

    def header(self, name: str, default: str = "") -> str:
        """The first header of that name, whatever the case."""
        name = name.lower()
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return default

    def without(self, *names: str) -> Response:
        dropped = {name.lower() for name in names}
        return Response(self.status, [h for h in self.headers if h[0].lower() not in dropped], self.body)

    def adding(self, *headers: tuple[str, str]) -> Response:
        return Response(self.status, [*self.headers, *headers], self.body)

    def bare(self) -> Response:
        """The same for a HEAD: its headers stay, also those about the body."""
        return Response(self.status, self.headers, b"")

    def send(self, start_response: StartResponse) -> list[bytes]:
        """Answer with it: `return response.send(start_response)`."""
        start_response(self.status, list(self.headers))
        return [self.body]


def call(app: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Run a WSGI application and collect its whole answer; whatever it raises goes through."""
    respond: Callable[[WSGIEnvironment], Response] | None = getattr(app, "respond", None)
    return _collected(app, environ) if respond is None else respond(environ)


def _collected(app: WSGIApplication, environ: WSGIEnvironment) -> Response:
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        started[:] = [status, headers]
        return written.append

    chunks: Iterable[bytes] = app(environ, start_response)
    try:
        body = b"".join([*written, *chunks]) if written else b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    return Response(started[0], list(started[1]), body)


def plain(status: str, text: str, *headers: tuple[str, str]) -> Response:
    """A short plain-text answer that nobody may keep."""
    body = text.encode()
    kind = ("Content-Type", "text/plain; charset=utf-8")
    fixed = [kind, ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    return Response(status, [*fixed, *headers], body)
