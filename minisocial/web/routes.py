"""How a noun tells which addresses are its own."""

from collections.abc import Callable

from minisocial import waiting, wsgi
from minisocial.web.visit import Visit

# Answers a visit; the names in the address come as keywords.
Handler = Callable[..., wsgi.Response]
# Adds a route: method, path as Bottle writes it, and who answers.
Add = Callable[[str, str, Handler], None]


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
        key = ("page", visit.here, visit.account, visit.community)
        return visit.social.derive(key, lambda: self._show(visit, **names), lambda page: len(page.body) + len(key[1]))
