"""Text that people typed, made fit for the headers and the body of a letter."""

import unicodedata
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy

ENCODED_WORD = "=?"
DIRECTIONS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # bidi controls


def one_line(text: str, limit: int) -> str:
    """One line, without control characters and without those that turn the direction of reading.

    "=?" is torn apart: it begins an encoded word, which Python's `email` decodes also when a person
    typed it, and writes out again with the line breaks that were encoded in it.
    """
    line = " ".join(clean(text).translate(DIRECTIONS).split())
    return line.replace(ENCODED_WORD, "= ?")[:limit].strip()


def clean(text: str) -> str:
    """Text without control characters, but for line ends and tabs, and without halves of characters."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").encode(errors="replace").decode()
    return "".join(sign for sign in whole if sign in "\n\t" or unicodedata.category(sign) != "Cc")


class VerbatimHeader(UnstructuredHeader, BaseHeader):
    """A header for machines, on one line: Python would break a long one up into encoded words."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def letter_policy(utf8: bool = False) -> "EmailPolicy[EmailMessage]":
    """How letters are written: as SMTP wants it, identifiers and links left whole; `utf8`: as RFC 6532 allows."""
    registry = HeaderRegistry()
    for name in ("message-id", "in-reply-to", "references", "list-unsubscribe"):
        registry.map_to_type(name, VerbatimHeader)
    return SMTP.clone(header_factory=registry, utf8=utf8)
