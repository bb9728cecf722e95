"""How a noun tells which addresses are its own."""

from collections.abc import Callable

from minisocial import waiting, wsgi
from minisocial.web.visit import Visit

# Answers a visit; the names in the address come as keywords.
Handler = Callable[..., wsgi.Response]
# Adds a route: method, path as Bottle writes it, and who answers.
Add = Callable[[str, str, Handler], None]


class FromElsewhere:
    """A POST that comes from no form of ours, by somebody not logged in: its very address proves that it may."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle

    def __call__(self, visit: Visit, **names: str) -> wsgi.Response:
        return self._handle(visit, **names)


class Kept:
    """A page that the node keeps for each member, finished, until something it shows has changed.

    It may depend on the address, on who looks, and on what comes through the cache; on no other part
    of the request.
    """

    def __init__(self, show: Handler) -> None:
        self._show = show

    def __call__(self, visit: Visit, **names: str) -> wsgi.Response:
        if visit.account is None:  # visitors' pages are kept by the proxy
            waiting.ahead()  # and this one is not
            return self._show(visit, **names)
        address = visit.path, visit.environ.get("QUERY_STRING", "")
        key = ("page", *address, visit.account, visit.community)
        just_made: list[wsgi.Response] = []

        def make() -> wsgi.Response:
            just_made.append(self._show(visit, **names))
            return just_made[0].adding(_status(visit, "hit"))  # kept with what it will say then

        page = visit.social.derive(key, make, lambda page: len(page.body) + sum(map(len, address)))
        return just_made[0].adding(_status(visit, "fwd=uri-miss")) if just_made else page


def _status(visit: Visit, note: str) -> tuple[str, str]:
    """What this node's memory did (RFC 9211); the proxy adds its own after it."""
    return ("Cache-Status", f"{visit.site.context.node}; {note}")
