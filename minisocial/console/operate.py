"""How a command on this machine acts on the running system: it shows the token that lies in the data folder."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from minisocial.errors import MethodNotAllowed, MinisocialError, NotFound, Refused, TooLarge
from minisocial.upkeep.jobs import JobSnapshot
from minisocial.wsgi import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/console/operations/"
HELLO = "hello"  # its answer proves to the one who asks that it is talking to the system it means
LONGEST = 16 << 10  # bytes of a body
REASONS = {200: "OK", 202: "Accepted"}


class Operate:
    """Answers below `/console/operations/`, to whoever sends the token, and to nobody else.

    A browser does not have the token, and cookies count for nothing here; so no page can make a
    browser act, whatever name it reaches us by. Without the token there is no such address.
    """

    def __init__(
        self,
        is_token: Callable[[str], bool],
        proof: str,
        begin: Callable[[str, Mapping[str, object]], JobSnapshot],
        find: Callable[[int], JobSnapshot | None],
    ) -> None:
        """`begin` has an operation done, with these arguments; `find` knows a job by its number."""
        self._is_token = is_token
        self._proof = proof
        self._begin = begin
        self._find = find

    def __call__(self, environ: "WSGIEnvironment", what: str) -> Response | None:
        """The answer at the address `/console/operations/<what>`; None for a stranger."""
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not self._is_token(token.strip()):
            return None
        try:
            return self._answer(environ, what)
        except MinisocialError as error:
            return _json(error.status, {"error": str(error)})

    def _answer(self, environ: "WSGIEnvironment", what: str) -> Response:
        method = environ["REQUEST_METHOD"]
        if method == "POST":
            return _json(202, asdict(self._begin(what, _arguments(environ))))
        if method != "GET":
            raise MethodNotAllowed("Work is asked for with POST, and asked after with GET.")
        if what == HELLO:
            return _json(200, {"proof": self._proof})
        job = self._find(int(what)) if what.isdecimal() and len(what) < 10 else None
        if job is None:
            raise NotFound("There is no work of that number; only the last outcomes are remembered.")
        return _json(200, asdict(job))


def _arguments(environ: "WSGIEnvironment") -> Mapping[str, object]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > LONGEST:
        raise TooLarge(f"The arguments are too long: {LONGEST >> 10} KiB can be sent. Nothing was done.")
    try:
        given = json.loads(environ["wsgi.input"].read(length) or b"{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Refused("The arguments must be a JSON object of texts. Nothing was done.")
    return given


def _json(status: int, content: dict[str, Any]) -> Response:
    body = json.dumps(content).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    return Response(f"{status} {REASONS.get(status, 'Refused')}", headers, body)
