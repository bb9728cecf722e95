"""Templates, compiled once; frames, rendered once and filled often; numbers and times in words.

A page is put together from pieces that are already HTML. Where something differs from request to
request a piece has a *hole*: its name between two NUL characters, which no text of a person can hold,
since `escape` drops them.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bottle import SimpleTemplate

FOLDER = Path(__file__).parent / "templates"
CSRF = "\0csrf\0"  # filled last, once for the whole page


def escape(text: str) -> str:
    """Text as HTML, in an element or in a quoted attribute; never with a hole in it."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"), ("\0", "")):
        if char in text:
            text = text.replace(char, entity)
    return text


def hole(name: str) -> str:
    """A place in a frame to be filled later."""
    return f"\0{name}\0"


class Frame:
    """A piece of HTML with holes."""

    __slots__ = ("_holes", "_pieces")

    def __init__(self, html: str) -> None:
        self._pieces = html.split("\0")
        self._holes = [(place, name) for place, name in enumerate(self._pieces) if place % 2 and name != "csrf"]
        for place, name in enumerate(self._pieces):
            if place % 2 and name == "csrf":
                self._pieces[place] = CSRF

    def fill(self, values: Mapping[str, str]) -> str:
        """The HTML with each hole filled; the values are HTML already."""
        pieces = self._pieces.copy()
        for place, name in self._holes:
            pieces[place] = values[name]
        return "".join(pieces)


class Templates:
    """All files of the templates folder, compiled when it is made."""

    def __init__(self, folder: Path = FOLDER, **common: Any) -> None:
        """`common`: what every template may use."""
        self._common = {"hole": hole, "csrf": CSRF, "count": count, "quote": quote, "escape": escape, **common}
        self._compiled = {path.stem: _compile(path) for path in sorted(folder.glob("*.html"))}

    def offer(self, **common: Any) -> None:
        """More of what every template may use; before the first one is rendered."""
        self._common |= common

    def render(self, template: str, **values: Any) -> str:
        """The HTML of `<template>.html`; `{{ }}` in it is escaped."""
        html: str = self._compiled[template].render(self._common, values)
        return html

    def frame(self, template: str, **values: Any) -> Frame:
        return Frame(self.render(template, **values))


def _compile(path: Path) -> Any:
    template = SimpleTemplate(source=path.read_text("utf-8"), name=path.name, escape_func=escape)
    _ = template.co  # compiles now, so that a mistake shows at start and no request pays for it
    return template


def count(number: int, one: str, many: str = "") -> str:
    """ "1 post", "2 posts", "1,204 posts"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ago(then: int, now: int) -> str:
    """How long ago, in two or three letters; both in milliseconds since 1970."""
    seconds = (now - then) // 1000
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h"
    if seconds < 7 * 86400:
        return f"{seconds // 86400} d"
    return day(then)


def day(then: int) -> str:
    """ "12 May 2026", in UTC."""
    moment = time.gmtime(then // 1000)
    return f"{moment.tm_mday} {_MONTHS[moment.tm_mon - 1]} {moment.tm_year}"


def iso(then: int) -> str:
    """A moment as machines read it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then // 1000))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
