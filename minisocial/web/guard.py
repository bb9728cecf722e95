"""Who may send a form: not another site in the person's name.

A logged-in person's forms carry their session's token. Before log-in a form carries the value of a
cookie that only this site could set and no script can read (double submit). Beside the token, what
the browser itself says about where a form comes from (`Sec-Fetch-Site`, `Origin`) must fit.
"""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from minisocial.errors import Forbidden

PRE = "pre"  # the cookie of forms before log-in
FORM_EXPIRED = "This form was open for too long, or came from another page. Nothing was changed. Please send it again."
ELSEWHERE = "This form was sent from another site, so we did not follow it. Nothing was changed."


def new_token() -> str:
    return secrets.token_hex(16)


def is_token(text: str) -> bool:
    """Whether a cookie's value can be one of ours."""
    return len(text) == 32 and text.isascii() and text.isalnum()


def check_origin(environ: Mapping[str, Any], public_url: str) -> None:
    """`Forbidden` if the browser says that the form comes from another site."""
    site = environ.get("HTTP_SEC_FETCH_SITE", "")
    origin = environ.get("HTTP_ORIGIN", "")
    if site:
        if site not in ("same-origin", "none"):
            raise Forbidden(ELSEWHERE)
    elif origin and not _is_ours(origin, environ, public_url):
        raise Forbidden(ELSEWHERE)


def _is_ours(origin: str, environ: Mapping[str, Any], public_url: str) -> bool:
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(host) and host in (environ.get("HTTP_HOST", ""), urlsplit(public_url).netloc)


def check_token(sent: str, expected: str) -> None:
    """`Forbidden` unless the form's token is the one expected."""
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Forbidden(FORM_EXPIRED)
