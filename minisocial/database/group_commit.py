"""Group commit: the write blocks of concurrent threads share one SQLite transaction.

Most of what a commit costs is the sync, and the sync costs the same for one block as for sixty. A
thread that wants to write waits for the lock, joins the open group and runs its block, as a
savepoint, in its own thread. The last of those that wait commits for all; alone, a thread commits
at once and no time is lost.

    Ada     lock, BEGIN, block, unlock ················· waits for the group ··· done
    Grace        waits ········ lock, block, unlock ···· waits for the group ··· done
    Alan         waits ··························· lock, block, COMMIT, unlock · done
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from minisocial.database import log
from minisocial.database.connection import is_damage, is_full, roll_back, schema_version
from minisocial.database.stream import Stream
from minisocial.database.transaction import Transaction, unavailable
from minisocial.errors import InDoubt, MinisocialError, NoPrimary, Unavailable

logger = logging.getLogger(__name__)

MAX_GROUP = 64  # blocks in one commit
LOCK_SECONDS = 30.0  # how long a block waits for its turn
UNKNOWN = -1
RESCUE_SECONDS = 0.5  # after which a waiting thread looks whether its group was forgotten


class Leading(Protocol):
    """What the shard does around a commit."""

    def about_to_commit(self) -> None: ...  # a modelled slow disk takes its time
    def check_primary(self) -> None: ...  # raises Damaged if the file lost its name
    def committed(self, position: int) -> None: ...  # publishes it; called with the lock held
    def confirm(self, position: int) -> None: ...  # waits for replicas; raises InDoubt
    def failed(self, error: BaseException) -> None: ...  # fails over; called with the lock held
    def full(self) -> None: ...  # the disk is; nothing else is wrong


class Group:
    """Write blocks of several threads in one commit."""

    __slots__ = ("connection", "done", "error", "is_logged", "position", "size")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.size = 0
        self.is_logged = True
        self.position = 0
        self.error: MinisocialError | None = None
        self.done = threading.Event()

    def end(self, error: MinisocialError | None = None) -> None:
        self.error = self.error or error
        self.done.set()


class GroupCommit:
    """The right to write to a primary, and the one connection that does.

    `write` promises: a block counts whole or not at all; an exception undoes its own block only; when
    the block is left without one, the commit is on disk and every consumer has seen it.

    It raises NoPrimary or Unavailable when surely nothing was written, InDoubt when it may have been.
    """

    def __init__(self, shard: str, leading: Leading, stream: Stream) -> None:
        self.lock = threading.RLock()  # the right to write; guards everything here but waiting
        self.blocks = 0
        self.groups = 0
        self.delivered = 0  # the position up to which changes are in line for the consumers
        self._shard = shard
        self._leading = leading
        self._stream = stream
        self._counting = threading.Lock()  # guards waiting
        self.waiting = 0
        self._group: Group | None = None
        self._connection: sqlite3.Connection | None = None
        self.version = UNKNOWN  # of the schema the triggers were made for

    # --- the connection

    def open(self, connection: sqlite3.Connection) -> None:
        """A primary leads; from here on it can be written."""
        self._connection, self.version = connection, schema_version(connection)

    def close(self, error: BaseException) -> None:
        """The primary leads no more; a group that is open was not committed."""
        connection, self._connection = self._connection, None
        self._abandon(error)
        if connection:
            with suppress(sqlite3.Error):
                connection.close()

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """The lock, for the end: a block that takes longer than this is not waited for."""
        has_lock = self.lock.acquire(timeout=seconds)
        try:
            yield
        finally:
            if has_lock:
                self.lock.release()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """The right to write, with no block half way: the open group is committed first."""
        leads: Group | None = None
        try:
            with self._turn():
                if leads := self._group:
                    self._commit(leads)
                yield
        finally:
            if leads:
                self._conclude(leads)

    # --- a block

    @contextmanager
    def write(self, logged: bool = True) -> Iterator[Transaction]:
        """A write block: keep it short, for it holds the shard's right to write.

        With `logged=False` its changes are in no log, which is faster; every replica then takes a snapshot.
        """
        leads: Group | None = None
        try:
            with self._turn():
                group = self._join()
                try:
                    with self._block(group, logged) as block:
                        yield block
                finally:
                    leads = self._commit_if_last(group)
        finally:
            if leads:
                self._conclude(leads)
        self._wait_for(group)
        block.position = group.position

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._counting:
            self.waiting += 1
        try:
            has_turn = self.lock.acquire(timeout=LOCK_SECONDS)
        finally:
            with self._counting:
                self.waiting -= 1
        if not has_turn:
            raise Unavailable("The database is busy with a longer piece of work. Nothing was saved; try again soon.")
        try:
            yield
        finally:
            self.lock.release()

    def _join(self) -> Group:
        """The group that is open, or a new one."""
        if self._group is None:
            if self._connection is None:
                raise NoPrimary("This part of the database can not take changes right now. Nothing was saved.")
            self._group = group = Group(self._connection)
            try:
                group.connection.execute("BEGIN IMMEDIATE")
                self._renew_triggers(group.connection)
            except sqlite3.Error as error:
                self._undo(group, error)
                raise unavailable(error) from error
        return self._group

    def _renew_triggers(self, connection: sqlite3.Connection) -> None:
        """After a change of the schema, by whatever program, the triggers are made anew.

        What happened while one was missing is in no log, hence the mark: replicas take a snapshot.
        """
        version = schema_version(connection)
        if version == self.version:
            return
        if log.install(connection, log.triggers(connection)):
            log.mark_gap(connection)
        self.version = schema_version(connection)

    @contextmanager
    def _block(self, group: Group, logged: bool) -> Iterator[Transaction]:
        connection = group.connection
        block = Transaction(connection, self._shard)
        try:
            if group.size:  # the first needs no savepoint: undoing it undoes everything
                connection.execute("SAVEPOINT block")
            if not logged:
                log.install(connection, {})
            yield block
            block.close()
            if group.size:
                connection.execute("RELEASE block")
            elif not connection.in_transaction:
                raise RuntimeError("a write block must not end the transaction itself")
        except BaseException as error:
            block.close()
            self._undo(group, error)
            if is_damage(error) or is_full(error):
                raise unavailable(error) from error
            raise
        group.size += 1
        group.is_logged = group.is_logged and logged

    def _undo(self, group: Group, error: BaseException) -> None:
        """Undoes one block. After a full disk or an I/O error SQLite has undone the whole group already."""
        connection = group.connection
        try:
            if group.size and connection.in_transaction:
                connection.execute("ROLLBACK TO block")
                connection.execute("RELEASE block")
                return
        except sqlite3.Error as worse:
            error = worse
        self._abandon(error)
        roll_back(connection)
        self._tell(error)

    def _abandon(self, error: BaseException) -> None:
        group, self._group = self._group, None
        self.version = UNKNOWN  # triggers made in this group are undone with it
        if group:
            group.end(unavailable(error))

    # --- the commit

    def _commit_if_last(self, group: Group) -> Group | None:
        """Commits unless somebody waits who will; returns the group if it did, for the caller to conclude."""
        if self._group is not group or (self.waiting and group.size < MAX_GROUP and group.is_logged):
            return None
        self._commit(group)
        return group

    def _commit(self, group: Group) -> None:
        connection, self._group, is_on_disk = group.connection, None, False
        try:
            version, position, changes = log.news(connection, self._shard, self.delivered)
            if version != self.version:  # a block changed the schema
                self._renew_triggers(connection)
                _, position, changes = log.news(connection, self._shard, self.delivered)
            self._leading.about_to_commit()
            connection.execute("COMMIT")
            is_on_disk = True
            self._leading.check_primary()
        except Exception as error:
            return self._commit_failed(group, error, is_on_disk)
        group.position = self.delivered = position
        self.blocks += group.size
        self.groups += 1
        self._stream.add(changes)
        self._leading.committed(position)

    def _commit_failed(self, group: Group, error: Exception, is_on_disk: bool) -> None:
        """A damaged file may or may not have it; with any other error SQLite says that it does not."""
        logger.error("shard %s: a commit failed: %r", self._shard, error)
        self.version = UNKNOWN
        if is_on_disk or is_damage(error):
            group.error = InDoubt("Saving was not confirmed: the change may be there or not. Look before repeating.")
            return self._leading.failed(error)
        group.error = unavailable(error)
        roll_back(group.connection)
        self._tell(error)

    def _tell(self, error: BaseException) -> None:
        if is_damage(error):
            self._leading.failed(error)
        elif is_full(error):
            self._leading.full()

    def _conclude(self, group: Group) -> None:
        """After the commit and without the lock: the consumers, then the replicas, then everybody who waits."""
        if group.done.is_set():
            return
        try:
            self._stream.deliver()
            if group.error is None and group.is_logged:
                self._leading.confirm(group.position)
        except InDoubt as error:
            group.error = error
        finally:
            group.end()

    def _wait_for(self, group: Group) -> None:
        """Until the group is done. The one who should have committed may have died of an interrupt."""
        while not group.done.wait(RESCUE_SECONDS):
            with self.lock:
                leads = self._commit_if_last(group)
            if leads:
                self._conclude(leads)
        if group.error:
            raise type(group.error)(str(group.error))
