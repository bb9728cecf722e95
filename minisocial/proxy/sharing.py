"""What came from a node, and with whom it may be shared."""

from dataclasses import dataclass

from minisocial.proxy.freshness import directives, every, vary
from minisocial.proxy.keys import VIEWER_VARY
from minisocial.proxy.page import Page
from minisocial.wsgi import Response


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a node answered, and the page it makes if it may be shared."""

    response: Response
    page: Page | None = None
    is_kept: bool = False
    since: int = 0  # the purge sequence when its making began
    was_there: bool = False  # no node was asked: somebody else had just brought it


def with_visitors(fetched: Fetched) -> bool | None:
    """Whether visitors may share it; None: it is a failure."""
    return None if fetched.response.code >= 500 else fetched.page is not None


def with_oneself(fetched: Fetched) -> bool | None:
    """Whether equal requests of one member may share it; None: it is a failure."""
    response = fetched.response
    if response.code >= 500:
        return None
    if response.header("Set-Cookie") or "no-store" in directives(every(response, "Cache-Control")):
        return False
    return vary(response) <= VIEWER_VARY  # what it depends on was equal
