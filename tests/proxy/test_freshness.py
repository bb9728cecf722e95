"""What a response says about keeping it."""

import pytest

from minisocial.proxy.freshness import LONGEST, Freshness, directives, freshness
from minisocial.wsgi import Response


def answer(control: str, *more: tuple[str, str], status: str = "200 OK") -> Response:
    return Response(status, [("Cache-Control", control), *more], b"")


def test_public_page_is_kept_as_long_as_it_says() -> None:
    said = "public, max-age=60, stale-while-revalidate=30, stale-if-error=600"
    assert freshness(answer(said)) == Freshness(60, 30, 600)


@pytest.mark.parametrize("strict", ["must-revalidate", "proxy-revalidate", "s-maxage=60"])
def test_what_must_be_asked_for_again_is_not_shown_stale(strict: str) -> None:
    said = f"public, max-age=60, stale-while-revalidate=30, stale-if-error=600, {strict}"
    assert freshness(answer(said)) == Freshness(60, 0, 0)


def test_shared_age_is_stronger_than_the_browsers() -> None:
    assert freshness(answer("public, max-age=0, s-maxage=5")) == Freshness(5, 0, 0)


@pytest.mark.parametrize(
    "control",
    ["", "max-age=60", "private, max-age=60", "public, no-store, max-age=60", "public, no-cache, max-age=60",
     "public", "public, max-age=0", "public, max-age=-1", "public, max-age=x", "public, max-age=²", "PRIVATE, public"],
)  # fmt: skip
def test_all_else_is_not_kept(control: str) -> None:
    assert freshness(answer(control)) is None


@pytest.mark.parametrize("status", ["301 Moved", "404 Not Found", "500 Broken", "206 Partial", "204 Nothing"])
def test_only_200_is_kept(status: str) -> None:
    assert freshness(answer("public, max-age=60", status=status)) is None


@pytest.mark.parametrize(
    "header",
    [("Set-Cookie", "a=b"), ("Vary", "*"), ("Vary", "Accept-Language"), ("vary", "Cookie, User-Agent"),
     ("Content-Encoding", "br"), ("Content-Range", "bytes 0-1/2")],
)  # fmt: skip
def test_what_is_not_alike_for_all_is_not_kept(header: tuple[str, str]) -> None:
    assert freshness(answer("public, max-age=60", header)) is None


@pytest.mark.parametrize("vary", ["Cookie", "accept-encoding", "Accept-Encoding, Cookie"])
def test_vary_we_understand_is_kept(vary: str) -> None:
    assert freshness(answer("public, max-age=60", ("Vary", vary))) is not None


def test_nothing_is_kept_for_more_than_a_day() -> None:
    assert freshness(answer("public, max-age=99999999999999999999")) == Freshness(LONGEST, 0, 0)


def test_directives_in_several_lines_count_all_and_of_equal_ones_the_first() -> None:
    assert freshness(answer("public, max-age=60", ("Cache-Control", "max-age=999"))) == Freshness(60, 0, 0)
    assert freshness(answer("public, max-age=60", ("cache-control", "private"))) is None


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ('a="b, public", max-age=5', {"a": "b, public", "max-age": "5"}),
        (r'a="b\", public", c', {"a": r"b\", public", "c": ""}),
        ('a="open, public', {"a": "open, public"}),
        ('private="Set-Cookie, X", public', {"private": "Set-Cookie, X", "public": ""}),
        ("", {}),
        (" ,;=, ", {}),
    ],
)
def test_comma_in_quotes_separates_nothing(said: str, read: dict[str, str]) -> None:
    assert directives(said) == read


def test_directives_are_read_whatever_their_case_and_spacing() -> None:
    assert directives(' Public ,MAX-AGE = "5",, x') == {"public": "", "max-age": "5", "x": ""}
