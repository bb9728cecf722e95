"""A kept page: encodings, conditions, headers."""

import gzip

import pytest

from minisocial.proxy.page import Page, for_client, is_match, make_page, takes_gzip
from minisocial.wsgi import Response
from tests.fakes import ManualClock, environ_of

BODY = b"<p>hello, hello, hello</p>" * 100
PUBLIC = ("Cache-Control", "public, max-age=60")


def page(body: bytes = BODY, *more: tuple[str, str]) -> Page:
    made = make_page(Response("200 OK", [PUBLIC, ("Surrogate-Key", "a b"), *more], body), ManualClock())
    assert made
    return made


def test_plain_page_goes_to_those_who_take_no_gzip() -> None:
    answer = page().answer(environ_of())
    assert (answer.body, answer.header("Content-Encoding"), answer.header("Content-Length")) == (BODY, "", "2600")


def test_gzipped_page_is_the_same_page_with_another_etag() -> None:
    kept = page()
    answer = kept.answer(environ_of(accept_encoding="gzip, br"))
    assert gzip.decompress(answer.body) == BODY
    assert answer.header("Content-Encoding") == "gzip"
    assert answer.header("Content-Length") == str(len(answer.body))
    assert answer.header("ETag") != kept.answer(environ_of()).header("ETag")


def test_equal_pages_have_equal_bytes_and_etags() -> None:
    assert page().gzipped == page().gzipped and page().plain == page().plain
    assert page(b"other").plain.etag != page().plain.etag
    gzipped = page().gzipped
    assert gzipped and gzipped.body[4:8] == bytes(4)  # no time in it


def test_page_that_was_kept_elsewhere_before_is_fresh_for_the_rest_of_its_time() -> None:
    kept = page(BODY, ("Age", "50"))
    assert (kept.made_at, kept.fresh_until) == (-50, 10)
    assert page(BODY, ("Age", "soon")).fresh_until == 60


def test_page_tells_when_it_was_made_also_in_a_304() -> None:
    kept = page(BODY, ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"))
    for answer in (kept.answer(environ_of()), kept.answer(environ_of(if_none_match=kept.plain.etag))):
        assert [value for name, value in answer.headers if name == "Date"] == ["Fri, 15 Jan 2027 08:00:00 GMT"]


def test_tags_in_several_lines_count_all() -> None:
    assert page(BODY, ("surrogate-key", "c  d")).tags == {"a", "b", "c", "d"}


def test_small_page_is_not_gzipped() -> None:
    assert page(b"tiny").gzipped is None
    assert page(b"tiny").answer(environ_of(accept_encoding="gzip")).body == b"tiny"


def test_whoever_has_the_page_gets_304_with_the_headers_that_belong_to_it() -> None:
    kept = page()
    answer = kept.answer(environ_of(if_none_match=kept.plain.etag), ("Age", "1"))
    assert (answer.code, answer.body) == (304, b"")
    assert answer.header("ETag") == kept.plain.etag and answer.header("Vary") and answer.header("Age") == "1"
    assert not answer.header("Content-Length") and not answer.header("Content-Type")


def test_etag_of_one_encoding_does_not_match_the_other() -> None:
    kept = page()
    assert kept.answer(environ_of(if_none_match=kept.plain.etag, accept_encoding="gzip")).code == 200


def test_clients_must_ask_again_for_what_can_be_purged_and_see_no_tags() -> None:
    answer = page().answer(environ_of())
    assert answer.header("Cache-Control") == "no-cache"
    assert answer.header("Surrogate-Key") == ""


def test_page_without_tags_keeps_its_own_cache_control() -> None:
    made = make_page(Response("200 OK", [PUBLIC], BODY), ManualClock())
    assert made and made.answer(environ_of()).header("Cache-Control") == PUBLIC[1]


def test_headers_are_not_doubled() -> None:
    answer = page(BODY, ("Content-Length", "1"), ("Vary", "Cookie"), ("ETag", '"own"'), ("X-Other", "x")).answer(
        environ_of()
    )
    names = [name.lower() for name, _ in answer.headers]
    assert len(names) == len(set(names)) and answer.header("X-Other") == "x"


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "br, gzip;q=0.5", "gzip;q=1.0", "deflate,gzip ; q=1"])
def test_gzip_is_taken(accepted: str) -> None:
    assert takes_gzip(accepted)


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "xgzip", "identity", ";;,,"])
def test_gzip_is_not_taken(accepted: str) -> None:
    assert not takes_gzip(accepted)


@pytest.mark.parametrize("wanted", ['"a"', 'W/"a"', '"b", "a"', "*", ' "b" ,W/"a" '])
def test_condition_that_names_the_page(wanted: str) -> None:
    assert is_match(wanted, '"a"')


@pytest.mark.parametrize("wanted", ["a", '"b"', '"A"', "", ",", '"a', "W/*"])
def test_condition_that_does_not(wanted: str) -> None:
    assert not is_match(wanted, '"a"')


def test_members_page_loses_its_tags_and_is_not_kept_by_browsers() -> None:
    answer = for_client(Response("200 OK", [PUBLIC, ("Surrogate-Key", "a")], b""))
    assert answer.headers == [("Cache-Control", "no-cache")]
    private = Response("200 OK", [("Cache-Control", "private"), ("Surrogate-Key", "a")], b"")
    assert for_client(private).headers == [("Cache-Control", "private")]
