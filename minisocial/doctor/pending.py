"""What is still to be done: the outboxes, and the tasks that were given up."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from minisocial.doctor.copies import Copies
from minisocial.doctor.finding import Finding, age, counted, listed, note, shown
from minisocial.doctor.reading import UNREADABLE, open_file
from minisocial.doctor.survey import Survey

DAY = 24 * 3600 * 1000  # milliseconds


class Pending:
    """The identifiers that waiting tasks name: what such a task has yet to do is no fault."""

    def __init__(self, tasks: Iterable[frozenset[int]]) -> None:
        self._by_id: defaultdict[int, list[frozenset[int]]] = defaultdict(list)
        for task in tasks:
            for id in task:
                self._by_id[id].append(task)

    def explains(self, ids: Sequence[Any]) -> bool:
        """Whether one task names all of these."""
        wanted = frozenset(ids)
        return any(wanted <= task for task in self._by_id.get(ids[0], ()))


def pending_tasks(connection: sqlite3.Connection) -> Iterator[frozenset[int]]:
    """The numbers that each task in the outbox of a shard names."""
    for (args,) in connection.execute("SELECT args FROM outbox"):
        yield frozenset(_numbers(args))


def _numbers(args: object) -> Iterator[int]:
    try:
        given = json.loads(str(args))
    except (ValueError, RecursionError):
        return
    if isinstance(given, dict):
        yield from (value for value in given.values() if type(value) is int)


def check_outbox(survey: Survey, copies: Iterable[Copies]) -> Iterator[Finding]:
    """Tasks that wait for longer than a day of work; a site that was stopped did not work."""
    waiting, old = 0, []
    for each in copies:
        with closing(open_file(each.best.file.path, survey.is_running)) as connection:
            now = survey.clock.milliseconds() if survey.is_running else _last_change(connection)
            rows = connection.execute("SELECT task, created_at, typeof(created_at) FROM outbox").fetchall()
        waiting += len(rows)
        old += [(now - at, task) for task, at, kind in rows if kind == "integer" and now - at > DAY]
    if old:
        yield Finding(
            f"{counted(len(old), 'task')} for longer than a day in the outbox ({listed(task for _, task in old)}; the "
            f"oldest for {age(max(old)[0])})",
            "look into the log for why they fail (a mail server that does not answer?), and mend that",
        )
    elif waiting:
        when = "in a moment" if survey.is_running else "after its next start"
        yield note(f"{counted(waiting, 'task')} in the outbox, which the site will do {when}")
    else:
        yield Finding("nothing waits in the outbox")


def _last_change(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT at FROM _log ORDER BY seq DESC LIMIT 1").fetchone()
    return row[0] if row and isinstance(row[0], int) else 0


def check_queue(survey: Survey) -> Iterator[Finding]:
    """The queue's file, and the tasks that were given up."""
    yield from _broken(survey, "queue.db", "the next start begins a new one from the outbox, and nothing is lost")
    broken = list(_broken(survey, "dead.db", "the next start sets it aside and begins a new one"))
    yield from broken
    path = survey.data / "dead.db"
    if broken or not path.exists():
        return
    with closing(open_file(path, survey.is_running)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'dead_letters'").fetchone():
            return  # an empty file: the start fills it
        count = connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0]
        rows = connection.execute("SELECT name, error FROM dead_letters ORDER BY died_ms DESC LIMIT 3").fetchall()
    if count:
        told = (f"{name}: {error.strip().splitlines()[-1] if error.strip() else 'no reason'}" for name, error in rows)
        yield note(f"{counted(count, 'task')} given up after many attempts, the newest {listed(told, count)}")


def _broken(survey: Survey, name: str, remedy: str) -> Iterator[Finding]:
    path = survey.data / name
    if not path.exists():
        return
    try:
        with closing(open_file(path, survey.is_running)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except UNREADABLE as error:
        found = str(error)
    if found != "ok":
        yield Finding(f"{shown(path)} is damaged ({found})", remedy)
