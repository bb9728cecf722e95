"""How a replica follows: it attaches the primary's file and copies what the log names.

Position and rows are in one file and change in one transaction, so every change is applied exactly
once, and a replica jumps from one commit of the primary to a later one, never to a state between.
"""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Protocol

from minisocial.clock import Clock
from minisocial.database import log
from minisocial.database.connection import (
    Damaged,
    Replaced,
    connect,
    find_problem,
    is_damage,
    new_path,
    publish,
    remove,
    uri,
)
from minisocial.database.copies import Copy
from minisocial.database.pacing import Pace

logger = logging.getLogger(__name__)

UNLOGGED = "something changed that is not in the log"
REST = 0.005  # seconds between two batches: under load they grow instead of coming more often
LOOK_SECONDS = 0.1  # how often one that rests looks whether another copy leads
RETIRE_SECONDS = 10.0  # for the last step of a copy that is taken away
PATIENCE = (0.1, 0.3, 1.0, 3.0, 10.0)  # seconds before the next attempt, after so many failures in a row


class Roles(Protocol):
    """What a follower must know of its shard."""

    primary: Copy | None
    closing: threading.Event
    snapshot_turn: threading.Lock  # one snapshot at a time: the other copies go on being read

    def is_awaited(self, copy: Copy) -> bool: ...  # commits wait for it
    def reached(self, copy: Copy, position: int, as_of: float) -> None: ...
    def suspect(self, copy: Copy, error: Exception) -> None: ...
    def report(self, text: str, level: int) -> None: ...


class Follower:
    """Keeps one copy at the state of the primary, in a thread of its own.

    Each step applies all that is new, in one transaction, whether it is one row or a hundred
    thousand; a long one makes room for writers (see `pacing`). Where the log does not help (no file
    yet, a changed schema, a position the primary does not know) the copy is replaced by a snapshot,
    while readers and writers go on.

    While its copy leads it rests. When a step fails it tries again, less and less often; an error that
    points to a damaged file is reported to the shard, which looks at both files and decides.
    """

    def __init__(self, copy: Copy, roles: Roles, sync: str, clock: Clock) -> None:
        self.copy = copy
        self.snapshots = 0
        self.is_copying = False
        self._roles = roles
        self._sync = sync
        self._clock = clock
        self.pace = Pace(copy, roles, clock)
        self._connection: sqlite3.Connection | None = None
        self._source: tuple[Path, Path] | None = None  # own file and the primary's, as they are attached
        self._version = -1  # of the primary's schema, when the two were last compared
        self._tables: dict[str, log.Table] = {}
        self._failures = 0
        self._retired = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"follow {self.copy.shard}{self.copy.name}", daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Waits for the thread, which ends once the shard is closing and `wake` is set."""
        if self._thread:
            self._thread.join(timeout)

    def retire(self) -> None:
        """Ends the thread: the copy is taken from the shard."""
        self._retired = True
        self.pace.hurry()
        self.copy.wake.set()
        self.join(RETIRE_SECONDS)

    def _is_over(self) -> bool:
        return self._retired or self._roles.closing.is_set()

    def _run(self) -> None:
        while not self._is_over():
            self.copy.wake.wait()
            self.copy.wake.clear()
            if not self._is_over():
                primary = self._roles.primary
                if self.try_step():
                    self._roles.closing.wait(REST)
                else:
                    self._pause(primary)

    def _pause(self, failed: Copy | None) -> None:
        """Rests before the next attempt, longer each time; but another primary is followed soon."""
        self.copy.wake.set()
        for _ in range(round(PATIENCE[min(self._failures, len(PATIENCE)) - 1] / LOOK_SECONDS)):
            if self._roles.primary is not failed:
                self._failures = 0
                return
            self._roles.closing.wait(LOOK_SECONDS)

    def try_step(self) -> bool:
        """A step whose failure is logged and reported instead of raised; False if it failed."""
        primary = self._roles.primary
        try:
            self.step()
            self._failures = 0
            return True
        except (sqlite3.Error, OSError, Damaged) as error:
            self._failures += 1
            logger.warning("shard %s copy %s can not follow: %s", self.copy.shard, self.copy.name, error)
            self._blame(primary, error)
            return False

    def _blame(self, primary: Copy | None, error: Exception) -> None:
        """Whose file is bad does not show in the error, so both are looked at; some errors leave no doubt."""
        if isinstance(error, (sqlite3.IntegrityError, Replaced)) or is_damage(error):
            self._roles.suspect(self.copy, error)
        if primary is not None and is_damage(error) and not isinstance(error, Replaced):
            self._roles.suspect(primary, error)

    def step(self) -> None:
        """Applies everything the primary has more."""
        with self.copy.busy:
            primary = self._roles.primary  # asked for under the lock: the copy may have been promoted meanwhile
            if primary is None or primary is self.copy or self.copy.is_held or self._retired:
                return
            if problem := self.copy.place.problem():
                raise Damaged(problem)
            if reason := self.follow(primary):
                if self.copy.path:
                    self._tell(f"{self.copy.name} is made anew from {primary.name}: {reason}", reason)
                self._copy_from(primary)

    def _tell(self, what: str, reason: str) -> None:
        """Who loads very many rows at once knows what follows; all else an operator should hear of."""
        if reason == UNLOGGED:
            logger.info("shard %s: %s", self.copy.shard, what)
        else:
            self._roles.report(what, logging.INFO)

    def follow(self, primary: Copy) -> str:
        """Applies the log of the primary; or says why a snapshot is needed. The caller holds `busy`."""
        if self.copy.path is None or primary.path is None:
            return "there is no file yet"
        connection = self._attach(self.copy.path, primary.path)
        began = self._clock.monotonic()
        connection.execute("BEGIN IMMEDIATE")
        try:
            ahead = log.look_ahead(connection)  # from here on, both files stand still for this connection
            if reason := self._apply(connection, primary, ahead):
                return reason
            if self.copy.slow_seconds:
                self._roles.closing.wait(self.copy.slow_seconds)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self.pace.end(connection)
        self.copy.check_identity()
        self._roles.reached(self.copy, ahead.head, began)
        return ""

    def _apply(self, connection: sqlite3.Connection, primary: Copy, ahead: log.Ahead) -> str:
        version = connection.execute("PRAGMA src.schema_version").fetchone()[0]
        if version != self._version:
            if log.shape(connection, "main") != log.shape(connection, "src"):
                return "the schema changed"
            self._tables, self._version = log.tables(connection, "src"), version
        if not ahead.is_known:
            return f"position {ahead.position} is not in the primary's log"
        if ahead.has_gap:
            return UNLOGGED
        if ahead.head != ahead.position:
            self.pace.begin(connection, primary, ahead.head - ahead.position)
            log.copy_changes(connection, self._tables, ahead)
        return ""

    def _attach(self, own: Path, source: Path) -> sqlite3.Connection:
        if self._connection is None or self._source != (own, source):
            self.detach()
            self._connection = self.copy.open_writer(self._sync)
            self.pace.watch(self._connection)
            log.install(self._connection, {})  # it copies the log, it does not write one
            self._connection.execute("ATTACH ? AS src", (uri(source, "ro"),))
            self._source, self._version = (own, source), -1
        return self._connection

    def is_attached_to(self, primary: Copy) -> bool:
        """True if the primary's file is open here, so that it can still be read even if it was deleted."""
        return self._source is not None and self._source[1] == primary.path

    def detach(self) -> None:
        """Closes the connection; the caller holds `busy`."""
        if self._connection:
            self.copy.writer_closes()
            self._connection.close()
        self._connection = self._source = None

    def _copy_from(self, primary: Copy) -> None:
        with self._roles.snapshot_turn:
            old, began, self.is_copying = self.copy.path, self._clock.monotonic(), True
            try:
                self.copy.coming = primary.position
                path = self._snapshot(primary)
            finally:
                self.is_copying = False
        self._take(path, old, began)

    def _take(self, path: Path, old: Path | None, began: float) -> None:
        self.detach()
        self.copy.use(path)
        self.snapshots += 1
        self._roles.reached(self.copy, self.copy.position, began)
        if old:
            remove(old)
        self.copy.wake.set()  # what was committed meanwhile is still to follow

    def _snapshot(self, primary: Copy) -> Path:
        """A checked copy of the primary under a new name. A bad one is never used: what we have may be the last."""
        path = new_path(self.copy.place.folder, self.copy.shard, self._clock.milliseconds())
        temporary = path.with_suffix(".tmp")
        try:
            copy_file(primary.path or path, temporary)
            if problem := find_problem(temporary):
                raise Damaged(f"the snapshot is not sound: {problem}")
            publish(temporary, path)
        finally:
            remove(temporary)
        return path


def copy_file(source_path: Path, target_path: Path) -> None:
    """The state of a live file in another one, without the log's triggers.

    In one step: when done in several, each write in between makes SQLite begin anew. A primary that
    lacks triggers does not log everything yet, so changes after the snapshot would be missed.
    """
    with closing(connect(source_path)) as source, closing(connect(target_path, "rwc", "FULL")) as target:
        source.backup(target)
        if log.installed(target) != log.triggers(target):
            raise sqlite3.OperationalError("the primary does not log all changes yet")
        target.execute("BEGIN IMMEDIATE")
        log.install(target, {})
        target.execute("COMMIT")
