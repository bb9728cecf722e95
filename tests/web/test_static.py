"""The style sheet keeps its promises: enough contrast, and a colour for every person."""

import re

import pytest

from minisocial.web import STATIC

CSS = (STATIC / "minisocial.css").read_text("utf-8")
TOKENS = dict(re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", CSS))
PAIRS = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink-soft", "paper"),
    ("ink-soft", "card"),
    ("accent", "paper"),
    ("accent", "card"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-deep"),
    ("accent-deep", "accent-wash"),
    ("ink-soft", "accent-wash"),
    ("bad", "bad-wash"),
    ("bad", "card"),
    ("good", "card"),
    ("ink", "good-wash"),
]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("ink", "ground"), PAIRS)
@pytest.mark.parametrize("scheme", [0, 1])
def test_text_can_be_read(ink: str, ground: str, scheme: int) -> None:
    assert contrast(TOKENS[ink].split(", ")[scheme], TOKENS[ground].split(", ")[scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1])
def test_fields_can_be_seen(scheme: int) -> None:
    assert contrast(TOKENS["edge"].split(", ")[scheme], TOKENS["paper"].split(", ")[scheme]) >= 3


def test_every_person_has_a_colour_that_white_can_be_read_on() -> None:
    hues = re.findall(r"\.hue-(\d+)\{--from:(#\w+);--to:(#\w+)\}", CSS)
    assert [int(number) for number, *_ in hues] == list(range(24))
    assert all(contrast("#ffffff", colour) >= 4.5 for _, *colours in hues for colour in colours)


def test_older_browsers_get_the_same_colours() -> None:
    older = CSS[CSS.index("@supports not") : CSS.index("/* --- the page")]
    for name, both in TOKENS.items():
        for colour in both.split(", "):
            assert f"--{name}: {colour};" in older


def test_no_file_names_another_host() -> None:
    for file in STATIC.iterdir():
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.sub(r"//\s.*", "", file.read_text("utf-8")))
        assert [url for url in found if url != "http://www.w3.org"] == []
