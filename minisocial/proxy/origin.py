"""Where a request really comes from: forwarding headers are believed from one configured proxy only."""

import ipaddress
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# headers by which somebody in between says that the request was passed on
FORWARDING = frozenset(
    f"HTTP_{name}"
    for name in (
        "X_FORWARDED_FOR",
        "X_FORWARDED_HOST",
        "X_FORWARDED_PROTO",
        "X_FORWARDED_PORT",
        "X_FORWARDED_BY",
        "X_FORWARDED_SERVER",
        "X_FORWARDED_PREFIX",
        "X_FORWARDED_SCHEME",
        "X_FORWARDED_SSL",
        "FORWARDED",
        "FORWARDED_FOR",
        "X_REAL_IP",
        "X_CLIENT_IP",
        "X_CLUSTER_CLIENT_IP",
        "TRUE_CLIENT_IP",
        "CF_CONNECTING_IP",
        "CLIENT_IP",
        "VIA",
    )
)

# headers that frameworks take for another method or address; ours does not, and nothing behind us may
REWRITING = frozenset(
    {"HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD"}
    | {"HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL", "HTTP_X_HOST", "HTTP_PROXY"}
)

UNWANTED = FORWARDING | REWRITING

HOST_LETTERS = frozenset(string.ascii_letters + string.digits + "-._:[]")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Origin:
    """Settles, for each request, what boxes further in may rely on:

    `minisocial.client`, the address of who asks (for rate limits); `minisocial.is_local`, whether it is
    surely somebody at this very machine; `wsgi.url_scheme` and `HTTP_HOST` as the client used them.
    No forwarding header goes any further.
    """

    def __init__(self, trusted_proxy: str = "") -> None:
        self._trusted_proxy = trusted_proxy

    def is_trusted(self, environ: "WSGIEnvironment") -> bool:
        """Whether the peer is the configured proxy."""
        return bool(self._trusted_proxy) and _unmapped(environ["REMOTE_ADDR"]) == self._trusted_proxy

    def settle(self, environ: "WSGIEnvironment") -> None:
        """Writes the above into `environ`, and takes out what strangers may not say."""
        peer = _unmapped(environ["REMOTE_ADDR"])
        is_forwarded = not FORWARDING.isdisjoint(environ)
        environ["minisocial.client"] = peer
        environ["minisocial.is_local"] = (
            not is_forwarded and _is_loopback(peer) and _is_loopback(_name(environ.get("HTTP_HOST", "")))
        )
        if is_forwarded and self.is_trusted(environ):
            _believe(environ)
        for name in UNWANTED.intersection(environ):
            del environ[name]


def _believe(environ: "WSGIEnvironment") -> None:
    """Takes over what the trusted proxy says; nonsense is left aside."""
    client = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()  # earlier ones are hearsay
    if _is_address(client):
        environ["minisocial.client"] = environ["REMOTE_ADDR"] = client
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
    if scheme in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme
    host = environ.get("HTTP_X_FORWARDED_HOST", "").strip()
    if is_host(host):
        environ["HTTP_HOST"] = host


def is_host(value: str) -> bool:
    """Whether it may stand in a `Host` header: a name or address, and perhaps a port."""
    return 0 < len(value) <= 255 and HOST_LETTERS.issuperset(value)


def _name(host: str) -> str:
    """The host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else host


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _unmapped(address: str) -> str:
    """An IPv4 address that came through an IPv6 socket, as IPv4."""
    return address.removeprefix("::ffff:")
