"""A small browser for tests: it calls a WSGI application, keeps cookies and fills in forms."""

import io
import re
import sys
from html import unescape
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from tests.web.fakes import Answer

HOST = "social.test"


class Client:
    """One person at one browser."""

    def __init__(self, app: Any, *, address: str = "10.0.0.1", is_local: bool = False) -> None:
        self._app = app
        self._address = address
        self._is_local = is_local
        self.cookies: dict[str, str] = {}

    def get(self, url: str, **headers: str) -> Answer:
        return self.send("GET", url, **headers)

    def send(self, method: str, url: str, body: bytes = b"", kind: str = "", **headers: str) -> Answer:
        """One request; `headers` as WSGI names them: `HTTP_ACCEPT=...`."""
        path, _, query = url.partition("#")[0].partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._address,
            "HTTP_HOST": HOST,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "minisocial.is_local": self._is_local,
            **headers,
        }
        if body or method == "POST":
            environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": kind}
        if self.cookies and "HTTP_COOKIE" not in headers:
            environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self._called(environ)

    def _called(self, environ: dict[str, Any]) -> Answer:
        started: list[Any] = []
        chunks = self._app(environ, lambda status, headers, error=None: started.extend((status, headers)))
        answer = Answer(started[0], started[1], b"".join(chunks))
        for name, value in answer.headers:
            if name == "Set-Cookie":
                self._keep(answer, value)
        return answer

    def _keep(self, answer: Answer, header: str) -> None:
        name, _, value = header.partition(";")[0].partition("=")
        answer.cookies[name] = header
        if "Max-Age=0" in header:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def post(self, url: str, fields: dict[str, Any] | None = None, **headers: str) -> Answer:
        """A form with exactly these fields."""
        body = urlencode(fields or {}).encode()
        return self.send("POST", url, body, "application/x-www-form-urlencoded", **headers)

    def submit(self, page: str, action: str, fields: dict[str, Any] | None = None, **headers: str) -> Answer:
        """The form with this action on this page, with its hidden fields and these."""
        return self.post(action, hidden(self.get(page).text, action) | (fields or {}), **headers)

    def log_in(self, name: str, password: str = "minisocial") -> Answer:
        return self.submit("/login", "/login", {"username": name, "password": password})


def hidden(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with this action; fails if there is no such form."""
    forms = [form for form in re.findall(r"<form.*?</form>", html, re.S) if f'action="{action}"' in form]
    assert forms, f"there is no form for {action}"
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', forms[0])
    return {name: unescape(value) for name, value in found}
