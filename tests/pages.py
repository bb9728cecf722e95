"""A page as a person sees it: its text, its links, its forms; read with the standard library's parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
CLOSED_BY_A_SIBLING = {"p", "li", "dt", "dd", "option", "tr", "td", "th"}
INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "time", "u"}
UNSEEN = {"script", "style", "template", "head"}


@dataclass(eq=False)
class Element:
    """One element of a page with what lies in it: other elements and pieces of text."""

    tag: str
    attrs: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What can be read in it, on one line."""
        return " ".join("".join(self._pieces()).split())

    @property
    def raw_text(self) -> str:
        """Its text as it was written, line breaks and all."""
        return "".join(self._pieces())

    @property
    def classes(self) -> list[str]:
        return self.attrs.get("class", "").split()

    def all(self, tag: str = "", cls: str = "", **attrs: str) -> list[Element]:
        """The elements below with this tag, this class and these attributes, in order."""
        return [e for e in self.walk() if e._is(tag, cls, attrs)]

    def one(self, tag: str = "", cls: str = "", **attrs: str) -> Element:
        """The first of `all`; it must be there."""
        found = self.all(tag, cls, **attrs)
        assert found, f"no <{tag or '*'}> with class {cls!r} and {attrs} in: {self.text[:500]}"
        return found[0]

    def walk(self) -> Iterator[Element]:
        """All elements below, in order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def _is(self, tag: str, cls: str, attrs: dict[str, str]) -> bool:
        fits = (not tag or self.tag == tag) and (not cls or cls in self.classes)
        return fits and all(self.attrs.get(name) == value for name, value in attrs.items())

    def _pieces(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in UNSEEN:
                gap = "" if child.tag in INLINE else " "
                yield gap
                yield from child._pieces()
                yield gap


class Reader(HTMLParser):
    """Builds the tree of a page; forgiving about tags that close themselves."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#page", {})
        self._open = self.root
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in CLOSED_BY_A_SIBLING and self._open.tag == tag:
            self.handle_endtag(tag)
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        element: Element | None = self._open
        while element is not None and element.tag != tag:
            element = element.parent
        if element is not None and element.parent is not None:
            self._open = element.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)


@dataclass(frozen=True)
class Form:
    """A form of a page and the values it would send now."""

    element: Element

    @property
    def method(self) -> str:
        return self.element.attrs.get("method", "get").upper()

    @property
    def action(self) -> str:
        return self.element.attrs.get("action", "")

    @property
    def buttons(self) -> list[Element]:
        found = [e for e in self.element.walk() if e.tag == "button" or e.attrs.get("type") == "submit"]
        return [e for e in found if e.attrs.get("type", "submit") == "submit"]

    @property
    def names(self) -> set[str]:
        """The names of everything that can be filled in."""
        controls = self.element.all("input") + self.element.all("textarea") + self.element.all("select")
        return {control.attrs["name"] for control in controls if "name" in control.attrs}

    @property
    def values(self) -> dict[str, str]:
        """What it sends if nobody touches it; a box that is not ticked sends nothing."""
        values: dict[str, str] = {}
        for control in self.element.walk():
            name = control.attrs.get("name", "")
            value = _value(control)
            if name and value is not None and "disabled" not in control.attrs:
                values[name] = value
        return values

    def fill(self, fields: dict[str, str | int | bool]) -> dict[str, str]:
        """Its values with these in their place; True and False tick a box or not."""
        strange = fields.keys() - self.names
        assert not strange, f"nobody can fill in {sorted(strange)}; this form has {sorted(self.names)}"
        values = self.values
        for name, value in fields.items():
            if value is False:
                values.pop(name, None)
            else:
                values[name] = self._ticked(name) if value is True else str(value)
        return values

    def _ticked(self, name: str) -> str:
        return self.element.one("input", name=name).attrs.get("value", "on")


def label(button: Element) -> str:
    """What a button says, to the eye or to a screen reader."""
    return button.attrs.get("aria-label") or button.text or button.attrs.get("value", "")


def _value(control: Element) -> str | None:
    if control.tag == "textarea":
        return control.raw_text.removeprefix("\n")
    if control.tag == "select":
        options = control.all("option")
        chosen = [o for o in options if "selected" in o.attrs] or options[:1]
        return chosen[0].attrs.get("value", chosen[0].text) if chosen else None
    kind = control.attrs.get("type", "text")
    if control.tag != "input" or kind in ("submit", "button", "file", "image", "reset"):
        return None
    if kind in ("checkbox", "radio"):
        return control.attrs.get("value", "on") if "checked" in control.attrs else None
    return control.attrs.get("value", "")
