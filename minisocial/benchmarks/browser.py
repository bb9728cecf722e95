"""A small browser: cookies, pages and the forms on them. Prepares what the load generator then repeats."""

import gzip
import http.client
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urlencode

from minisocial.errors import Unavailable

TIMEOUT = 30.0  # seconds for one answer
ACCEPT = {"Accept": "text/html", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page, with the values its fields have there."""

    action: str
    fields: Mapping[str, str] = field(default_factory=dict)
    buttons: tuple[str, ...] = ()

    def filled(self, **values: str) -> "Form":
        """The same form with these fields filled in."""
        return replace(self, fields={**self.fields, **values})

    def for_another(self, name: str, other: str) -> "Form":
        """The form as it stands on another's page: wherever it says `name` it says `other`."""
        word = re.compile(rf"\b{re.escape(name)}\b")
        fields = {key: word.sub(other, value) for key, value in self.fields.items()}
        return replace(self, action=word.sub(other, self.action), fields=fields)


class Browser:
    """One person's browser."""

    def __init__(self, host: str, port: int) -> None:
        self.host = f"{host}:{port}"
        self.cookies: dict[str, str] = {}
        self.etag = ""  # of the last page
        self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)

    def page(self, path: str) -> str:
        """The page there; `Unavailable` unless it is one."""
        return self._ask("GET", path, None)

    def form(self, path: str, *, button: str = "", field: str = "") -> Form:
        """The first form on a page with this button, or this field."""
        for form in read_forms(self.page(path)):
            if (button and button in form.buttons) or (field and field in form.fields):
                return form
        raise Unavailable(f"There is no form with {button or field} on {path}.")

    def submit(self, form: Form) -> None:
        """Send a form; `Unavailable` if it is refused."""
        self._ask("POST", form.action, urlencode(form.fields))

    def log_in(self, username: str, password: str) -> None:
        """Begin a session."""
        self.submit(self.form("/login", field="password").filled(username=username, password=password))
        if "session" not in self.cookies:
            raise Unavailable(f"{username} could not log in.")

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None) -> str:
        headers = {**ACCEPT, **self._cookies()}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._answer(method, path, body, headers)
        text = _unpacked(answer).decode("utf-8", "replace")
        self._take_cookies(answer)
        self.etag = answer.headers.get("ETag", "")
        if answer.status >= 400:
            raise Unavailable(f"{method} {path} was answered with {answer.status}.")
        return text

    def _answer(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """A connection that was kept may have been idle for too long: then a page is asked for on a new one."""
        try:
            self._connection.request(method, path, body, headers)
            return self._connection.getresponse()
        except ConnectionError:
            self._connection.close()
            if method != "GET":
                raise
        self._connection.request(method, path, body, headers)
        return self._connection.getresponse()

    def _take_cookies(self, answer: http.client.HTTPResponse) -> None:
        for header in answer.headers.get_all("Set-Cookie", []):
            name, _, value = header.partition(";")[0].partition("=")
            if value:
                self.cookies[name.strip()] = value.strip()
            else:
                self.cookies.pop(name.strip(), None)

    def _cookies(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies} if cookies else {}

    def encoded(self, path: str, **more: str) -> str:
        """The whole request for a page, as this browser would send it; `more` are headers."""
        return self._encoded("GET", path, more, "")

    def encoded_form(self, form: Form) -> str:
        """The whole request that sends a form."""
        body = urlencode(form.fields)
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        return self._encoded("POST", form.action, kind, body)

    def _encoded(self, method: str, path: str, more: Mapping[str, str], body: str) -> str:
        headers = {"Host": self.host, **ACCEPT, **self._cookies(), **more}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", body])


def _unpacked(answer: http.client.HTTPResponse) -> bytes:
    body = answer.read()
    return gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body


def read_forms(html: str) -> Sequence[Form]:
    """All forms of a page."""
    reader = _FormReader()
    reader.feed(html)
    return reader.forms


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._fields: dict[str, str] = {}
        self._buttons: list[str] = []
        self._text: list[str] | None = None  # of the button we are in

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields, self._buttons = {}, []
            self.forms.append(Form(given.get("action", "")))
        elif tag == "button":
            self._text = []
        if tag in ("input", "textarea", "select") and "name" in given and _is_sent(given):
            self._fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._text is not None:
            self._buttons.append(" ".join("".join(self._text).split()))
            self._text = None
        elif tag == "form" and self.forms:
            self.forms[-1] = replace(self.forms[-1], fields=self._fields, buttons=tuple(self._buttons))


def _is_sent(given: Mapping[str, str]) -> bool:
    """A box or a radio button that is not ticked is not sent."""
    return given.get("type") not in ("checkbox", "radio") or "checked" in given
