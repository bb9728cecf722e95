"""Tasks at the host's desk: what was given up, replayed or discarded; the workers, as a command changes them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from minisocial.background import Background, DeadLetter, WorkersSnapshot
from minisocial.errors import Refused
from minisocial.upkeep.table import table

SHOWN = 100  # dead letters in a list


class Audit(Protocol):
    """Where it is written down that somebody gave something up for good."""

    def note(self, actor: int | None, action: str, subject: str, detail: str = "") -> None: ...


class Desk:
    """What a host can do about tasks that failed for good; on a page, and on the command line."""

    def __init__(self, background: Background, audit: Audit) -> None:
        self._background = background
        self._audit = audit

    def trouble(self) -> str:
        """Why tasks have been waiting for more than a minute; "" if none has."""
        return self._background.trouble()

    def dead(self, limit: int = SHOWN) -> Sequence[DeadLetter]:
        """The newest dead letters."""
        return self._background.dead(limit)

    def find(self, name: str) -> DeadLetter:
        """The dead letter that lists call "<shard>:<id>"; raises NotFound."""
        return self._background.dead_letter(*_parts(name))

    def replay(self, name: str) -> None:
        """Has the task done as if for the first time."""
        self._background.replay(*_parts(name))

    def replay_all(self) -> int:
        """The same for all; how many."""
        return self._background.replay_all()

    def discard(self, name: str, reason: str, actor: int | None = None) -> DeadLetter:
        """Gives a task up for good. Who did so and why is in the audit log before the letter is gone."""
        reason = reason.strip()
        if not reason:
            raise Refused("Please say why it may be given up: that goes into the audit log.")
        letter = self.find(name)
        self._audit.note(actor, "discard", f"task {letter.name} {name}", f"{reason} (it said: {letter.reason})")
        return self._background.discard(letter.shard, letter.id)


def _parts(name: str) -> tuple[str, int]:
    shard, _, id = name.rpartition(":")
    if not shard or not (id.isascii() and id.isdigit() and len(id) < 20):
        raise Refused(f"{name[:60]!r} names no dead letter: the list calls them like this, 0:117964800000000000.")
    return shard, int(id)


def name_of(letter: DeadLetter) -> str:
    """What lists call it."""
    return f"{letter.shard}:{letter.id}"


def listing(letters: Sequence[DeadLetter]) -> str:
    """Dead letters as a table."""
    if not letters:
        return "There are no dead letters."
    rows = [(name_of(each), each.name, str(each.attempts), when(each.died_ms), each.reason) for each in letters]
    return "\n".join(table([("letter", "task", "attempts", "given up", "error"), *rows]))


def full(letter: DeadLetter) -> str:
    """All there is to know of one; what is secret in its arguments stays so."""
    lines = [
        ("letter", name_of(letter)),
        ("task", letter.name),
        ("arguments", json.dumps(letter.shown_args, ensure_ascii=False)),
        ("attempts", str(letter.attempts)),
        ("caused", when(letter.created_ms)),
        ("given up", when(letter.died_ms)),
        ("trace", letter.request_id or "–"),
    ]
    return "\n".join([*table(lines), "", letter.error.rstrip()])


def when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000).strftime("%Y-%m-%d %H:%M:%S")


def workers(found: WorkersSnapshot) -> str:
    """The workers, and what they are at."""
    head = f"{found.number} of {found.wanted} workers, {found.state}."
    if found.stuck:
        head += f" {found.stuck} more do not stop, and were replaced."
    rows = [(each.task, f"{each.shard}:{each.id}", str(each.attempt), f"{each.seconds:.1f}") for each in found.at_work]
    lines = [*table([("at work", "task", "attempt", "seconds"), *rows])] if rows else ["None of them is at work."]
    return "\n".join([head, *lines, *([found.trouble] if found.trouble else [])])


def set_workers(background: Background, number: str) -> str:
    if not (number.isascii() and number.isdigit() and len(number) < 4):
        raise Refused(f"{number[:20]!r} is no number of workers.")
    background.set_workers(int(number))
    return f"There are {int(number)} workers now, until the system stops; the setting says with how many it starts."
