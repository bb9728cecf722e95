"""What a response says about keeping it: the parts of RFC 9111 and RFC 5861 that a shared cache needs."""

from dataclasses import dataclass

from minisocial.wsgi import Response

NEVER = frozenset({"private", "no-store", "no-cache"})
UNDERSTOOD_VARY = frozenset({"accept-encoding", "cookie"})
LONGEST = 86_400  # seconds; nobody's mistake is kept for longer


@dataclass(frozen=True, slots=True)
class Freshness:
    """For how many seconds a page is fresh, and for how many more it may be shown."""

    fresh: int
    while_revalidate: int  # a stale page is shown while a new one is fetched
    if_error: int  # a stale page is shown because no new one can be had


def directives(cache_control: str) -> dict[str, str]:
    """`Cache-Control` as a dictionary; names in lower case, a directive without a value has ""."""
    pairs = (part.partition("=") for part in cache_control.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs if name.strip()}


def freshness(response: Response) -> Freshness | None:
    """How long a response may be kept for everybody; None if it may not."""
    said = directives(response.header("Cache-Control"))
    if "public" not in said or said.keys() & NEVER or not _is_alike_for_all(response):
        return None
    fresh = _seconds(said.get("s-maxage", said.get("max-age", "")))
    if not fresh:
        return None
    return Freshness(fresh, _seconds(said.get("stale-while-revalidate", "")), _seconds(said.get("stale-if-error", "")))


def varies_by_cookie(response: Response) -> bool:
    """Whether it may only be given to those who send no cookie at all."""
    return "cookie" in _vary(response)


def _is_alike_for_all(response: Response) -> bool:
    if response.code != 200 or not _vary(response) <= UNDERSTOOD_VARY:
        return False
    return not any(response.header(name) for name in ("Set-Cookie", "Content-Encoding", "Content-Range"))


def _vary(response: Response) -> set[str]:
    named = ",".join(value for key, value in response.headers if key.lower() == "vary")
    return {name.strip().lower() for name in named.split(",") if name.strip()}


def _seconds(value: str) -> int:
    return min(int(value), LONGEST) if value.isascii() and value.isdigit() else 0
