"""A page as it is kept: both encodings made once, with the headers they are sent with."""

import gzip
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from minisocial.clock import Clock
from minisocial.proxy.freshness import age, every, freshness, varies_by_cookie
from minisocial.wsgi import Headers, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SMALLEST_GZIP = 300  # bytes; below that it does not pay
OVERHEAD = 2048  # bytes a kept page takes besides its bodies, header lines and tags, roughly
TAG_BYTES = 450  # the same of a tag: in the page, in the index of tags, and the set it has there
REPLACED = ("Date", "ETag", "Vary", "Content-Length", "Surrogate-Key", "Cache-Control", "Age", "Cache-Status")
KEPT_IN_304 = frozenset({"date", "etag", "vary", "cache-control", "content-location", "expires"})  # RFC 9110, 15.4.5


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoding of a page."""

    etag: str
    headers: Headers
    body: bytes
    brief: Headers  # of a 304

    @classmethod
    def of(cls, etag: str, headers: Headers, body: bytes) -> "Variant":
        complete = [*headers, ("ETag", etag), ("Content-Length", str(len(body)))]
        return cls(etag, complete, body, [h for h in complete if h[0].lower() in KEPT_IN_304])

    def answer(self, environ: "WSGIEnvironment", *more: tuple[str, str]) -> Response:
        """The page, or 304 to somebody who has it."""
        wanted = environ.get("HTTP_IF_NONE_MATCH")
        if wanted and is_match(wanted, self.etag):
            return Response("304 Not Modified", [*self.brief, *more], b"")
        return Response("200 OK", [*self.headers, *more], self.body)


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer for everybody who is not logged in. Times are of the monotonic clock."""

    plain: Variant
    gzipped: Variant | None
    tags: frozenset[str]
    needs_no_cookie: bool
    size: int
    made_at: float
    fresh_until: float
    revalidate_until: float
    error_until: float

    @property
    def until(self) -> float:
        """When it is of no use any more."""
        return max(self.revalidate_until, self.error_until)

    def answer(self, environ: "WSGIEnvironment", *more: tuple[str, str]) -> Response:
        """The page in the encoding the client takes, or 304."""
        accepted = environ.get("HTTP_ACCEPT_ENCODING")
        variant = self.gzipped if self.gzipped and accepted and takes_gzip(accepted) else self.plain
        return variant.answer(environ, *more)


def make_page(response: Response, clock: Clock) -> Page | None:
    """The page a response is, or None if it may not be kept or shared."""
    times = freshness(response)
    if times is None:
        return None
    # WSGI's headers hold bytes as Latin-1; the tags are purged as text
    named = every(response, "Surrogate-Key", " ")
    tags = frozenset(named.encode("latin-1", "replace").decode("utf-8", "replace").split())
    headers = _shared_headers(response, bool(tags), formatdate(clock.time(), usegmt=True))
    digest = hashlib.blake2b(response.body, digest_size=12).hexdigest()
    plain = Variant.of(f'"{digest}"', headers, response.body)
    gzipped = _gzipped(digest, headers, response.body)
    made_at = clock.monotonic() - age(response)
    fresh_until = made_at + times.fresh
    return Page(
        plain=plain,
        gzipped=gzipped,
        tags=tags,
        needs_no_cookie=varies_by_cookie(response),
        size=_size(headers, tags) + len(plain.body) + (len(gzipped.body) if gzipped else 0),
        made_at=made_at,
        fresh_until=fresh_until,
        revalidate_until=fresh_until + times.while_revalidate,
        error_until=fresh_until + times.if_error,
    )


def for_client(response: Response) -> Response:
    """A response as clients get it: what is purged here must not be kept where we cannot purge it."""
    if not response.header("Surrogate-Key"):
        return response
    answer = response.without("Surrogate-Key")
    if "public" not in response.header("Cache-Control"):
        return answer
    return answer.without("Cache-Control").adding(("Cache-Control", "no-cache"))


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` header allows gzip."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="  # "q=0" and "q=0.000" say no
    return False


def is_match(wanted: str, etag: str) -> bool:
    """Whether an `If-None-Match` header names this page (weak comparison, RFC 9110, 13.1.2)."""
    return wanted.strip() == "*" or any(tag.strip().removeprefix("W/") == etag for tag in wanted.split(","))


def _shared_headers(response: Response, is_purged: bool, date: str) -> Headers:
    """What is sent with it each time. Browsers must ask again for a page that can be purged.

    `Date` comes first, where the front door looks for it: it tells when the page was made, and `Age` goes with it.
    """
    control = "no-cache" if is_purged else every(response, "Cache-Control")
    kept = response.without(*REPLACED).headers
    return [("Date", date), *kept, ("Cache-Control", control), ("Vary", "Accept-Encoding, Cookie")]


def _size(headers: Headers, tags: Collection[str]) -> int:
    lines = sum(len(name) + len(value) for name, value in headers)
    return OVERHEAD + lines + sum(TAG_BYTES + len(tag) for tag in tags)


def _gzipped(digest: str, headers: Headers, body: bytes) -> Variant | None:
    if len(body) < SMALLEST_GZIP:
        return None
    packed = gzip.compress(body, 6, mtime=0)  # without a time, so that equal pages are equal bytes
    if len(packed) >= len(body):
        return None
    return Variant.of(f'"{digest}-gz"', [*headers, ("Content-Encoding", "gzip")], packed)
