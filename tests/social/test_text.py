import pytest
from hypothesis import given
from hypothesis import strategies as st

from minisocial.errors import Invalid
from minisocial.social.text import clean, mentioned, parts, tags


def test_parts_cut_mentions_tags_and_links():
    found = parts("Hi @Ada, see #Chess at https://example.org/a?b=1. Bye @nobody", {"ada"})
    assert found == [
        ("text", "Hi "),
        ("mention", "Ada"),
        ("text", ", see "),
        ("tag", "Chess"),
        ("text", " at "),
        ("link", "https://example.org/a?b=1"),
        ("text", ". Bye "),
        ("text", "@nobody"),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mail me: grace@ada.org", []),
        ("@ada@elsewhere.org", []),
        ("(@ada)", ["ada"]),
        ("@ADA @ada", ["ada"]),
        ("@" + "a" * 31, []),
    ],
)
def test_mentions_are_usernames_and_not_mail_addresses(text, names):
    assert mentioned(text) == names


def test_a_number_is_no_tag_and_tags_are_lower_case_once():
    assert tags("#1 #Chess #chess #été") == ["chess", "été"]


def test_only_ten_mentions_count():
    assert len(mentioned(" ".join(f"@p{n}" for n in range(50)))) == 10


@given(st.text(max_size=200))
def test_parts_lose_nothing(text):
    marks = {"mention": "@", "tag": "#"}
    assert "".join(marks.get(kind, "") + value for kind, value in parts(text, set(mentioned(text)))) == text


def test_clean_refuses_what_cannot_be_shown():
    for text in ("a\x00b", "a\x1bb", "\ud800"):
        with pytest.raises(Invalid):
            clean("text", text, 100)


def test_clean_counts_after_normalising():
    assert clean("text", "e\u0301" * 10, 10) == "é" * 10
    with pytest.raises(Invalid, match="1 character too long"):
        clean("text", "x" * 11, 10)


def test_clean_takes_direction_marks_out_of_names():
    assert clean("name", "ad\u202eim", 30) == "adim"


@pytest.mark.parametrize("text", ["\u200b", "\u200e \u200e", "\u3164", "\u2800\ufe0f", "\u0301", "\u00ad\u2060"])
@pytest.mark.parametrize("lines", [True, False])
def test_what_nobody_can_see_is_nothing(text, lines):
    assert clean("text", text, 30, lines=lines) == ""
    with pytest.raises(Invalid, match="Say something"):
        clean("text", text, 30, lines=lines, empty="Say something.")


@pytest.mark.parametrize("text", [".", "\U0001f468\u200d\U0001f469", "\u2764\ufe0f", "\U000e0fff", "\ue000"])
def test_what_can_be_seen_is_kept_as_it_is(text):
    assert clean("text", text, 30) == text


def test_clean_keeps_lines_only_where_they_belong():
    assert clean("text", "a\r\nb", 10, lines=True) == "a\nb"
    with pytest.raises(Invalid):
        clean("name", "a\nb", 10)
