"""The picture: every box and every arrow, listed once.

The README's diagram is drawn from this list, the console goes through it box by box, and a test
checks that each box has its folder, its caption and its numbers.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["read", "write", "log", "task"]
Side = Literal["left", "right", "top", "bottom"]


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it stands in the picture, what it says, and where its code and numbers are."""

    name: str
    folder: str  # of `minisocial/`; "" for what is not ours
    shows: tuple[str, ...]  # the attributes of a system's snapshot with its numbers
    column: int
    row: int
    lines: tuple[str, ...]  # what it says below its name

    @property
    def caption(self) -> str:
        """What its folder is for, in one line."""
        return caption(self.folder) if self.folder else ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """What flows from one box to another, and the sides it leaves and enters by."""

    start: str
    end: str
    kind: Kind
    leaves: Side = "right"
    enters: Side = "left"
    label: str = ""  # written beside an arrow that goes up or down


BOXES = (
    Box("people", "", (), 0, 0, ("browsers", "programs")),
    Box("proxy", "proxy", ("proxy",), 1, 0, ("front door", "page cache", "collapsing")),
    Box("balancer", "balancer", ("balancer",), 2, 0, ("policies", "health", "2 services")),
    Box("read nodes", "nodes", ("nodes", "local_caches"), 3, 0, ("web, social", "local cache")),
    Box("write nodes", "nodes", ("nodes", "local_caches"), 3, 1, ("web, social", "local cache")),
    Box("global cache", "cache", ("global_cache",), 4, 0, ("leases", "floors")),
    Box("replicas", "database", ("database",), 5, 0, ("two a shard", "read only")),
    Box("primaries", "database", ("database",), 5, 1, ("one a shard", "log, outbox")),
    Box("queue", "background", ("outbox", "queue"), 5, 2, ("in order", "bounded")),
    Box("workers", "background", ("workers", "jobs"), 4, 2, ("feeds", "notifications")),
    Box("mail", "background", ("mail",), 3, 2, ("SMTP or", "a folder")),
)

ARROWS = (
    Arrow("people", "proxy", "read"),
    Arrow("proxy", "balancer", "read"),
    Arrow("balancer", "read nodes", "read"),
    Arrow("read nodes", "global cache", "read"),
    Arrow("global cache", "replicas", "read"),
    Arrow("balancer", "write nodes", "write", "bottom"),
    Arrow("write nodes", "primaries", "write"),
    Arrow("workers", "primaries", "write", "top"),
    Arrow("primaries", "replicas", "log", "top", "bottom", "log"),
    Arrow("primaries", "global cache", "log", "top", "bottom"),
    Arrow("primaries", "queue", "task", "bottom", "top", "outbox"),
    Arrow("queue", "workers", "task", "left", "right"),
    Arrow("workers", "mail", "task", "left", "right"),
)

LEGEND: dict[Kind, str] = {
    "read": "requests and reads",
    "write": "writes",
    "log": "the log: copies, caches",
    "task": "after the answer",
}

PACKAGE = Path(__file__).parent


def caption(name: str) -> str:
    """What a folder or module of `minisocial` is for: the first line of its docstring."""
    folder = PACKAGE / name
    source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").partition("\n")[0]


def box(name: str) -> Box:
    """The box of that name."""
    return next(box for box in BOXES if box.name == name)
