"""Turns the boxes' snapshots into tables, whatever fields they have: a new counter appears by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from minisocial.console.status import SystemSnapshot
from minisocial.picture import BOXES, caption

Row = Mapping[str, Any]
TERM_SHIFT = 40  # a position is term << 40 | n, and is shown as term:n


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class Section:
    """A folder of the picture with the tables of its boxes."""

    title: str
    caption: str
    tables: list[Table]


def sections(snapshot: SystemSnapshot) -> list[Section]:
    """Every box with its numbers, in the picture's order; the backups, and the process they all live in."""
    boxes = [Section(folder, caption(folder), list(_of_all(snapshot, shows))) for folder, shows in _shown().items()]
    upkeep = [*_of_all(snapshot, ["switches"]), *_tables("backups", [asdict(snapshot.backups)])]
    return [
        *boxes,
        Section("upkeep", caption("upkeep"), upkeep),
        Section("process", caption("process"), list(_tables("process", [asdict(snapshot.process)]))),
    ]


def _shown() -> dict[str, list[str]]:
    """For each folder the attributes of the snapshot with its numbers, each named once."""
    shown: dict[str, list[str]] = {}
    for box in BOXES:
        if box.folder:
            shown.setdefault(box.folder, []).extend(box.shows)
    return {folder: list(dict.fromkeys(names)) for folder, names in shown.items()}


def _of_all(snapshot: SystemSnapshot, names: Sequence[str]) -> Iterator[Table]:
    for name in names:
        value = getattr(snapshot, name)
        rows = [asdict(item) for item in value] if isinstance(value, tuple) else [asdict(value)]
        yield from _tables(name.replace("_", " "), rows)


def _tables(title: str, rows: Sequence[Row]) -> Iterator[Table]:
    """One table of the plain values; then one for each list within, its rows led by the name of where they lie."""
    if not rows:
        return
    nested = [key for key in rows[0] if any(_has_rows(row[key]) for row in rows)]
    plain = [key for key in rows[0] if key not in nested]
    if plain and plain != ["name"]:
        yield Table(title, [_heading(key) for key in plain], [[_cell(key, row[key]) for key in plain] for row in rows])
    for key in nested:
        inner = [_named(title, row, item) for row in rows for item in row[key]]
        yield from _tables(key.replace("_", " "), inner)


def _has_rows(value: object) -> bool:
    """Whether it is a list of rows; a list of plain values is shown as one value."""
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], Mapping)


def _named(title: str, row: Row, item: Row) -> Row:
    return {title.removesuffix("s"): row["name"], **item} if "name" in row else item


def _heading(key: str) -> str:
    return "memory" if key == "rss_bytes" else key.removesuffix("_bytes").replace("_", " ")


def _cell(key: str, value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell("yes" if value else "no", False)
    if value is None:
        return Cell("–", False)
    if isinstance(value, (int, float)):
        return Cell(_number(key, value), True)
    if isinstance(value, (list, tuple)):
        return Cell(", ".join(map(str, value)) or "–", False)
    if isinstance(value, Mapping):
        return Cell(", ".join(f"{name} {number}" for name, number in value.items()) or "–", False)
    return Cell(str(value), False)


def _number(key: str, value: float) -> str:
    if key == "at" or key.endswith("_at"):
        return datetime.fromtimestamp(value / 1000).strftime("%Y-%m-%d %H:%M:%S") if value else "–"
    if key == "position":
        return f"{int(value) >> TERM_SHIFT}:{int(value) & (1 << TERM_SHIFT) - 1:,}"
    if key.endswith("bytes"):
        return f"{value / (1 << 20):,.1f} MiB" if value >= 1 << 20 else f"{value / 1024:,.1f} KiB"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
