"""Escaping, frames, and numbers and times in words."""

import pytest

from minisocial.web.html import Frame, ago, count, day, escape, hole, iso

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def test_a_frame_is_filled_at_its_holes() -> None:
    frame = Frame(f"<p>{hole('a')} and {hole('b')}, {hole('a')}</p>")
    assert frame.fill({"a": "1", "b": "2"}) == "<p>1 and 2, 1</p>"


def test_the_token_is_left_for_the_end() -> None:
    assert Frame(f"<form>{hole('csrf')}{hole('a')}</form>").fill({"a": "x"}) == "<form>\0csrf\0x</form>"


def test_escaping_leaves_no_hole() -> None:
    assert escape("<a href='x'>&\"\0csrf\0") == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;csrf"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (-5000, "now"),
        (59_000, "now"),
        (MINUTE, "1 min"),
        (59 * MINUTE, "59 min"),
        (HOUR, "1 h"),
        (DAY, "1 d"),
        (6 * DAY, "6 d"),
    ],
)
def test_ages_in_words(age: int, words: str) -> None:
    assert ago(1_800_000_000_000 - age, 1_800_000_000_000) == words


def test_after_a_week_it_is_a_date() -> None:
    assert ago(1_800_000_000_000 - 8 * DAY, 1_800_000_000_000) == "7 Jan 2027"
    assert day(0) == "1 Jan 1970"
    assert iso(1_800_000_000_000) == "2027-01-15T08:00:00Z"


def test_numbers_in_words() -> None:
    assert [count(n, "reply", "replies") for n in (0, 1, 1204)] == ["0 replies", "1 reply", "1,204 replies"]
    assert count(2, "post") == "2 posts"
