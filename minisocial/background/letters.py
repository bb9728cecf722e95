"""The letters folder: what lies there instead of being sent, while no mail server is set."""

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

READ_LIMIT = 256 << 10  # bytes of a file looked at
TEXT_LIMIT = 20_000  # characters shown
HEADER_LIMIT = 300
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OSError)  # what `email` raises on garbage


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter as a person would read it."""

    name: str  # of its file, without the folder
    to: str
    subject: str
    date: str
    text: str


class Letters:
    """A folder with one file per letter; a letter put twice is there once.

    A file appears whole or not at all: it is written under another name, synced, and renamed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Stores a letter, durably, unless it is there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / f"{name}.eml"
        if file.exists():
            return
        partial = self._folder / f".{name}.{os.getpid()}.part"
        with open(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
        _sync(self._folder)

    def newest(self, limit: int = 50) -> list[StoredLetter]:
        """The letters stored last, newest first; files that are no letters are left out."""
        newest = heapq.nlargest(limit, self._files())
        return [letter for _, name in newest if (letter := self._read(name)) is not None]

    def remove_older(self, than_ms: int, limit: int) -> int:
        """Removes letters stored before this moment, the oldest first, so many at most; how many went."""
        oldest = heapq.nsmallest(limit, self._files())
        old = [name for at, name in oldest if at < than_ms * 1_000_000]
        for name in old:
            (self._folder / name).unlink(missing_ok=True)
        return len(old)

    def _files(self) -> Iterator[tuple[int, str]]:
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".eml") and entry.is_file(follow_symlinks=False):
                        yield entry.stat(follow_symlinks=False).st_mtime_ns, entry.name
        except FileNotFoundError:
            return

    def _read(self, name: str) -> StoredLetter | None:
        try:
            with open(self._folder / name, "rb") as file:
                message = message_from_bytes(file.read(READ_LIMIT), policy=policy.default)
            assert isinstance(message, EmailMessage)
            to, subject, date = (_header(message, key) for key in ("To", "Subject", "Date"))
            return StoredLetter(name, to, subject, date, _text(message))
        except UNREADABLE:
            return None


def _header(message: EmailMessage, key: str) -> str:
    return str(message.get(key, ""))[:HEADER_LIMIT]


def _text(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain",))
    return str(part.get_content())[:TEXT_LIMIT] if part is not None else ""


def _sync(folder: Path) -> None:
    """Makes a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
