"""A bar where somebody looks, a few lines where a file does."""

import io

import pytest

from minisocial.cli.progress import Progress
from minisocial.cli.stopping import Stopped


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_one_line_for_each_part_of_the_job():
    stream = io.StringIO()
    progress = Progress(stream=stream)
    for done in range(1001):
        progress("people", done, 1000)
    for done in range(51):
        progress("posts", done, 50)
    assert stream.getvalue() == "people ...\nposts ...\n"


def test_a_terminal_sees_the_share_grow_and_a_full_bar_at_the_end():
    stream, now = Terminal(), iter(range(100))
    progress = Progress(stream=stream, clock=lambda: next(now))
    for done in (0, 1, 2):
        progress("people", done, 2)
    pictures = stream.getvalue().split("\r\033[K")[1:]
    assert [picture.split()[-1] for picture in pictures] == ["0%", "50%", "100%"]
    assert pictures[-1].count("█") == 32 and pictures[-1].endswith("\n")


def test_a_terminal_is_not_flooded():
    stream = Terminal()
    progress = Progress(stream=stream, clock=lambda: 0.0)
    for done in range(1, 10_000):
        progress("people", done, 10_000)
    assert stream.getvalue().count("\r") == 1


def test_a_job_of_nothing_is_done():
    stream = Terminal()
    Progress(stream=stream)("posts", 0, 0)
    assert stream.getvalue().endswith("100%\n")


def test_the_job_can_be_broken_off():
    def check() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        Progress(check, io.StringIO())("people", 1, 2)
