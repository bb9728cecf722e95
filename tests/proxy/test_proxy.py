"""The proxy: who gets a kept page, who shares an answer, and who never does."""

import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minisocial import waiting, wsgi
from minisocial.errors import Unavailable
from minisocial.proxy import Collapse, PageCache, Proxy, StaticFiles
from minisocial.wsgi import Response
from tests.fakes import FakeSite, ManualClock, ask, environ_of, plain_error_page
from tests.impatient import impatiently, would_wait
from tests.proxy.waiting import until

PUBLIC = "public, max-age=60, stale-while-revalidate=30, stale-if-error=600"
MEMBER = "theme=dark; session=s3cret"


class World:
    """A proxy in front of a site that answers with public pages unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        (folder / "app.css").write_text("body{}")
        self.clock = ManualClock()
        self.site = FakeSite(b"<p>hello</p>" * 100, cache_control=PUBLIC, surrogate_key="post:1 feed")
        self.static = StaticFiles(folder)
        self.proxy = self.around(self.site)

    def around(self, app: Any, cache: PageCache | None = None) -> Proxy:
        cache = cache or PageCache(1 << 20, clock=self.clock)
        collapse: Collapse[Any] = Collapse()
        return Proxy(app, page_cache=cache, collapse=collapse, static=self.static, error_page=plain_error_page)

    def get(self, path: str = "/", **more: Any) -> Response:
        return ask(self.proxy, path, **more)

    def count(self) -> int:
        """How many requests have reached the site."""
        return len(self.site.asked)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.proxy.stop()


def status(answer: Response) -> str:
    return answer.header("Cache-Status")


# the page cache


def test_first_visitor_misses_and_the_second_hits(world: World) -> None:
    first, second = world.get(), world.get()
    assert status(first) == "minisocial; fwd=uri-miss; stored" and status(second) == "minisocial; hit"
    assert first.body == second.body == world.site.body and first.header("ETag") == second.header("ETag")
    assert world.count() == 1
    seen = world.proxy.snapshot()
    assert (seen.hits, seen.misses, seen.entries) == (1, 1, 1) and seen.bytes > len(first.body)


def test_hit_says_how_old_it_is(world: World) -> None:
    world.get()
    world.clock.advance(7.5)
    assert world.get().header("Age") == "7"


def test_kept_page_is_gzipped_for_whoever_takes_it(world: World) -> None:
    world.get()
    answer = world.get(accept_encoding="gzip")
    assert status(answer) == "minisocial; hit" and gzip.decompress(answer.body) == world.site.body
    assert "Accept-Encoding" in answer.header("Vary")


def test_visitor_who_has_the_page_gets_304(world: World) -> None:
    etag = world.get().header("ETag")
    assert world.get(if_none_match=etag).code == 304
    assert world.get(if_none_match='"other"').code == 200


def test_condition_of_the_first_visitor_does_not_spoil_the_kept_page(world: World) -> None:
    world.get(if_none_match='"x"', range="bytes=0-1", if_modified_since="Sun, 06 Nov 2044 08:49:37 GMT")
    forwarded = world.site.asked[0]
    assert not any(name in forwarded for name in ("HTTP_IF_NONE_MATCH", "HTTP_RANGE", "HTTP_IF_MODIFIED_SINCE"))
    assert world.get().body == world.site.body


def test_head_has_the_headers_of_get_and_no_body(world: World) -> None:
    first, second, whole = world.get(method="HEAD"), world.get(method="HEAD"), world.get()
    assert first.body == second.body == b"" and whole.body == world.site.body
    assert status(second) == status(whole) == "minisocial; hit"
    assert second.header("Content-Length") == str(len(whole.body)) and second.header("ETag") == whole.header("ETag")
    assert world.site.asked[0]["REQUEST_METHOD"] == "GET"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_proxy_answers_a_server_as_it_answers_the_front_door(world: World, method: str) -> None:
    world.get()  # else the second one is a hit
    value = wsgi.call(world.proxy, environ_of(method=method))
    sent = wsgi.call(world.proxy.__call__, environ_of(method=method))
    assert (sent.code, sent.body, sorted(sent.headers)) == (value.code, value.body, sorted(value.headers))


def test_purge_drops_the_page(world: World) -> None:
    world.get()
    world.site.body = b"new"
    world.proxy.purge(["post:2"])
    assert status(world.get()) == "minisocial; hit"
    world.proxy.purge(["feed"])
    assert world.get().body == b"new"


def test_page_purged_during_its_making_is_not_kept(world: World) -> None:
    def site(environ: Any, start_response: Any) -> list[bytes]:
        answer = world.site(environ, start_response)
        if world.count() == 1:
            proxy.purge(["post:1"])
        return answer

    proxy = world.around(site)
    assert status(ask(proxy)) == "minisocial; fwd=uri-miss"
    assert status(ask(proxy)) == "minisocial; fwd=uri-miss; stored"
    assert proxy.snapshot().voided == 1


def test_old_page_is_fetched_anew(world: World) -> None:
    world.site.headers["cache_control"] = "public, max-age=60"
    world.get()
    world.clock.advance(61)
    assert status(world.get()) == "minisocial; fwd=uri-miss; stored"


@pytest.mark.parametrize(
    "change",
    [{"cache_control": "private"}, {"cache_control": "no-store"}, {"cache_control": ""}, {"set_cookie": "a=b"},
     {"vary": "Accept-Language"}],
)  # fmt: skip
def test_what_is_not_for_all_is_not_kept(world: World, change: dict[str, str]) -> None:
    world.site.headers |= change
    world.get()
    assert status(world.get()) == "minisocial; fwd=uri-miss"
    assert world.count() == 2


def test_other_than_200_is_not_kept(world: World) -> None:
    world.site.status = "404 Not Found"
    assert world.get().code == world.get().code == 404
    assert world.count() == 2


def test_page_that_varies_by_cookie_is_only_for_those_without_any(world: World) -> None:
    world.site.headers["vary"] = "Cookie"
    assert status(world.get(cookie="theme=dark")) == "minisocial; fwd=uri-miss"
    assert status(world.get()) == "minisocial; fwd=uri-miss; stored"
    assert status(world.get(cookie="theme=dark")) == "minisocial; fwd=vary-miss"
    assert status(world.get()) == "minisocial; hit"


def test_switched_off_it_keeps_nothing(world: World) -> None:
    world.proxy.page_cache.enabled = False
    assert status(world.get()) == status(world.get()) == "minisocial; fwd=uri-miss"
    assert world.get().header("Cache-Control") == "no-cache"


# members, writes, and requests that could poison


@pytest.mark.parametrize("cookie", [MEMBER, "session=", "__Host-session=x", "session=a; session=b"])
def test_member_never_gets_a_kept_page_and_leaves_none(world: World, cookie: str) -> None:
    world.get()
    assert status(world.get(cookie=cookie)) == "minisocial; fwd=bypass"
    assert world.count() == 2
    world.proxy.purge(["feed"])
    world.get(cookie=cookie)
    assert status(world.get()) == "minisocial; fwd=uri-miss; stored"


def test_request_with_authorization_is_nobody_elses(world: World) -> None:
    world.get(authorization="Bearer x")
    assert status(world.get(authorization="Bearer x")) == "minisocial; fwd=bypass"
    assert status(world.get()) == "minisocial; fwd=uri-miss; stored"


def test_surrogate_keys_stay_inside(world: World) -> None:
    answers = [world.get(), world.get(), world.get(cookie=MEMBER), world.get(method="POST")]
    assert not any(answer.header("Surrogate-Key") for answer in answers)
    assert {answer.header("Cache-Control") for answer in answers} == {"no-cache"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_go_straight_through(world: World, method: str) -> None:
    world.get()
    assert status(world.get(method=method)) == "minisocial; fwd=method"
    assert world.site.asked[-1]["REQUEST_METHOD"] == method


def test_get_with_a_body_is_neither_kept_nor_answered_from_what_is(world: World) -> None:
    assert status(world.get(CONTENT_LENGTH="3")) == "minisocial; fwd=bypass"
    assert status(world.get()) == "minisocial; fwd=uri-miss; stored"


@pytest.mark.parametrize(
    "other",
    [{"host": "evil.example"}, {"wsgi.url_scheme": "https"}, {"query": "a=1"}, {"path": "/a/b"}, {"path": "//"},
     {"minisocial.is_local": True}],
)  # fmt: skip
def test_pages_of_different_addresses_are_kept_apart(world: World, other: dict[str, Any]) -> None:
    world.get()
    assert status(world.get(**other)) == "minisocial; fwd=uri-miss; stored"


def test_encoded_question_mark_is_not_a_query(world: World) -> None:
    world.get("/a", query="b")
    assert status(world.get("/a?b")) == "minisocial; fwd=uri-miss; stored"


def test_very_long_address_is_not_kept(world: World) -> None:
    assert status(world.get(query="x" * 2000)) == "minisocial; fwd=bypass"
    assert world.proxy.snapshot().entries == 0


# stale pages


def test_stale_page_is_shown_while_a_new_one_is_fetched(world: World) -> None:
    world.get()
    world.site.body = b"new"
    world.clock.advance(65)
    stale = world.get()
    assert status(stale) == "minisocial; hit; ttl=-5; detail=stale-while-revalidate" and stale.body != b"new"
    assert world.get().body != b"new" and world.count() == 1
    assert world.proxy.step() and not world.proxy.step()  # two visitors, one fetch
    fresh = world.get()
    assert (status(fresh), fresh.body, world.count()) == ("minisocial; hit", b"new", 2)
    assert world.proxy.snapshot().stale == 2


def test_started_proxy_fetches_by_itself(world: World) -> None:
    world.get()
    world.clock.advance(65)
    world.proxy.start()
    world.get()
    until(lambda: world.count() == 2)


@pytest.mark.parametrize("error", [ValueError("bug"), SystemExit()])
def test_failing_refresh_leaves_the_stale_page(world: World, error: Any) -> None:
    world.get()
    world.clock.advance(65)
    world.get()
    world.site.error = error
    assert world.proxy.step()
    assert status(world.get()) == "minisocial; hit; ttl=-5; detail=stale-while-revalidate"


@pytest.mark.parametrize("failure", ["503 Busy", "500 Broken", "exception"])
def test_visitors_still_read_when_no_node_answers(world: World, failure: str) -> None:
    world.get()
    world.clock.advance(300)
    if failure == "exception":
        world.site.error = ValueError("bug")
    world.site.status = failure
    answer = world.get()
    assert answer.code == 200 and answer.body == world.site.body
    assert status(answer).startswith("minisocial; fwd=stale") and status(answer).endswith("; detail=stale-if-error")
    assert ("fwd-status=" in status(answer)) == (failure != "exception")


def test_failure_is_told_when_the_page_is_too_old(world: World) -> None:
    world.get()
    world.clock.advance(700)
    world.site.status = "503 Busy"
    assert world.get().code == 503


def test_page_purged_meanwhile_is_not_shown_even_if_no_node_answers(world: World) -> None:
    world.get()
    world.clock.advance(300)

    def site(environ: Any, start_response: Any) -> list[bytes]:
        world.proxy.purge(["post:1"])
        raise ValueError("bug")

    world.proxy._app = site
    with pytest.raises(ValueError, match="bug"):
        world.get()


def test_exception_without_a_page_goes_on(world: World) -> None:
    world.site.error = ValueError("bug")
    with pytest.raises(ValueError, match="bug"):
        world.get()


# collapsed forwarding


class Held:
    """A site that holds its first request until told."""

    def __init__(self, site: FakeSite) -> None:
        self.site = site
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        is_first = not self.site.asked
        answer = self.site(environ, start_response)
        if is_first:
            self.entered.set()
            assert self.go_on.wait(10)
        return answer


def together(world: World, requests: list[dict[str, Any]], waiting: int) -> list[Response]:
    """The answers to requests of which the first is held until `waiting` others wait for it."""
    held = Held(world.site)
    world.proxy = world.around(held)
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda r=request: answers.append(world.get(**r))) for request in requests]
    threads[0].start()
    assert held.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    until(lambda: world.proxy.collapse.waiting == waiting)
    held.go_on.set()
    for thread in threads:
        thread.join(10)
    return answers


def test_two_hundred_visitors_at_once_are_one_render(world: World) -> None:
    answers = together(world, [{}] * 200, waiting=199)
    assert world.count() == 1
    assert {answer.body for answer in answers} == {world.site.body}
    assert sorted(map(status, answers)).count("minisocial; fwd=uri-miss; collapsed") == 199


def test_equal_requests_of_one_member_share_a_private_answer(world: World) -> None:
    world.site.headers["cache_control"] = "private, no-cache"
    answers = together(world, [{"cookie": MEMBER}] * 5, waiting=4)
    assert world.count() == 1
    assert sorted(map(status, answers)).count("minisocial; fwd=bypass; collapsed") == 4


def test_two_members_never_share(world: World) -> None:
    world.site.headers["cache_control"] = "private"
    together(world, [{"cookie": "session=a"}, {"cookie": "session=b"}], waiting=0)
    assert world.count() == 2


def test_visitors_do_not_share_what_is_not_public(world: World) -> None:
    world.site.headers |= {"cache_control": "private", "set_cookie": "csrf=1"}
    answers = together(world, [{}] * 4, waiting=3)
    assert world.count() == 4
    assert not any("collapsed" in status(answer) for answer in answers)


@pytest.mark.parametrize("change", [{"set_cookie": "seen=1"}, {"cache_control": "no-store"}, {"vary": "*"}])
def test_member_does_not_share_with_herself_what_may_not_be(world: World, change: dict[str, str]) -> None:
    world.site.headers |= change
    together(world, [{"cookie": MEMBER}] * 3, waiting=2)
    assert world.count() == 3


def test_writes_are_never_collapsed(world: World) -> None:
    together(world, [{"method": "POST", "cookie": MEMBER}] * 3, waiting=0)
    assert world.count() == 3


def test_member_who_comes_after_a_purge_does_not_share_what_was_begun_before(world: World) -> None:
    held = Held(world.site)
    world.proxy = world.around(held)
    first = threading.Thread(target=lambda: world.get(cookie=MEMBER))
    first.start()
    assert held.entered.wait(10)
    world.proxy.purge(["post:1"])
    second = threading.Thread(target=lambda: world.get(cookie=MEMBER))
    second.start()
    until(lambda: world.count() == 2, seconds=5)  # half of what the first is held for
    held.go_on.set()
    first.join(10)
    second.join(10)


@pytest.mark.parametrize(("purged", "renders"), [("post:1", 2), ("post:7", 1)])
def test_visitors_who_come_after_a_purge_share_only_if_it_was_not_of_this_page(
    world: World, purged: str, renders: int
) -> None:
    held = Held(world.site)
    world.proxy = world.around(held)
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda: answers.append(world.get())) for _ in range(20)]
    threads[0].start()
    assert held.entered.wait(10)
    world.proxy.purge([purged])
    for thread in threads[1:]:
        thread.start()
    until(lambda: world.proxy.collapse.waiting == 19)
    held.go_on.set()
    for thread in threads:
        thread.join(10)
    assert world.count() == renders and len(answers) == 20
    assert sum("stored" in status(answer) for answer in answers) == 1  # the one that suits all


class SlowToLook(PageCache):
    """Something happens between the moment somebody looks and the moment they go on."""

    meanwhile: Any = None

    def find(self, key: Any) -> Any:
        page, meanwhile, self.meanwhile = super().find(key), self.meanwhile, None
        if meanwhile:
            meanwhile()
        return page


def test_who_looked_just_before_another_brought_the_page_does_not_fetch_it_again(world: World) -> None:
    cache = SlowToLook(1 << 20, clock=world.clock)
    proxy = world.around(world.site, cache)
    cache.meanwhile = lambda: ask(proxy)
    assert status(ask(proxy)) == "minisocial; hit"
    assert world.count() == 1


# what a client says about caching


@pytest.mark.parametrize("said", ["no-cache", "max-age=0", "no-store", "min-fresh=999", "max-stale", "nonsense=,;"])
def test_nobody_can_have_a_kept_page_made_anew(world: World, said: str) -> None:
    world.get()
    assert status(world.get(cache_control=said, pragma="no-cache")) == "minisocial; hit"


@pytest.mark.parametrize("said", ["no-cache", "max-age=0", "No-Store", 'x="no-store'])
def test_only_no_store_keeps_an_answer_out_of_the_cache(world: World, said: str) -> None:
    world.get(cache_control=said)
    assert status(world.get()) == ("minisocial; fwd=uri-miss; stored" if "store" in said.lower() else "minisocial; hit")


def test_only_if_cached_asks_no_node(world: World) -> None:
    answer = world.get(cache_control="only-if-cached")
    assert answer.code == 504 and not world.count()
    assert status(answer) == "minisocial; fwd=uri-miss; detail=only-if-cached"
    world.get()
    assert status(world.get(cache_control="only-if-cached")) == "minisocial; hit"
    world.clock.advance(300)  # of use only if there is an error, and this is none
    assert world.get(cache_control="only-if-cached").code == 504


# what a node says about it


@pytest.mark.parametrize(
    "lines",
    [
        [("Cache-Control", "public, max-age=60"), ("Cache-Control", "private")],
        [("Cache-Control", "public"), ("cache-control", "no-store, max-age=60")],
        [("Cache-Control", 'max-age=60, x="a, public"')],
        [("Cache-Control", PUBLIC), ("Set-Cookie", "a=b")],
        [("Cache-Control", PUBLIC), ("Vary", "Cookie"), ("Vary", "User-Agent")],
    ],
)
def test_headers_in_several_lines_count_all(world: World, lines: list[tuple[str, str]]) -> None:
    def site(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", lines)
        return [b"page"]

    proxy = world.around(site)
    assert [status(ask(proxy)) for _ in range(2)] == ["minisocial; fwd=uri-miss"] * 2


def test_page_that_must_be_revalidated_is_never_shown_stale(world: World) -> None:
    world.site.headers["cache_control"] = f"{PUBLIC}, must-revalidate"
    world.get()
    world.clock.advance(61)
    world.site.status = "503 Busy"
    assert world.get().code == 503


def test_write_drops_the_page_of_its_own_address_unless_it_was_refused(world: World) -> None:
    world.get("/a"), world.get("/b")
    world.get("/a", method="POST"), world.get("/b", method="OPTIONS")
    assert status(world.get("/b")) == "minisocial; hit"
    assert status(world.get("/a")) == "minisocial; fwd=uri-miss; stored"
    world.site.status = "403 Forbidden"
    world.get("/a", method="POST")
    assert status(world.get("/a")) == "minisocial; hit"


def test_member_shares_nothing_that_depends_on_a_header_which_was_not_compared(world: World) -> None:
    world.site.headers |= {"cache_control": "private", "vary": "User-Agent"}
    together(world, [{"cookie": MEMBER}] * 3, waiting=2)
    assert world.count() == 3


# leaders that fail


class Failing(Held):
    """Holds its first request, and fails as often as told."""

    def __init__(self, site: FakeSite, failures: int, error: BaseException | None) -> None:
        super().__init__(site)
        self.failures = failures
        self.error = error

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        body = super().__call__(environ, start_response)
        if len(self.site.asked) <= self.failures:
            if self.error:
                raise self.error
            start_response("503 Busy", [])
        return body


@pytest.mark.parametrize("cookie", ["", MEMBER])
@pytest.mark.parametrize("error", [None, ValueError("bug")])
def test_leader_that_fails_costs_the_others_one_more_render(world: World, cookie: str, error: Any) -> None:
    codes = crowd(world, Failing(world.site, 1, error), cookie)
    assert codes == Counter({200: 199, (500 if error else 503): 1})
    assert world.count() == 2


@pytest.mark.parametrize("error", [None, ValueError("bug")])
def test_page_that_cannot_be_made_costs_two_renders_however_many_ask(world: World, error: Any) -> None:
    codes = crowd(world, Failing(world.site, 9, error), "")
    assert codes == (Counter({503: 198, 500: 2}) if error else Counter({503: 200}))
    assert world.count() == 2


def crowd(world: World, site: Held, cookie: str) -> "Counter[int]":
    """The status each of two hundred gets, of whom 199 wait for the first."""
    proxy = world.proxy = world.around(site)
    codes: list[int] = []

    def visit() -> None:
        try:
            codes.append(ask(proxy, cookie=cookie).code)
        except Unavailable as error:
            codes.append(error.status)
        except ValueError:
            codes.append(500)

    threads = [threading.Thread(target=visit) for _ in range(200)]
    threads[0].start()
    assert site.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    until(lambda: proxy.collapse.waiting == 199)
    site.go_on.set()
    for thread in threads:
        thread.join(10)
    return Counter(codes)


def test_static_files_are_served_by_the_proxy_itself(world: World) -> None:
    answer = world.get(world.static.url("app.css"))
    assert answer.body == b"body{}" and not world.count()
    missing = world.get("/static/x/nothing")
    assert missing.code == 404 and not world.count()


# in a thread that must not wait


def test_kept_pages_and_files_are_at_hand_and_all_else_would_wait(world: World) -> None:
    proxy = world.around(waits)
    for more in ({}, {"method": "POST"}, {"cookie": MEMBER}):
        assert would_wait(lambda more=more: ask(proxy, "/", **more))  # type: ignore[misc]
    world.get()
    assert status(at_once(lambda: world.get())) == "minisocial; hit"
    world.clock.advance(61)  # stale, and fetched anew by another thread
    assert status(at_once(lambda: world.get())).startswith("minisocial; hit; ttl=")
    world.clock.advance(60)
    assert would_wait(lambda: world.get())
    assert at_once(lambda: world.get(world.static.url("app.css"))).code == 200
    assert proxy.snapshot().passed == 0


def at_once(work: Any) -> Response:
    answer = impatiently(work)
    assert isinstance(answer, Response)
    return answer


def waits(environ: Any, start_response: Any) -> list[bytes]:
    waiting.ahead()
    raise AssertionError("went on nevertheless")
