"""What people type: cleaned on the way in, cut into mentions, tags and links on the way out."""

import re
import unicodedata
from collections.abc import Collection, Iterator

from minisocial.errors import Invalid

POST_LENGTH = 500
MAX_MENTIONS = 10
MAX_TAGS = 10

# marks that turn the direction of the text around them, with which a name can pretend to be another
_DIRECTION = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])

# kinds of characters that show nothing by themselves, and the letters that are blank
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"})
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")

_PART = re.compile(
    r"(?P<link>https?://[^\s<>\"']{1,400}[^\s<>\"'.,;:!?)\]])"
    r"|(?<![\w@/])@(?P<mention>[A-Za-z0-9_]{1,30})(?![\w@])"
    r"|(?<![\w#/&])#(?P<tag>\w{1,50})"
)

Part = tuple[str, str]  # ("text" | "mention" | "tag" | "link", what stands there, without @ and #)


def clean(field: str, text: str, limit: int, *, lines: bool = False, empty: str = "") -> str:
    """A person's text in normal form, or `Invalid` with the reason.

    `lines`: line breaks may stay. `empty`: what to say when nothing is left; "" allows nothing. What
    nobody could see is nothing.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if any(unicodedata.category(char) in ("Cc", "Cs") and not (lines and char in "\n\t") for char in text):
        raise Invalid(field, "This text has characters in it that cannot be shown. Please type it again.")
    if not lines:
        text = text.translate(_DIRECTION).strip()
    if not any(map(_is_seen, text)):
        text = ""
    if len(text) > limit:
        over = len(text) - limit
        raise Invalid(field, f"This is {over} character{'s' if over > 1 else ''} too long; {limit} fit.")
    if empty and not text:
        raise Invalid(field, empty)
    return text


def one_line(text: str) -> str:
    """A text on one line, without marks that turn the direction of the text around it."""
    return " ".join(text.translate(_DIRECTION).split())


def _is_seen(char: str) -> bool:
    return unicodedata.category(char) not in _UNSEEN and char not in _BLANKS


def mentioned(text: str) -> list[str]:
    """The usernames a text mentions, in lower case, each once, at most ten."""
    return _distinct((name for kind, name in _parts(text) if kind == "mention"), MAX_MENTIONS)


def tags(text: str) -> list[str]:
    """The tags of a text, in lower case, each once, at most ten."""
    return _distinct((tag for kind, tag in _parts(text) if kind == "tag"), MAX_TAGS)


def _distinct(words: Iterator[str], limit: int) -> list[str]:
    return list(dict.fromkeys(word.lower() for word in words))[:limit]


def parts(text: str, names: Collection[str]) -> list[Part]:
    """A text cut into its parts; only mentions of `names` (lower case), which exist, become one."""
    return [
        (kind, value) if kind != "mention" or value.lower() in names else ("text", f"@{value}")
        for kind, value in _parts(text)
    ]


def _parts(text: str) -> Iterator[Part]:
    end = 0
    for match in _PART.finditer(text):
        kind = match.lastgroup
        if not kind or (kind == "tag" and match["tag"].isdecimal()):  # "#1" is a number, not a tag
            continue
        if match.start() > end:
            yield "text", text[end : match.start()]
        yield kind, match[kind]
        end = match.end()
    if end < len(text):
        yield "text", text[end:]
