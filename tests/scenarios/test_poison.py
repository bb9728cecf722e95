"""Requests made to poison a shared cache: whatever they get themselves, nobody else gets anything else for it."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.visitors import Visited, connect, fresh, let_strangers_in, open_house, raw, read, visit

PAGE = "/explore"
HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    with open_house(Path(tmp_path_factory.mktemp("poison")), rate_limits=False) as (system, _):
        yield system


def get(lines: bytes = b"", target: bytes = b"/explore", host: bytes = HOST) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + host + lines + b"\r\n"


def with_body(body: bytes, lines: bytes = b"") -> bytes:
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    return get(kind + lines + b"Content-Length: %d\r\n" % len(body)) + body


HEADERS = [
    b"X-Forwarded-Host: evil.example",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-For: 127.0.0.1",
    b"X-Forwarded-Port: 1",
    b"X-Forwarded-Prefix: /evil",
    b"X-Forwarded-Scheme: nothttps",
    b"Forwarded: for=1.2.3.4;host=evil.example;proto=https",
    b"Via: 1.1 evil",
    b"X-Original-URL: /login",
    b"X-Rewrite-URL: /login",
    b"X-Host: evil.example",
    b"X-HTTP-Method-Override: POST",
    b"X-HTTP-Method: DELETE",
    b"X-Method-Override: PUT",
    b"X-Request-Id: <script>alert(1)</script>",
    b"Script-Name: /evil",
    b"Path-Info: /login",
    b"Query-String: max_id=1",
    b"Request-Method: POST",
    b"Accept: application/json",
    b"Accept: nonsense/;q=x",
    b"Accept-Language: xx-evil",
    b"Accept-Charset: utf-7",
    b"User-Agent: <script>",
    b"Referer: http://evil.example/",
    b"Origin: http://evil.example",
    b"X-Requested-With: XMLHttpRequest",
    b"Sec-Fetch-Site: cross-site",
    b"Range: bytes=0-10",
    b"Range: bytes=9-1,x-",
    b"Range: lines=1-",
    b"If-Range: nonsense",
    b"If-None-Match: nonsense",
    b"If-None-Match: *",
    b'If-None-Match: "a", W/"b',
    b"If-Match: nonsense",
    b"If-Modified-Since: yesterday",
    b"If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT",
    b"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    b"Cache-Control: no-store",
    b"Cache-Control: no-cache, max-age=0",
    b"Cache-Control: only-if-cached",
    b"Pragma: no-cache",
    b"Surrogate-Key: evil",
    b"Surrogate-Control: max-age=9",
    b"Accept-Encoding: gzip;q=0",
    b"Accept-Encoding: *",
    b"Accept-Encoding: identity;q=0",
    b"Accept-Encoding: *;q=0",
    b"Accept-Encoding: identity;q=0, *;q=0",
    b"Accept-Encoding: br, zstd, gzip;q=0.001",
    b"Accept-Encoding: gzip;q=0, gzip",
    b"TE: trailers, deflate",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
    b"Connection: Cookie, Host, Accept-Encoding",
    b"Trailer: Cookie",
    b"Expect: nonsense",
    b"Authorization: Basic YWRhOnBhc3N3b3Jk",
    b"Proxy-Authorization: Basic YWRhOnBhc3N3b3Jk",
    b"Cookie: session=made-up",
    b"Cookie: Session=made-up",
    b"Cookie: SESSION=made-up; pre=" + b"a" * 32,
    b"Cookie: session =made-up",
    b"Cookie: \tsession\t=\tmade-up",
    b"Cookie: session",
    b"Cookie: =session=x",
    b'Cookie: x="; session=made-up"',
    b"Cookie: my_session=x",
    b"Cookie: session=",
    b"Cookie: pre=" + b"<" * 32,
    b"Cookie: pre=" + b"b" * 32,
    b"Cookie: seen=0:99999999999999999.1:99999999999999999.directory:9223372036854775807",
    b"Cookie: seen=%ff:1.:.x:" + b"9" * 400,
    b"Cookie: " + b"a=b; " * 2000,
    b"Cookie: " + b"a" * 9000 + b"; session=made-up",
    b"Cookie: a=b\r\nCookie: session=made-up",
    b"Cookie: session=x\r\nCookie: session=y",
    b"Accept-Encoding: gzip\r\nAccept-Encoding: identity",
    b'If-None-Match: "a"\r\nIf-None-Match: *',
    b"Authorization: a\r\nAuthorization: b",
    b"X-Forwarded-Host: a\r\nX-Forwarded-Host: b",
    b"Content-Type: a\r\nContent-Type: b",
    b"X_Forwarded_Host: evil.example\r\nCo_okie: session=x",
    b"Odd: a\r\n folded: b",
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
]
REQUESTS = [
    with_body(b"_method=DELETE&max_id=1"),
    with_body(b"_method=DELETE", b"X-HTTP-Method-Override: DELETE\r\n"),
    get(host=b"Host: evil.example\r\n"),
    get(host=b"Host: LOCALHOST\r\n"),
    get(host=b"Host: localhost:1\r\n"),
    get(host=b"Host: localhost:x\r\n"),
    get(host=b"Host: localhost.\r\n"),
    get(host=b"Host: localhost\r\nHost: evil.example\r\n"),
    get(host=b"Host: evil.example/explore\r\n"),
    get(host=b'Host: "><script>\r\n'),
    get(host=b""),
    get(target=b"http://localhost/explore"),
    get(target=b"http://evil.example/explore"),
    get(target=b"https://localhost/explore"),
    get(target=b"http://evil.example@localhost/explore"),
    get(target=b"//explore"),
    get(target=b"///evil.example/..//explore"),
    get(target=b"/%65xplore"),
    get(target=b"/explore%2f"),
    get(target=b"/x%2f..%2fexplore"),
    get(target=b"/./explore"),
    get(target=b"/x/../explore"),
    get(target=b"/%2e%2e/explore"),
    get(target=b"/explore/"),
    get(target=b"/explore;max_id=1"),
    get(target=b"/explore%3fmax_id=1"),
    get(target=b"/explore%23"),
    get(target=b"/explore#max_id=1"),
    get(target=b"/explore?"),
    get(target=b"/explore%00"),
    get(target=b"/explore%0d%0aSet-Cookie:%20a=b"),
    get(target=b"/EXPLORE"),
    get(target=b"/explore\\"),
    get(target=b"/explore?max_id=1&max_id=2"),
    get(target=b"/explore?max_id=1;_method=POST"),
    get(target=b"/explore?_method=DELETE"),
    get(target=b"/explore?%"),
    get(target=b"/explore?" + b"x" * 2000),
    get(target=b"explore"),
    get(target=b"/explore HTTP/1.1\r\nX:"),
    b"GET /explore\r\n" + HOST + b"\r\n",
    b"GET /explore HTTP/1.0\r\n\r\n",
    b"GET /explore HTTP/9.9\r\n" + HOST + b"\r\n",
    b"HEAD /explore HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /explore HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\na=b",
    b"OPTIONS /explore HTTP/1.1\r\n" + HOST + b"\r\n",
    b"TRACE /explore HTTP/1.1\r\n" + HOST + b"Cookie: secret\r\n\r\n",
    b"DELETE /explore HTTP/1.1\r\n" + HOST + b"\r\n",
    b"PURGE /explore HTTP/1.1\r\n" + HOST + b"\r\n",
    b"PROPFIND /explore HTTP/1.1\r\n" + HOST + b"\r\n",
    b"get /explore HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /explore HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    get() + get(b"Cookie: session=made-up\r\n") + get(target=b"/explore?max_id=1"),
]


@pytest.mark.parametrize("attack", [*(get(header + b"\r\n") for header in HEADERS), *REQUESTS])
@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "not kept"])
def test_nobody_else_gets_anything_else(system: Visited, attack: bytes, is_kept: bool) -> None:
    page = fresh(system, PAGE).body
    system.proxy.page_cache.clear()
    if is_kept:
        assert visit(system, PAGE).body == page
    own = raw(system, attack)
    assert own == b"" or own.startswith(b"HTTP/1.")
    assert b"evil" not in own.lower().replace(b"evil.example/explore", b"")  # not even in what they get themselves
    for _ in range(2):
        plain, packed = visit(system, PAGE), visit(system, PAGE, accept_encoding="gzip")
        assert (plain.code, plain.body) == (200, page)
        assert gzip.decompress(packed.body) == page
        for answer in (plain, packed):
            names = [name.lower() for name, _ in answer.headers]
            assert "set-cookie" not in names and "location" not in names
            assert len(names) == len(set(names))
            assert answer.header("Vary") == "Accept-Encoding, Cookie"
            assert answer.header("Content-Type") == "text/html; charset=utf-8"


def test_a_page_made_for_a_stranger_with_cookies_of_forms_carries_no_token(system: Visited) -> None:
    system.proxy.page_cache.clear()
    token = "c0ffee" * 5 + "aa"
    pages = [visit(system, path, cookie=f"pre={token}") for path in ("/", PAGE, "/@ada", "/tags/tag")]
    assert all(token.encode() not in page.body for page in pages)


def test_page_that_carries_somebodys_token_is_never_kept(system: Visited) -> None:
    token = "c0ffee" * 5 + "aa"
    own = visit(system, "/login", cookie=f"pre={token}")
    assert token.encode() in own.body and "stored" not in own.header("Cache-Status")
    assert token.encode() not in visit(system, "/login").body


def test_made_up_addresses_push_nothing_out_that_people_read(tmp_path: Path) -> None:
    with open_house(tmp_path, page_cache_bytes=300_000) as (system, _):
        for _ in range(3):
            popular = [visit(system, path) for path in ("/", PAGE, "/@ada", "/tags/tag")]
        for number in range(300):
            visit(system, PAGE, query=f"x={number}")
            visit(system, f"/tags/t{number}")
            visit(system, PAGE, host=f"h{number}.example")
        cache = system.proxy.page_cache.snapshot()
        assert cache.bytes <= 300_000 and cache.refused > 500
        for page, path in zip(popular, ("/", PAGE, "/@ada", "/tags/tag"), strict=True):
            again = visit(system, path)
            assert again.header("Cache-Status") == "minisocial; hit" and again.body == page.body


def test_request_held_half_open_holds_nobodys_page(system: Visited) -> None:
    system.proxy.page_cache.clear()
    with connect(system) as slow:
        slow.sendall(b"GET /explore HTTP/1.1\r\nHost: localhost\r\nCookie: x=")
        assert visit(system, PAGE).code == 200
        slow.sendall(b"y\r\nConnection: close\r\n\r\n")
        assert fresh(system, PAGE).body in read(slow)


def test_closed_community_is_closed_to_every_trick(tmp_path: Path) -> None:
    with open_house(tmp_path) as (system, _):
        assert b"Hello strangers" in visit(system, PAGE).body
        let_strangers_in(system, False)
        for attack in (*(get(header + b"\r\n") for header in HEADERS), *REQUESTS):
            assert b"Hello strangers" not in raw(system, attack), attack
