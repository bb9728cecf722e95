"""Has an operation done by the system that runs on a data folder; where none runs, by one that is opened for it."""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from minisocial.cli import serving
from minisocial.errors import DataInUse, MinisocialError, Refused, Unavailable
from minisocial.settings import Settings
from minisocial.upkeep import operations, run_file
from minisocial.upkeep.run_file import Running

PATH = "/console/operations/"
ANSWER_SECONDS = 15.0  # for one answer: a system under load takes its time
ANSWER_BYTES = 1 << 20
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between two questions, ever longer; the last one goes on
TRIES = 5  # questions without an answer, until it is given up
SETTLE_SECONDS = 30.0  # how long replicas get to follow before a system opened for one command ends

Say = Callable[[str], None]  # told of progress; "" is nothing new


class NoAnswer(Exception):
    """Nothing answers there that is the system meant."""


def perform(settings: Settings, name: str, args: Mapping[str, str], say: Say) -> str:
    """The sentence at the end of an operation; on the way there `say` is told how far it is."""
    operation, checked = operations.checked(name, args)
    running = run_file.read(settings.data)
    if running and is_there(running):
        return ask(running, name, checked, say)
    if operation.is_live:
        raise Refused(f"No minisocial runs on {serving.shown(settings.data)}: this is for one that does.")
    if not operation.makes_data and not (settings.data / "database").is_dir():
        raise Refused(f"{serving.shown(settings.data)} holds no data yet: choose the folder with --data.")
    return do_here(settings, name, checked, say, running)


def do_here(settings: Settings, name: str, args: Mapping[str, str], say: Say, running: Running | None) -> str:
    """Opens the system for this one operation."""
    try:
        with serving.opened(settings) as system:
            outcome = operations.do(system, name, args, say)
            with suppress(Unavailable):  # a replica whose disk is away follows when it is back
                system.cluster.settle(SETTLE_SECONDS)
            return outcome
    except DataInUse as error:
        raise _in_use(settings, running) from error


def _in_use(settings: Settings, running: Running | None) -> MinisocialError:
    folder = serving.shown(settings.data)
    if running:
        return Unavailable(
            f"A minisocial runs on {folder} (process {running.pid}), but does not answer at {running.url}. "
            "Try again in a moment; if it stays so, stop it and start it again."
        )
    return Unavailable(
        f"Another minisocial uses {folder} and takes no commands: it is starting or stopping, "
        "or is at work for another command. Try again in a moment."
    )


# --- asking the one that runs


def is_there(running: Running) -> bool:
    """Whether the system that wrote the file answers: after a kill, anybody could at that address.

    A stranger there learns a token that nothing knows any more, and can not answer with the proof;
    no argument, so no password, is sent before that.
    """
    try:
        return running.is_proof(str(call(running, "GET", "hello").get("proof", "")))
    except (NoAnswer, Refused):
        return False


def ask(running: Running, name: str, args: Mapping[str, str], say: Say) -> str:
    """Has it done there, and waits; an interrupt ends the waiting, not the work."""
    try:
        job = call(running, "POST", name, args)
    except NoAnswer as error:
        raise Unavailable(f"The system did not answer ({error}): perhaps {name} has begun, perhaps not.") from error
    try:
        job = _wait(running, job, say)
    except KeyboardInterrupt:
        say(f"The running system goes on with it: {name} is its work number {job['id']}.")
        raise
    if job["state"] != "done":
        raise Refused(job["outcome"])
    return str(job["outcome"])


def _wait(running: Running, job: dict[str, Any], say: Say) -> dict[str, Any]:
    clock, shown, asked, unanswered = threading.Event(), 0, 0, 0
    while True:
        shown = _show(job, shown, say)
        if job["state"] != "running":
            return job
        clock.wait(PAUSES[min(asked, len(PAUSES) - 1)])
        asked += 1
        try:
            job, unanswered = call(running, "GET", str(job["id"])), 0
        except NoAnswer as error:
            unanswered += 1
            if unanswered >= TRIES:
                raise Unavailable(
                    f"The system does not answer any more ({error}), so how {job['name']} ended is not known. "
                    "If it was stopped, the work was broken off; otherwise it goes on."
                ) from error


def _show(job: dict[str, Any], shown: int, say: Say) -> int:
    """Tells the lines that are new, as far as they are still remembered; how many there have been."""
    new = min(job["said"] - shown, len(job["progress"]))
    for line in job["progress"][len(job["progress"]) - new :]:
        say(line)
    return int(job["said"])


def call(running: Running, method: str, what: str, args: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One question to the system, past any configured proxy; raises NoAnswer, or Refused with its sentence."""
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"}
        connection.request(method, PATH + what, None if args is None else json.dumps(args), headers)
        answer = connection.getresponse()
        given = json.loads(answer.read(ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if not isinstance(given, dict):
        raise NoAnswer("not in our language")
    if answer.status >= 400:
        raise Refused(str(given.get("error", f"status {answer.status}")))
    return given
