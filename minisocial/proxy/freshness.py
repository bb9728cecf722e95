"""What a message says about keeping it: the parts of RFC 9111 and RFC 5861 that a shared cache needs.

Stricter than it must be where that is safe: only what says `public` and for how long is kept, so nothing
is ever kept by guessing (no heuristics), and nobody's mistake is kept for longer than a day.
"""

import re
from dataclasses import dataclass

from minisocial.wsgi import Response

NEVER = frozenset({"private", "no-store", "no-cache"})
NEVER_STALE = frozenset({"must-revalidate", "proxy-revalidate", "s-maxage"})  # RFC 9111, 4.2.4 and 5.2.2.10
UNDERSTOOD_VARY = frozenset({"accept-encoding", "cookie"})
LONGEST = 86_400  # seconds
_DIRECTIVE = re.compile(r'([^\s,=;"]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"?|[^\s,;]*))?')


@dataclass(frozen=True, slots=True)
class Freshness:
    """For how many seconds a page is fresh, and for how many more it may be shown."""

    fresh: int
    while_revalidate: int  # a stale page is shown while a new one is fetched
    if_error: int  # a stale page is shown because no new one can be had


def directives(cache_control: str) -> dict[str, str]:
    """`Cache-Control` as a dictionary; names in lower case, a directive without a value has "".

    Of one that is given twice the first counts (RFC 9111, 4.2.1).
    """
    said: dict[str, str] = {}
    for name, value in _DIRECTIVE.findall(cache_control):
        said.setdefault(name.lower(), value.strip('"'))
    return said


def freshness(response: Response) -> Freshness | None:
    """How long a response may be kept for everybody from when it was made; None if it may not."""
    said = directives(every(response, "Cache-Control"))
    if "public" not in said or said.keys() & NEVER or not _is_alike_for_all(response):
        return None
    fresh = _seconds(said.get("s-maxage", said.get("max-age", "")))
    if not fresh:
        return None
    if said.keys() & NEVER_STALE:
        return Freshness(fresh, 0, 0)
    return Freshness(fresh, _seconds(said.get("stale-while-revalidate", "")), _seconds(said.get("stale-if-error", "")))


def age(response: Response) -> int:
    """Seconds that a response was kept by somebody else before it came to us; nonsense counts as none."""
    return _seconds(response.header("Age"))


def varies_by_cookie(response: Response) -> bool:
    """Whether it may only be given to those who send no cookie at all."""
    return "cookie" in vary(response)


def vary(response: Response) -> set[str]:
    """The request headers an answer depends on, in lower case."""
    return {name.strip().lower() for name in every(response, "Vary").split(",") if name.strip()}


def every(response: Response, name: str, between: str = ", ") -> str:
    """All headers of that name as one: a list may come in several lines (RFC 9110, 5.3)."""
    name = name.lower()
    return between.join([value for key, value in response.headers if key.lower() == name])


def _is_alike_for_all(response: Response) -> bool:
    if response.code != 200 or not vary(response) <= UNDERSTOOD_VARY:
        return False
    return not any(response.header(name) for name in ("Set-Cookie", "Content-Encoding", "Content-Range"))


def _seconds(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        return 0
    return min(int(value), LONGEST) if len(value) < 10 else LONGEST
