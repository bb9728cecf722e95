"""What a browser sends: forms, query strings and cookies, read with suspicion.

Bottle's own access to a form field (`forms["x"]`) takes the bytes for Latin-1; `getunicode` decodes
UTF-8 but answers None where it cannot. A form over 100 KiB is refused by Bottle with an error of its
own, and a long field of a multipart form becomes a file. All of that is dealt with here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import bottle

from minisocial.errors import Invalid, Refused, TooLarge
from minisocial.ids import MAX_ID

SECRET = frozenset({"csrf", "password", "old_password", "new_password", "again"})  # never shown again
MAX_FIELD = 20_000  # characters; more is not kept for a second try
MAX_COOKIES = 8192  # characters of the whole header


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form. `broken` says what is wrong with those that cannot be used."""

    values: Mapping[str, str]
    broken: Mapping[str, str]

    def get(self, name: str) -> str:
        """A field, "" if it was not sent; `Invalid` if it has characters that cannot be stored."""
        if name in self.broken:
            raise Invalid(name, self.broken[name])
        return self.values.get(name, "")

    def secret(self, name: str) -> str:
        """A password: taken as it is."""
        return self.get(name)

    def word(self, name: str) -> str:
        """A field of one line, without the blanks around it."""
        return self.get(name).strip()

    def checked(self, name: str) -> bool:
        return bool(self.get(name))

    def number(self, name: str, least: int, most: int, default: int) -> int:
        """A whole number within limits; `Invalid` otherwise."""
        text = self.word(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise Invalid(name, f"Please give a whole number from {least} to {most}.")
        return int(text)

    def id(self, name: str) -> int | None:
        """An identifier, or None if the field is empty."""
        text = self.word(name)
        if not text:
            return None
        number = identifier(text)
        if number is None:
            raise Invalid(name, "This form does not fit any more. Please load the page again.")
        return number

    @property
    def kept(self) -> dict[str, str]:
        """What may be shown again in the form that failed."""
        return {name: value[:MAX_FIELD] for name, value in self.values.items() if name not in SECRET}


EMPTY = Form({}, {})


def read_form(request: Any) -> Form:
    """The form of a POST request."""
    try:
        fields, files = request.forms, request.files
    except bottle.HTTPError as error:
        if error.status_code == 413:
            raise TooLarge("This is far more than fits. Please send less.") from None
        raise Refused("This form came in broken. Please load the page again and send it once more.") from None
    except (ValueError, LookupError, OSError):  # LookupError: also a charset that nobody knows
        raise Refused("This form came in broken. Please load the page again and send it once more.") from None
    if files:
        raise TooLarge("This is far more than fits in a field. Please shorten it.")
    return _decoded(fields)


def _decoded(fields: Any) -> Form:
    values, broken = {}, {}
    for name in fields:
        text = fields.getunicode(name)
        if text is None:
            text = fields[name].encode("latin-1", "replace").decode("utf-8", "replace")
            broken[name] = "This text is damaged: some characters are not valid UTF-8. Please check it."
        if "\0" in text:
            text = text.replace("\0", "")
            broken[name] = "This text had a NUL character in it, which cannot be stored. We took it out; please check."
        values[name] = text
    return Form(values, broken)


def read_query(text: str) -> dict[str, str]:
    """The query string; the last of equal names counts."""
    if not text:
        return {}
    try:
        raw = text.encode("latin-1").decode("utf-8")
        return dict(parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=40))
    except ValueError:
        raise Refused("This address is damaged. Please check it, or begin at the home page.") from None


def read_cookies(header: str) -> dict[str, str]:
    """Cookies by name. Nonsense is passed over: one bad cookie must not hide the others."""
    cookies: dict[str, str] = {}
    for pair in header[:MAX_COOKIES].split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            cookies.setdefault(name.strip(), value.strip().strip('"'))
    return cookies


def identifier(text: str) -> int | None:
    """A number that can be an identifier, else None."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if 0 < number <= MAX_ID else None


def read_positions(cookie: str) -> dict[str, int]:
    """The positions a browser says it has seen, "0:123.1:456.directory:9"; what is damaged is left out."""
    seen: dict[str, int] = {}
    for item in cookie[:600].split(".")[:70]:
        shard, colon, position = item.partition(":")
        number = identifier(position) if colon and shard.isalnum() else None
        if number is not None:
            seen[shard[:20]] = number
    return seen


def write_positions(seen: Mapping[str, int]) -> str:
    """The same, as a cookie's value."""
    return ".".join(f"{shard}:{position}" for shard, position in seen.items())
