"""Draws the picture as text, for the README: boxes on a grid, arrows in the gaps between them.

`python3 -m minisocial.diagram` prints it.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from minisocial.picture import ARROWS, BOXES, LEGEND, Arrow, Box, Kind, Side, box

GAP = 3  # columns between two boxes: room for a line and its head
LANE = 3  # lines between two rows: room for a head, a turn and a tail

Point = tuple[int, int]
UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
STEPS: dict[Point, int] = {(0, -1): UP, (1, 0): RIGHT, (0, 1): DOWN, (-1, 0): LEFT}
OPPOSITE = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}
HEADS = {UP: "▲", RIGHT: "►", DOWN: "▼", LEFT: "◄"}

# For each kind the character of every set of directions in which a line leaves a cell: 3 is up and right.
_SHAPES = [3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15]
_LINES: dict[Kind, dict[int, str]] = {
    "read": dict(zip(_SHAPES, "└│┌├┘─┴┐┤┬┼", strict=True)),
    "write": dict(zip(_SHAPES, "╚║╔╠╝═╩╗╣╦╬", strict=True)),
    "log": dict(zip(_SHAPES, "╰┊╭├╯┄┴╮┤┬┼", strict=True)),
    "task": dict(zip(_SHAPES, "┗┃┏┣┛━┻┓┫┳╋", strict=True)),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of a box, in characters; left and top are its first column and line."""

    left: int
    top: int
    width: int
    height: int

    def port(self, side: Side) -> Point:
        """The cell just outside, where an arrow leaves or enters; sideways it is level with the name."""
        middle = self.left + self.width // 2
        return {
            "left": (self.left - 1, self.top + 1),
            "right": (self.left + self.width, self.top + 1),
            "top": (middle, self.top - 1),
            "bottom": (middle, self.top + self.height),
        }[side]

    def cells(self) -> Iterator[Point]:
        for y in range(self.top, self.top + self.height):
            for x in range(self.left, self.left + self.width):
                yield x, y


class Canvas:
    """Characters by their place. What is written twice at one place is an error: nothing covers anything."""

    def __init__(self) -> None:
        self._characters: dict[Point, str] = {}
        self._lines: dict[Point, tuple[Kind, int]] = {}  # the directions in which lines leave a cell

    def write(self, x: int, y: int, text: str) -> None:
        for place, character in enumerate(text, x):
            if (place, y) in self._characters or (place, y) in self._lines:
                raise ValueError(f"{text!r} covers something at column {place}, line {y}")
            self._characters[place, y] = character

    def line(self, kind: Kind, path: list[Point]) -> None:
        """A line through these neighbouring cells, with a head on the last one. It may join lines of its kind."""
        for (x, y), (to_x, to_y) in pairwise(path):
            step = STEPS[to_x - x, to_y - y]
            self._leave((x, y), kind, step)
            self._leave((to_x, to_y), kind, OPPOSITE[step])

    def head(self, at: Point, direction: int) -> None:
        self._lines.pop(at, None)
        self._characters[at] = HEADS[direction]

    def text(self) -> str:
        places = [*self._characters, *self._lines]
        width, height = (max(axis) + 1 for axis in zip(*places, strict=True))
        return "\n".join("".join(self._at((x, y)) for x in range(width)).rstrip() for y in range(height))

    def _leave(self, at: Point, kind: Kind, direction: int) -> None:
        known, directions = self._lines.get(at, (kind, 0))
        if at in self._characters or known != kind:
            raise ValueError(f"a line of kind {kind} crosses something at {at}")
        self._lines[at] = kind, directions | direction

    def _at(self, at: Point) -> str:
        if at not in self._lines:
            return self._characters.get(at, " ")
        kind, directions = self._lines[at]
        straight = 5 if directions in (UP, DOWN) else 10 if directions in (LEFT, RIGHT) else directions
        return _LINES[kind][straight]


def draw() -> str:
    """The whole picture, without a line break at its end."""
    frames = lay_out()
    canvas = Canvas()
    for each in BOXES:
        _draw_box(canvas, each, frames[each.name])
    paths = [(arrow, _path(arrow, frames)) for arrow in ARROWS]
    for arrow, path in paths:
        canvas.line(arrow.kind, path)
    for arrow, path in paths:
        _draw_head_and_label(canvas, arrow, path)
    for line, (kind, meaning) in enumerate(LEGEND.items(), frames["queue"].top):
        canvas.write(0, line, f"{_LINES[kind][10] * 3} {meaning}")
    return canvas.text()


def lay_out() -> dict[str, Frame]:
    """Where each box lies: columns as wide as their longest line, rows as high as their tallest box."""
    widths = [max(_width(b) for b in BOXES if b.column == c) for c in range(max(b.column for b in BOXES) + 1)]
    heights = [max(len(b.lines) + 3 for b in BOXES if b.row == r) for r in range(max(b.row for b in BOXES) + 1)]
    return {
        b.name: Frame(
            left=sum(widths[: b.column]) + GAP * b.column,
            top=sum(heights[: b.row]) + LANE * b.row,
            width=widths[b.column],
            height=heights[b.row],
        )
        for b in BOXES
    }


def _width(box: Box) -> int:
    return max(len(line) for line in (box.name, *box.lines)) + 4


def _draw_box(canvas: Canvas, box: Box, frame: Frame) -> None:
    inside = frame.width - 2
    lines = [box.name.upper(), *box.lines]
    lines += [""] * (frame.height - 2 - len(lines))
    canvas.write(frame.left, frame.top, "┌" + "─" * inside + "┐")
    for y, line in enumerate(lines, frame.top + 1):
        canvas.write(frame.left, y, f"│ {line:<{inside - 1}}│")
    canvas.write(frame.left, frame.top + frame.height - 1, "└" + "─" * inside + "┘")


def _path(arrow: Arrow, frames: dict[str, Frame]) -> list[Point]:
    """All cells of an arrow: straight on, around one corner, or over the middle of a lane."""
    start = frames[box(arrow.start).name].port(arrow.leaves)
    end = frames[box(arrow.end).name].port(arrow.enters)
    upright = ("top", "bottom")
    corners = [start, end]
    if arrow.leaves in upright and arrow.enters in upright:
        lane = start[1] + (end[1] - start[1]) // 2
        corners = [start, (start[0], lane), (end[0], lane), end]
    elif arrow.leaves in upright:
        corners = [start, (start[0], end[1]), end]
    return [start, *(cell for here, there in pairwise(corners) for cell in _between(here, there))]


def _between(here: Point, there: Point) -> Iterator[Point]:
    """The cells after `here` up to `there`, which lie in one line or one column."""
    (x, y), (to_x, to_y) = here, there
    dx, dy = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
    while (x, y) != there:
        x, y = x + dx, y + dy
        yield x, y


def _draw_head_and_label(canvas: Canvas, arrow: Arrow, path: list[Point]) -> None:
    (x, y), (end_x, end_y) = path[-2:]
    canvas.head(path[-1], STEPS[end_x - x, end_y - y])
    if arrow.label:
        middle_x, middle_y = path[len(path) // 2]
        canvas.write(middle_x + 2, middle_y, arrow.label)


if __name__ == "__main__":
    sys.stdout.write(draw() + "\n")
