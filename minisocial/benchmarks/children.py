"""The processes of a benchmark: the system under test, the bare server, the load generator."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from minisocial.benchmarks.client import Job, Result
from minisocial.benchmarks.emptied import Emptied
from minisocial.benchmarks.open_loop import Offer, Outcome
from minisocial.errors import Unavailable

ADDRESS = re.compile(r"http://([\w.]+):(\d+)")
PORT = re.compile(r"()(\d+)")
START_SECONDS = 60.0
STOP_SECONDS = 10.0
LONGEST_RUN = 300.0  # seconds


class Server:
    """A child process that serves on a port; what it says goes to a file."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def status(self) -> dict[str, Any]:
        """The system's own snapshot."""
        with urlopen(f"http://127.0.0.1:{self.port}/console/status.json", timeout=20) as answer:
            return dict(json.load(answer))

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        return int(self.status()["process"]["rss_bytes"])

    @property
    def waiting(self) -> int:
        """Tasks that are not done yet."""
        status = self.status()
        return int(status["queue"]["depth"]) + int(status["outbox"]["depth"])


@contextmanager
def system(folder: Path, log: Path, **settings: str) -> Iterator[Server]:
    """A whole minisocial on a data folder, with default settings but for the rate limits and those given."""
    given = {f"MINISOCIAL_{name.upper()}": value for name, value in {"rate_limits": "off", **settings}.items()}
    environment = {**os.environ, **given}
    with serving(["minisocial", "serve", "--data", str(folder), "--port", "0"], ADDRESS, log, environment) as server:
        yield server


@contextmanager
def bare(threads: int, log: Path) -> Iterator[Server]:
    """Bare Waitress."""
    with serving(["minisocial.benchmarks.bare", str(threads)], PORT, log, dict(os.environ)) as server:
        yield server


@contextmanager
def chain(kind: str, threads: int, at_once: bool, log: Path) -> Iterator[Server]:
    """An empty application, "alone" or at the end of the whole "chain"."""
    command = ["minisocial.benchmarks.chain", kind, str(threads), *(["at-once"] if at_once else [])]
    with serving(command, PORT, log, dict(os.environ)) as server:
        yield server


@contextmanager
def boxes(app: Mapping[str, float | str], log: Path) -> Iterator[Server]:
    """The boxes from front door to node around an application that does nothing but take its time."""
    command = ["minisocial.benchmarks.balancer.boxes", json.dumps(app)]
    with serving(command, PORT, log, dict(os.environ)) as server:
        yield server


def switch(name: str, value: str, folder: Path, log: Path) -> None:
    """Changes a switch of the system that runs on a folder."""
    _finished(["minisocial", "switch", name, value, "--data", str(folder)], log)


def emptied(folder: Path, times: int, log: Path) -> Emptied:
    """Pages of a system whose caches are emptied before each."""
    return Emptied(**json.loads(_finished(["minisocial.benchmarks.emptied", str(folder), str(times)], log)))


def seed(folder: Path, graph: Path, posts: int, log: Path) -> None:
    """Fill a data folder, in a process that is gone afterwards with its memory."""
    _finished(["minisocial", "seed", "--data", str(folder), "--graph", str(graph), "--posts", str(posts)], log)


def _finished(command: Sequence[str], log: Path) -> str:
    """Run a Python module to its end; what it printed. `Unavailable` if it failed."""
    with log.open("a") as said:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", *command],
            stdout=subprocess.PIPE, stderr=said, timeout=LONGEST_RUN, cwd=_here(), text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"{' '.join(command[:2])} failed: {_last_words(log)}")
    return done.stdout


@contextmanager
def serving(command: Sequence[str], address: "re.Pattern[str]", log: Path, environ: dict[str, str]) -> Iterator[Server]:
    """A Python module as a server; it is ended with the block, whatever happens in it."""
    with log.open("a") as said:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *command],
            stdout=subprocess.PIPE, stderr=said, env=environ, cwd=_here(), text=True, start_new_session=True,
        )  # fmt: skip
    try:
        yield Server(process, _port(process, address, log))
    finally:
        _end(process)


def _port(process: "subprocess.Popen[str]", address: "re.Pattern[str]", log: Path) -> int:
    """Read what it prints until it says where it is."""
    assert process.stdout is not None
    overdue = threading.Timer(START_SECONDS, process.kill)
    overdue.start()
    try:
        for line in process.stdout:
            if found := address.search(line):
                threading.Thread(target=process.stdout.read, daemon=True).start()  # so that it never blocks on us
                return int(found[2])
    finally:
        overdue.cancel()
    raise Unavailable(f"A server did not start: {_last_words(log)}")


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
    finally:
        if process.stdout is not None:
            process.stdout.close()


def generate(job: Job) -> Result:
    """Run the load generator."""
    return Result(**_answer("minisocial.benchmarks.client", asdict(job), job.seconds))


def offer(it: Offer) -> Outcome:
    """Run the open-loop load generator."""
    return Outcome(**_answer("minisocial.benchmarks.open_loop", asdict(it), it.seconds))


def _answer(module: str, job: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What a module prints as JSON for a job that takes so long, in a process of its own."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", module],
        input=json.dumps(job), capture_output=True, text=True, timeout=seconds + 60, cwd=_here(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"The load generator failed: {done.stderr.strip()[-300:]}")
    return dict(json.loads(done.stdout))


def _here() -> Path:
    """The folder the package lies in, so that a child finds it from wherever we were called."""
    return Path(__file__).resolve().parents[2]


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-300:] or "it said nothing."
