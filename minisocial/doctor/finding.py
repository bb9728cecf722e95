"""One thing that was looked at: in order, worth knowing, or a fault with its remedy."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOST_NAMED = 3  # of many alike, so many are named and the rest is counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where all is well."""

    what: str
    remedy: str = ""
    is_note: bool = False  # no fault, but the host may want to know

    @property
    def is_well(self) -> bool:
        return not self.remedy

    def __str__(self) -> str:
        if self.is_well:
            return f"{'note' if self.is_note else 'ok':6}{self.what}"
        return f"FAULT {self.what}: {self.remedy}"


def note(what: str) -> Finding:
    """Something that is no fault and yet worth a line."""
    return Finding(what, is_note=True)


def shown(path: Path) -> str:
    """A path relative to where one is, if it lies there."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def listed(items: Iterable[object], count: int = 0) -> str:
    """The first few of many: "a, b, c and 7 more"; `count` says how many there are if `items` are not all."""
    texts = [str(item) for item in items]
    more = max(count, len(texts)) - MOST_NAMED
    if more <= 0:
        return ", ".join(texts)
    return f"{', '.join(texts[:MOST_NAMED])} and {more:,} more"


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 file", "3 files"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(bytes: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KiB", "MiB"):
        if bytes < 1024:
            return f"{bytes:.0f} {unit}"
        bytes /= 1024
    return f"{bytes:.1f} GiB"


def age(milliseconds: float) -> str:
    """How long something took or is ago, in its largest unit."""
    seconds = milliseconds / 1000
    for unit, long in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= long:
            return counted(int(seconds // long), unit)
    return counted(max(0, int(seconds)), "second")
