"""A command and the system that runs: found, believed, asked, waited for; or opened for the command alone."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from minisocial.cli.remote import TRIES, ask, is_there, perform
from minisocial.database.connection import own
from minisocial.errors import Refused, Unavailable
from minisocial.settings import Settings
from minisocial.system import System
from minisocial.upkeep.run_file import NAME, RunFile, Running, read
from tests.client import Client

PASSWORD = "four words are enough"
WAIT = 20  # seconds that anything may take at most


# --- at the address stands somebody else


class Scripted(ThreadingHTTPServer):
    """Answers each question with the next of its answers, the last one again and again, and remembers what it heard."""

    daemon_threads = True

    def __init__(self, *answers: object, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Scripted)
        self.answers = list(answers)
        self.status = status
        self.heard: list[str] = []

    @property
    def running(self) -> Running:
        return Running(f"http://127.0.0.1:{self.server_port}", "a-token", "a-proof", 1, 0)


class _Scripted(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append(f"{self.command} {self.path} {body.decode()}".strip())
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            return  # hangs up
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(*answers: object, status: int = 200) -> Iterator[Scripted]:
    with Scripted(*answers, status=status) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def job(state: str = "running", progress: tuple[str, ...] = (), said: int = 0, outcome: str = "") -> dict[str, Any]:
    return {"id": 3, "name": "backup", "state": state, "progress": progress, "said": said, "outcome": outcome}


def quiet(line: str) -> None:
    pass


@pytest.mark.parametrize(
    "answer", [{}, {"proof": "b-proof"}, {"proof": ["a-proof"]}, {"proof": "ä"}, [], b"<html>", b"", b"\xff", None]
)
def test_a_stranger_at_the_address_is_not_believed_and_told_nothing(answer: object) -> None:
    with answering(answer) as stranger:
        assert not is_there(stranger.running)
        assert stranger.heard == ["GET /console/operations/hello"]


def test_where_nobody_listens_nothing_runs() -> None:
    with answering({}) as server:
        running = server.running
    assert not is_there(running)


def test_lines_of_progress_are_told_once_as_far_as_they_are_remembered() -> None:
    answers = [job(), job(progress=("a", "b"), said=2), job(progress=("b", "c"), said=3), job(progress=("x",), said=9)]
    said: list[str] = []
    with answering(*answers, job("done", ("x", "y"), 10, "All is there.")) as server:
        assert ask(server.running, "backup", {"file": "/x"}, said.append) == "All is there."
    assert said == ["a", "b", "c", "x", "y"]
    assert server.heard[:2] == ['POST /console/operations/backup {"file": "/x"}', "GET /console/operations/3"]


def test_work_that_failed_is_told_with_its_sentence() -> None:
    with answering(job("failed", outcome="The disk is full.")) as server, pytest.raises(Refused, match="disk is full"):
        ask(server.running, "backup", {}, quiet)


def test_what_the_system_refuses_is_told_with_its_sentence() -> None:
    refusal = {"error": "“verify” has been running."}
    with answering(refusal, status=503) as server, pytest.raises(Refused, match="verify"):
        ask(server.running, "backup", {}, quiet)


def test_one_that_hangs_up_at_once_leaves_it_open_whether_work_has_begun() -> None:
    with answering(None) as server, pytest.raises(Unavailable, match="perhaps backup has begun, perhaps not"):
        ask(server.running, "backup", {}, quiet)
    assert len(server.heard) == 1  # asked for once: it may have begun


def test_one_that_does_not_answer_now_and_then_is_asked_again() -> None:
    answers = [job(), *[None] * (TRIES - 1), job(), *[None] * (TRIES - 1), job("done", outcome="Done.")]
    with answering(*answers) as server:
        assert ask(server.running, "backup", {}, quiet) == "Done."


def test_one_that_does_not_answer_any_more_is_given_up() -> None:
    with answering(job(), None) as server, pytest.raises(Unavailable, match="does not answer any more"):
        ask(server.running, "backup", {}, quiet)


def test_an_interrupt_ends_the_waiting_and_says_that_the_work_goes_on() -> None:
    said: list[str] = []

    def interrupt(line: str) -> None:
        said.append(line)
        if line == "half of it":
            raise KeyboardInterrupt

    with answering(job(), job(progress=("half of it",), said=1)) as server, pytest.raises(KeyboardInterrupt):
        ask(server.running, "backup", {}, interrupt)
    assert "goes on with it: backup is its work number 3" in said[-1]


def test_a_configured_proxy_is_not_told_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({}) as proxy, answering({"proof": "a-proof"}) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.running.url)
        assert is_there(server.running)
        assert not proxy.heard


# --- who owns the folder


def test_one_that_owns_the_folder_but_does_not_answer_is_told_with_its_process(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    with answering({}) as server, closing(own(tmp_path / "database")):
        RunFile(tmp_path).announce(server.running.url)
        with pytest.raises(Unavailable, match=r"runs on .*\(process \d+\), but does not answer at http://127"):
            perform(settings(tmp_path), "promote", {"shard": "0", "place": "b"}, quiet)


def test_one_that_owns_the_folder_and_takes_no_commands_is_starting_or_stopping(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    with closing(own(tmp_path / "database")), pytest.raises(Unavailable, match="starting or stopping"):
        perform(settings(tmp_path), "promote", {"shard": "0", "place": "b"}, quiet)


def test_a_folder_without_data_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"holds no data yet.*--data"):
        perform(settings(tmp_path / "data"), "shards-add", {}, quiet)
    assert not (tmp_path / "data").exists()


def test_odd_arguments_are_refused_before_anything_is_asked_or_opened(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="knows no 'colour'"):
        perform(settings(tmp_path / "data"), "promote", {"shard": "0", "place": "b", "colour": "red"}, quiet)


# --- real systems


def settings(data: Path, **changed: Any) -> Settings:
    return Settings(**{"data": data, "port": 0, "rate_limits": False, "password_cost": 4, **changed})


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(settings(tmp_path / "data"))
    system.start()
    yield system
    system.stop()


def leader(system: System, shard: str) -> str:
    copies = next(each.copies for each in system.cluster.snapshot().shards if each.name == shard)
    return next((copy.name for copy in copies if copy.role == "primary"), "")


def test_a_command_acts_on_the_system_that_runs(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    here, said = system.settings, list[str]()
    assert perform(here, "promote", {"shard": "0", "place": "b"}, said.append) == "Place b leads shard 0 now."
    assert leader(system, "0") == "b"
    assert perform(here, "replicas-add", {}, said.append) == "Place d has a copy of every shard."
    assert [place.name for place in system.cluster.places] == ["a", "b", "c", "d"] and "is being filled" in said[0]
    table = perform(here, "shards-list", {}, quiet)
    assert "Place d: database/d" in table
    account = {"name": "grace", "email": "grace@example.org", "password": PASSWORD, "role": "admin"}
    assert perform(here, "user-create", account, quiet) == "grace can log in now."
    assert Client(system.url).get("/login").submit("Log in", username="grace", password=PASSWORD).page.status == 200
    with pytest.raises(Refused, match="no place x"):
        perform(here, "replicas-remove", {"place": "x"}, quiet)
    assert "d now" in perform(here, "replicas-remove", {"place": "a"}, quiet)
    secrets = (system.run_file.running.token, system.run_file.running.proof, PASSWORD)
    told = [caplog.text, *(Client(system.url).get(path).page.body for path in ("/console", "/console/status.json"))]
    assert not [secret for secret in secrets for text in told if secret in text]


def test_everything_else_a_host_can_ask_for_is_done_while_it_runs(system: System, tmp_path: Path) -> None:
    here = system.settings
    assert "Shard 2 is there" in perform(here, "shards-add", {}, quiet)
    assert perform(here, "shards-move", {"logical": "5", "shard": "2"}, quiet) == "Logical shard 5 lies on shard 2 now."
    assert "32 on 0, 31 on 1, 1 on 2" in perform(here, "shards-list", {}, quiet)
    assert perform(here, "shards-spread", {}, quiet) == "Every shard has its share: 22 on 0, 21 on 1, 21 on 2."
    assert "everything is equal" in perform(here, "verify", {"shard": "0"}, quiet)
    file = tmp_path / "backup.zip"
    assert perform(here, "backup", {"file": str(file)}, quiet).startswith(f"{file} is written.")
    assert file.stat().st_mode & 0o077 == 0


def test_a_shard_without_a_primary_is_a_sentence(system: System) -> None:
    for place in system.cluster.places:
        for path in place.folder.glob("shard-0-*"):
            path.unlink()
    with pytest.raises(Refused, match="shard 0"):
        perform(system.settings, "promote", {"shard": "0", "place": "c"}, quiet)
    assert "directory" in perform(system.settings, "shards-list", {}, quiet)


def test_a_stop_breaks_off_what_runs_and_meanwhile_nothing_else_is_begun(system: System) -> None:
    begun = threading.Event()

    def endless(progress: Any) -> str:
        while True:
            begun.set()
            progress("")

    system.jobs.begin("backup", endless)
    assert begun.wait(WAIT)
    with pytest.raises(Refused, match="“backup” has been running"):
        perform(system.settings, "shards-add", {}, quiet)
    system.stop()
    outcomes = [each.outcome for each in system.jobs.snapshot().finished]
    assert outcomes == ["It was broken off, because the system was stopped."]
    assert read(system.settings.data) is None


def test_without_a_running_system_one_is_opened_and_what_a_killed_one_left_does_no_harm(tmp_path: Path) -> None:
    here = settings(tmp_path)
    account = {"name": "ada", "email": "ada@example.org", "password": PASSWORD}
    assert perform(here, "user-create", account, quiet) == "ada can log in now."
    with answering({"proof": "of a stranger"}) as stranger:
        RunFile(tmp_path).announce(stranger.running.url)
        assert "can log in" in perform(here, "user-reset-password", {"name": "ada", "password": PASSWORD * 2}, quiet)
        assert perform(here, "promote", {"shard": "0", "place": "b"}, quiet) == "Place b leads shard 0 now."
        assert not [heard for heard in stranger.heard if not heard.endswith("hello")]
    system = System(here)
    system.start()
    try:
        assert leader(system, "0") == "b"
        assert read(tmp_path) == system.run_file.running
        Client(system.url).get("/login").submit("Log in", username="ada", password=PASSWORD * 2)
    finally:
        system.stop()
    assert not (tmp_path / NAME).exists()
