"""A browser without a window, for scenarios: it follows links, fills in forms and keeps cookies.

    ada = Client(system.url)
    ada.get("/login")
    ada.submit("Log in", username="ada", password="minisocial")
    ada.get("/@grace").submit("Add friend")
    assert "Request sent" in ada.page.text

It plays by a browser's rules: it sends what the form holds, hidden fields included, with the
`Origin` of the page, and follows a redirect with a GET. A button that is not there, or a field that
nobody could fill in, fails the test. A refusal (4xx, 5xx) does not: look at `page.status`. What no
browser would send goes out through `post` and `request`.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from tests.pages import Element, Form, Reader, label

MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Page:
    """One answer: `status`, `headers` (lower-case names), `url` (path and query) and the `body`."""

    url: str
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> str:
        """The answer as it came, as text."""
        return self.raw.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """What can be read on the page, on one line, without its mark-up."""
        return self.root.text

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")

    @cached_property
    def root(self) -> Element:
        """The page's elements: `page.root.all("article", cls="h-entry")`."""
        return Reader(self.body).root

    def all(self, tag: str = "", cls: str = "", **attrs: str) -> list[Element]:
        """The elements with this tag, this class and these attributes."""
        return self.root.all(tag, cls, **attrs)

    def links(self, rel: str = "", text: str = "") -> list[str]:
        """Where the links lead; those with this `rel` (`next`, `prev` …) or this text."""
        links = [e for e in self.root.walk() if e.tag in ("a", "link") and "href" in e.attrs]
        fits = [e for e in links if not rel or rel in e.attrs.get("rel", "").split()]
        return [e.attrs["href"] for e in fits if not text or e.text == text]

    @property
    def buttons(self) -> list[str]:
        """What the buttons of all forms say."""
        return [label(button) for form in self.forms for button in form.buttons]

    @property
    def forms(self) -> list[Form]:
        return [Form(element) for element in self.root.all("form")]

    def form(self, button: str, near: str = "") -> tuple[Form, Element]:
        """The first form with this button, and the button.

        `near`: a piece of text beside it, for pages with a button for each post or person; the
        form lies in the innermost article, list item, row or section with that text.
        """
        for form in self.forms:
            for element in form.buttons:
                if label(element) == button and near in _surroundings(form.element):
                    return form, element
        raise AssertionError(f"{self.url} ({self.status}) has no button {button!r} near {near!r}, only {self.buttons}")


def _surroundings(form: Element) -> str:
    place: Element | None = form
    while place is not None and place.tag not in ("article", "li", "tr", "section", "main", "#page"):
        place = place.parent
    return place.text if place is not None else ""


class Client:
    """One person's browser at one address. Not for two threads at once."""

    def __init__(self, url: str, *, timeout: float = 10, headers: dict[str, str] | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None, url
        self.host, self.port = parts.hostname, parts.port or 80
        self.origin = f"http://{parts.netloc}"
        self.cookies: dict[str, str] = {}
        self.headers = headers or {}  # sent with every request
        self.timeout = timeout
        self.page = Page("", 0, {}, b"")
        self.answers: list[Page] = []  # to the last press or click: redirects, and last the page

    def get(self, path: str, **headers: str) -> Client:
        """Open a page; a header is written `accept="…"`, `if_none_match="…"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._follow("GET", path, None, named)

    def click(self, text: str = "", *, rel: str = "") -> Client:
        """Follow the first link with this text or this `rel`."""
        links = self.page.links(rel, text)
        assert links, f"{self.page.url} has no link {text!r} with rel {rel!r}"
        return self.get(links[0])

    def submit(self, form_with_button: str, near: str = "", /, **fields: str | int | bool) -> Client:
        """Fill in the form with this button and press it: `submit("Post", text="Hello")`.

        With `near` the button beside that text: `submit("Like", "Hello from Alan")`.
        """
        form, button = self.page.form(form_with_button, near)
        values = form.fill(fields)
        if "name" in button.attrs:
            values[button.attrs["name"]] = button.attrs.get("value", "")
        action = button.attrs.get("formaction") or form.action or self.page.url
        if form.method == "GET":
            return self.get(action.partition("?")[0] + "?" + urlencode(values))
        return self.post(action, values)

    def post(self, path: str, fields: dict[str, str] | bytes, **headers: str) -> Client:
        """Send a form that no page showed, for what a browser would not do."""
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        fixed = {"content-type": "application/x-www-form-urlencoded", "origin": self.origin}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._follow("POST", path, body, {**fixed, **named})

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Page:
        """One bare request with the cookies kept so far; no redirect is followed, `page` stays."""
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            page = Page(path, answer.status, _headers(answer), answer.read())
        finally:
            connection.close()
        self._keep(answer.headers.get_all("set-cookie") or [])
        return page

    def _follow(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Client:
        path, self.answers = self._path(path), []
        for _ in range(MAX_REDIRECTS):
            self.page = self.request(method, path, body, headers)
            self.answers.append(self.page)
            location = self.page.headers.get("location")
            if self.page.status not in (301, 302, 303, 307, 308) or location is None:
                return self
            path = self._path(location)
            if self.page.status < 307:
                method, body, headers = "GET", None, {}
        raise AssertionError(f"more than {MAX_REDIRECTS} redirects, the last to {path}")

    def _path(self, link: str) -> str:
        """The path and query of a link on the current page; another host fails the test."""
        target = urlsplit(urljoin(self.origin + (self.page.url or "/"), link))
        assert f"{target.scheme}://{target.netloc}" == self.origin, f"{link} leads away from {self.origin}"
        return (target.path or "/") + (f"?{target.query}" if target.query else "")

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"] or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.coded_value


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    """The headers in lower case; those that came twice joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in answer.getheaders():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined
