"""Dead letters: tasks that were given up, with all that is needed to see why and to try again."""

import json
import os
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial.background.outbox import Task, arguments
from minisocial.clock import Clock

SECRET = ("password", "token", "secret", "link")  # parts of the names of arguments that nobody is shown
HIDDEN = "(not shown)"
REASON_LIMIT = 300  # characters

TABLE = """
CREATE TABLE IF NOT EXISTS dead_letters (
    shard       TEXT NOT NULL,
    id          INTEGER NOT NULL,           -- of the outbox row it was
    name        TEXT NOT NULL,
    args        TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    error       TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    died_ms     INTEGER NOT NULL,
    PRIMARY KEY (shard, id)
)
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A task that was given up."""

    shard: str
    id: int
    name: str
    args: dict[str, Any]
    attempts: int
    error: str  # the end of the traceback
    request_id: str
    created_ms: int
    died_ms: int

    @property
    def shown_args(self) -> dict[str, Any]:
        """The arguments as people may see them."""
        return {name: HIDDEN if any(each in name for each in SECRET) else value for name, value in self.args.items()}

    @property
    def reason(self) -> str:
        """What its error comes down to: the last line, without the module of its class."""
        kind, colon, text = (self.error.strip().splitlines() or ["nothing"])[-1].partition(": ")
        kind = kind.rpartition(".")[2] if kind.replace(".", "").isidentifier() else kind
        return f"{kind}{colon}{text}"[:REASON_LIMIT]


class DeadLetters:
    """A small file of its own. What is added is on disk before the outbox row goes."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()  # guards _connection: one statement at a time
        self._connection: sqlite3.Connection | None = None
        self._may_hold_some = True  # False: surely empty, so that no task has to be looked up

    def open(self) -> None:
        """Opens the file; a damaged one is set aside under another name, never deleted."""
        try:
            self._connection = self._connect()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._file.rename(self._file.with_suffix(f".damaged-{self._clock.milliseconds()}"))
            self._connection = self._connect()
        self._may_hold_some = self.count() > 0

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def add(self, task: Task, error: str) -> None:
        """Records a task as given up; doing it twice records it once."""
        args = json.dumps(task.args)
        row = (task.shard, task.id, task.name, args, task.attempt, error, task.request_id, task.created_ms)
        self._may_hold_some = True
        sql = "INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._run(sql, (*row, self._clock.milliseconds()))

    def holds(self, shard: str, id: int) -> bool:
        """Whether a task is among them: asked before every attempt."""
        return self._may_hold_some and self.find(shard, id) is not None

    def find(self, shard: str, id: int) -> DeadLetter | None:
        rows = self._run("SELECT * FROM dead_letters WHERE shard = ? AND id = ?", (shard, id))
        return _letter(rows[0]) if rows else None

    def newest(self, limit: int) -> list[DeadLetter]:
        """Those given up last, newest first."""
        return [_letter(row) for row in self._run("SELECT * FROM dead_letters ORDER BY died_ms DESC LIMIT ?", (limit,))]

    def oldest(self, until_ms: int, limit: int) -> list[DeadLetter]:
        """Those given up first, of all that were given up by then."""
        sql = "SELECT * FROM dead_letters WHERE died_ms <= ? ORDER BY died_ms, id LIMIT ?"
        return [_letter(row) for row in self._run(sql, (until_ms, limit))]

    def highest(self) -> list[tuple[str, int]]:
        """The highest id of each shard."""
        return [(shard, id) for shard, id in self._run("SELECT shard, max(id) FROM dead_letters GROUP BY shard", ())]

    def remove(self, shard: str, id: int) -> None:
        self._run("DELETE FROM dead_letters WHERE shard = ? AND id = ?", (shard, id))

    def count(self) -> int:
        """How many there are; 0 while the file is closed."""
        return int(self._run("SELECT count(*) FROM dead_letters", ())[0][0]) if self._connection else 0

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))  # arguments may be private
        connection = sqlite3.connect(self._file, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(TABLE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _run(self, sql: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._connection is None:
                raise sqlite3.ProgrammingError("the file of dead letters is closed")
            return self._connection.execute(sql, params).fetchall()


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    shard, id, name, args, *rest = row
    return DeadLetter(shard, id, name, arguments(args), *rest)
