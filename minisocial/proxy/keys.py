"""What of a request an answer may depend on: the address a page is kept under, and who looks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Address = tuple[bool, str, str, str, str]  # is local, scheme, host, path, query

LONGEST = 1024  # characters of host, path and query; longer ones are nobody's bookmark
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CONDITIONS = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
)

# what an answer to somebody who is logged in may depend on, besides the address
VIEWER = (
    "HTTP_COOKIE",
    "HTTP_AUTHORIZATION",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_X_REQUESTED_WITH",
    *CONDITIONS,
)
VIEWER_VARY = frozenset(name.removeprefix("HTTP_").replace("_", "-").lower() for name in VIEWER)


def address(environ: "WSGIEnvironment") -> Address:
    """What a page for visitors is kept under: all of the request that any page may depend on."""
    return (
        environ.get("minisocial.is_local", False),
        environ["wsgi.url_scheme"],
        environ.get("HTTP_HOST", ""),
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
    )


def is_too_long(key: Address) -> bool:
    return len(key[2]) + len(key[3]) + len(key[4]) > LONGEST


def unconditional(environ: "WSGIEnvironment") -> "WSGIEnvironment":
    """The request as a GET for the whole page, whatever part of it this client needs."""
    whole = environ | {"REQUEST_METHOD": "GET"}
    for name in CONDITIONS:
        whole.pop(name, None)
    return whole
