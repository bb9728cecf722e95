"""Hand-written stand-ins for the world outside."""

from io import BytesIO
from typing import Any

from minisocial import wsgi
from minisocial.clock import Clock


class ManualClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.steady = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.steady

    def advance(self, seconds: float) -> None:
        """Both clocks move on."""
        self.now += seconds
        self.steady += seconds


def environ_of(path: str = "/", method: str = "GET", *, query: str = "", **more: Any) -> dict[str, Any]:
    """A WSGI request as the front door hands it on; `more` are headers (`cookie="a=b"`) or environ keys."""
    is_header = {name: name.islower() and "." not in name for name in more}
    headers = {f"HTTP_{name.upper()}" if is_header[name] else name: value for name, value in more.items()}
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "example.org",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        **headers,
    }


def ask(app: Any, path: str = "/", method: str = "GET", *, query: str = "", **more: Any) -> wsgi.Response:
    """The whole answer of a WSGI application to one request, as `environ_of` makes it."""
    return wsgi.call(app, environ_of(path, method, query=query, **more))


def plain_error_page(environ: Any, status: int, message: str, headers: wsgi.Headers) -> wsgi.Response:
    """Stands in for the web layer's error pages."""
    return wsgi.plain(f"{status} Refused", message, *headers)


class FakeSite:
    """A WSGI application that answers as told and remembers what it was asked."""

    def __init__(self, body: bytes = b"page", status: str = "200 OK", **headers: str) -> None:
        self.body = body
        self.status = status
        self.headers = headers  # cache_control="private" becomes Cache-Control: private
        self.error: Exception | None = None
        self.asked: list[dict[str, Any]] = []

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        self.asked.append(dict(environ))
        if self.error:
            raise self.error
        start_response(self.status, [(name.replace("_", "-").title(), value) for name, value in self.headers.items()])
        return [self.body]
