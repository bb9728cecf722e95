"""The address by which a command acts on the running system: there for whoever has the token, for nobody else."""

import io
import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from minisocial.console import ConsoleContext, build_console
from minisocial.console.operate import LONGEST, Operate
from minisocial.errors import Overloaded, Refused
from minisocial.trace import Tracer
from minisocial.upkeep.jobs import JobSnapshot
from minisocial.wsgi import Response, call, plain
from tests.console.fakes import snapshot

TOKEN = "a-token-of-this-test"
JOB = JobSnapshot(7, "backup", "running", ("half of it",), 1, "", 1_800_000_000_000, 2.5)


class Site:
    """A console that operates; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, object]]] = []
        self.error: Exception | None = None
        self.app = build_console(
            ConsoleContext(
                snapshot=snapshot,
                tracer=Tracer(),
                is_allowed=lambda environ: bool(environ.get("minisocial.is_local")),
                static=lambda name: name,
                error_page=lambda environ, status, message: plain(f"{status} Refused", message, ("X-Page", "error")),
                version="1.2.3",
                operate=Operate(TOKEN.__eq__, "a-proof", self.begin, {7: JOB}.get),
            )
        )

    def begin(self, name: str, args: Mapping[str, object]) -> JobSnapshot:
        self.asked.append((name, args))
        if self.error:
            raise self.error
        return JOB

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **environ: Any) -> Response:
        """One request from this machine, with the token unless told otherwise."""
        return call(
            self.app,
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": "",
                "SCRIPT_NAME": "",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
                "wsgi.errors": io.StringIO(),
                "minisocial.is_local": True,
                "HTTP_AUTHORIZATION": f"Bearer {TOKEN}",
                **environ,
            },
        )


def asked(body: bytes) -> Response:
    """The answer to one POST, which must have been refused before anything began."""
    site = Site()
    answer = site.ask("/console/operations/backup", "POST", body)
    assert not site.asked
    return answer


def sentence(answer: Response) -> str:
    return str(json.loads(answer.body)["error"])


def test_work_is_asked_for_and_asked_after() -> None:
    site = Site()
    answer = site.ask("/console/operations/backup", "POST", b'{"file": "/tmp/x.zip"}')
    assert answer.code == 202 and site.asked == [("backup", {"file": "/tmp/x.zip"})]
    assert json.loads(answer.body)["id"] == 7
    told = json.loads(site.ask("/console/operations/7").body)
    assert (told["state"], told["progress"], told["said"], told["seconds"]) == ("running", ["half of it"], 1, 2.5)
    assert answer.header("Cache-Control") == "no-store"


def test_without_arguments_there_are_none() -> None:
    site = Site()
    assert site.ask("/console/operations/shards-add", "POST").code == 202
    assert site.asked == [("shards-add", {})]


def test_it_proves_that_it_is_the_one_that_is_meant() -> None:
    assert json.loads(Site().ask("/console/operations/hello").body) == {"proof": "a-proof"}


@pytest.mark.parametrize(
    "authorization",
    [
        {"HTTP_AUTHORIZATION": ""},
        {"HTTP_AUTHORIZATION": "Bearer "},
        {"HTTP_AUTHORIZATION": f"Bearer {TOKEN}x"},
        {"HTTP_AUTHORIZATION": f"Bearer {TOKEN[:-1]}"},
        {"HTTP_AUTHORIZATION": TOKEN},
        {"HTTP_AUTHORIZATION": f"Basic {TOKEN}"},
        {"HTTP_AUTHORIZATION": "Bearer \xff\xfe"},
        {"HTTP_AUTHORIZATION": "", "HTTP_COOKIE": f"session={TOKEN}; token={TOKEN}; Authorization=Bearer {TOKEN}"},
        {"HTTP_AUTHORIZATION": "", "QUERY_STRING": f"token={TOKEN}&access_token={TOKEN}"},
        {"HTTP_AUTHORIZATION": "", "HTTP_X_AUTHORIZATION": f"Bearer {TOKEN}"},
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
def test_without_the_token_there_is_no_such_address_not_even_on_this_machine(
    authorization: dict[str, str], is_local: bool
) -> None:
    site = Site()
    nothing = site.ask("/console/nothing", **{**authorization, "minisocial.is_local": is_local})
    assert nothing.code == 404
    for what in ("backup", "hello", "7", "nonsense"):
        for method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
            path = f"/console/operations/{what}"
            answer = site.ask(path, method, b"{}", **{**authorization, "minisocial.is_local": is_local})
            assert (answer.code, answer.headers) == (404, nothing.headers)
            assert answer.body == (b"" if method == "HEAD" else nothing.body)
    assert not site.asked


def test_a_form_that_a_browser_could_send_does_nothing() -> None:
    """Whatever page it stands on, and by whatever name it reaches this machine: it does not know the token."""
    site = Site()
    kinds = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x")
    for kind in kinds:
        more = {"CONTENT_TYPE": kind, "HTTP_COOKIE": "session=of-an-admin", "HTTP_HOST": "127.0.0.1:8000"}
        answer = site.ask("/console/operations/backup", "POST", b'{"file": "/x"}', HTTP_AUTHORIZATION="", **more)
        assert answer.code == 404 and answer.header("Access-Control-Allow-Origin") == ""
    assert not site.asked


def test_with_the_token_it_is_there_for_the_host_however_they_come() -> None:
    assert Site().ask("/console/operations/7", **{"minisocial.is_local": False}).code == 200
    assert Site().ask("/console/operations/7", HTTP_AUTHORIZATION=f"bearer {TOKEN}").code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
def test_work_is_only_asked_for_in_the_one_way(method: str) -> None:
    site = Site()
    assert site.ask("/console/operations/backup", method, b"{}").code == 405
    assert not site.asked


@pytest.mark.parametrize("what", ["8", "0", "-7", "7.0", "nonsense", "9" * 5000, "٧", "²"])
def test_what_is_no_work_of_ours_is_not_found(what: str) -> None:
    answer = Site().ask(f"/console/operations/{what}".encode().decode("latin-1"))
    assert answer.code == (200 if what == "٧" else 404)  # a seven is a seven


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"x"', b"{", b"a=b", b"\xff", b"[" * 9000, b'{"a": NaN'])
def test_arguments_that_are_no_object_are_refused(body: bytes) -> None:
    answer = asked(body)
    assert answer.code == 400 and "JSON object" in sentence(answer)


def test_arguments_without_end_are_refused_unread() -> None:
    answer = asked(b'{"file": "' + b"x" * LONGEST + b'"}')
    assert answer.code == 413 and "too long" in sentence(answer)


def test_what_is_refused_is_told_as_a_sentence() -> None:
    site = Site()
    for error, code in ((Refused("There is no operation x."), 400), (Overloaded("“backup” has been running."), 503)):
        site.error = error
        answer = site.ask("/console/operations/backup", "POST", b"{}")
        assert (answer.code, sentence(answer)) == (code, str(error))


def test_the_token_is_nowhere_to_be_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site = Site()
    site.error = KeyError("a mistake of ours")
    broken = site.ask("/console/operations/backup", "POST", b"{}")
    answers = [broken, *(site.ask(path) for path in ("/console", "/console/status.json", "/metrics"))]
    assert broken.code == 500 and "a mistake of ours" in caplog.text
    assert all(TOKEN.encode() not in answer.body for answer in answers) and TOKEN not in caplog.text
