import pytest

import minisocial.background
from minisocial import picture
from minisocial.diagram import Canvas, draw, lay_out
from minisocial.picture import ARROWS, BOXES, LEGEND, PACKAGE
from tests.readme import README


def test_the_readme_has_exactly_this_diagram() -> None:
    assert f"```\n{draw()}\n```" in README.read_text("utf-8"), "run: python3 -m tests.readme"


def test_every_box_is_drawn_once_and_fits_a_page() -> None:
    lines = draw().split("\n")
    for box in BOXES:
        assert sum(f"│ {box.name.upper()} " in line for line in lines) == 1
    assert max(map(len, lines)) <= 104
    assert all(line == line.rstrip() for line in lines)


def test_every_arrow_has_its_head() -> None:
    assert sum(draw().count(head) for head in "▲►▼◄") == len({(arrow.end, arrow.enters) for arrow in ARROWS})


def test_every_line_is_whole() -> None:
    """From each character every direction it points in leads to one that points back, a head, or a box."""
    lines = draw().split("\n")[: lay_out()["queue"].top]  # above the legend
    grid = {(x, y): c for y, line in enumerate(lines) for x, c in enumerate(line)}
    across, upright = "─═┄━", "│║┊┃"
    for (x, y), character in grid.items():
        if character in across:
            assert all(grid.get((x + d, y), " ") != " " for d in (-1, 1)), (x, y)
        if character in upright and y + 1 < len(lines):
            assert all(grid.get((x, y + d), " ") != " " for d in (-1, 1)), (x, y)


def test_no_line_crosses_a_box_and_no_text_leaves_its_box() -> None:
    frames = lay_out()
    taken = [cell for frame in frames.values() for cell in frame.cells()]
    assert len(taken) == len(set(taken))
    for box in BOXES:
        assert max(len(line) for line in (box.name, *box.lines)) <= frames[box.name].width - 4
        assert len(box.lines) + 3 <= frames[box.name].height
    draw()  # the canvas refuses what would cover something


def test_the_canvas_refuses_to_cover_anything() -> None:
    canvas = Canvas()
    canvas.write(0, 0, "box")
    with pytest.raises(ValueError, match="crosses"):
        canvas.line("read", [(1, -1), (1, 0), (1, 1)])
    canvas.line("read", [(5, 0), (5, 1), (5, 2)])
    with pytest.raises(ValueError, match="crosses"):
        canvas.line("write", [(4, 1), (5, 1), (6, 1)])
    with pytest.raises(ValueError, match="covers"):
        canvas.write(4, 1, "text")


def test_arrows_join_boxes_that_are_there() -> None:
    names = [box.name for box in BOXES]
    assert len(names) == len(set(names))
    assert {end for arrow in ARROWS for end in (arrow.start, arrow.end)} == set(names)
    assert {arrow.kind for arrow in ARROWS} == set(LEGEND)
    assert picture.box("queue").folder == "background"


def test_captions_are_the_first_lines_of_docstrings() -> None:
    assert {box.folder for box in BOXES if box.folder} <= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert picture.box("people").caption == ""
    first_line = (minisocial.background.__doc__ or "").splitlines()[0]
    assert picture.box("mail").caption == picture.caption("background") == first_line
