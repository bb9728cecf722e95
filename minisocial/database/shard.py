"""One shard: copies of the same tables in several places, one of which leads.

Order of locks: the right to write (`GroupCommit.lock`), then `Copy.busy`, then `Shard.changed`.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TypeVar

from minisocial.clock import Clock
from minisocial.database import failover, log
from minisocial.database.connection import Replaced, head
from minisocial.database.control import Control
from minisocial.database.copies import Copy
from minisocial.database.group_commit import GroupCommit, schema_version
from minisocial.database.replication import Follower
from minisocial.database.stream import Stream
from minisocial.database.transaction import Reader, Transaction
from minisocial.errors import InDoubt, NoPrimary, Refused, ReplicaBehind, Unavailable

Answer = TypeVar("Answer")

LAG_LIMIT = 5.0  # seconds; a replica further behind is not read
KEEP_LOG = 100_000  # entries; a replica further behind takes a snapshot …
KEEP_FOR_SLOW = 1_000_000  # … but while one is on its way, so many are kept for it
TRIM_AT_ONCE = 5_000  # entries, so that no writer waits long for it
READ_SECONDS = 1.0  # how long a reader waits for a copy that has all they have seen
STOP_SECONDS = 5.0  # how long a follower's last step may take


class Shard:
    """One shard of the database.

    Writes go to the primary, in group commits; a follower for each other copy keeps it up to date;
    reads go to a copy that has all their reader has seen.

    A commit is acknowledged once it is on the primary's disk and the file still has its name; with
    `acks` above 0, once as many replicas have it too.

    When the primary's file fails, the most advanced sound copy leads a new term (see `failover`).
    When another copy fails, it is replaced by a snapshot. Reads go on while any copy is sound.
    """

    def __init__(
        self,
        name: str,
        places: Sequence[Path],
        control: Control,
        *,
        tables: str,
        acks: int,
        confirm_seconds: float,
        clock: Clock,
        alarm: threading.Event,
    ) -> None:
        """`tables`: the SQL that creates them. `alarm` is set when `watch` should be called soon.

        `acks`: how many replicas must have a commit within `confirm_seconds`, else it is in doubt.
        """
        self.name = name
        self.control = control
        self.tables = tables
        self.acks = acks
        self.confirm_seconds = confirm_seconds
        self.keep_log = KEEP_LOG
        self.keep_for_slow = KEEP_FOR_SLOW
        self.clock = clock
        self.alarm = alarm
        self.primary: Copy | None = None
        self.failovers = 0
        self.survived: dict[int, int] = {}  # ended term → the last position its successor had
        self.closing = threading.Event()
        self.changed = threading.Condition()  # guards positions and roles; notified when any moved on
        self.copies = [Copy(name, place, clock) for place in places]
        # With acks a replica's disk is what counts, so it syncs and the primary need not: one sync instead of two.
        self.sync = "NORMAL" if acks else "FULL"
        self.followers = [Follower(copy, self, "FULL" if acks else "NORMAL", clock) for copy in self.copies]
        self.stream = Stream()
        self.commits = GroupCommit(name, self, self.stream)
        self._turn = 0
        self._trim_above = 0

    # --- life

    def start(self) -> None:
        """Opens the files, lets one lead, and has the others follow."""
        failover.open_copies(self)
        with self.commits.lock:
            failover.elect(self)
        if self.primary is None:
            raise failover.cannot_lead(self)
        self.commits.delivered = self.primary.position
        for follower in self.followers:
            follower.start()

    def stop(self) -> None:
        """Lets the replicas apply what is left, then closes all files, the primary's last."""
        self.closing.set()
        self.wake_followers()
        for follower in self.followers:
            follower.join(STOP_SECONDS)
        with self.commits.alone(STOP_SECONDS):
            for follower in self.followers:
                if follower.copy.path and self.primary:
                    follower.try_step()
            for follower in self.followers:
                with follower.copy.busy:
                    follower.copy.use(None)
                    follower.detach()
            self.primary = None
            self.commits.close(NoPrimary("the database is stopped"))

    def wake_followers(self) -> None:
        for copy in self.copies:
            if not copy.wake.is_set():
                copy.wake.set()

    def copy_named(self, name: str) -> Copy:
        for copy in self.copies:
            if copy.name == name:
                return copy
        raise Refused(f"Shard {self.name} has no copy {name}.")

    def follower_of(self, copy: Copy) -> Follower:
        return next(follower for follower in self.followers if follower.copy is copy)

    # --- writing

    def write(self, logged: bool = True) -> AbstractContextManager[Transaction]:
        """A write block in a group commit."""
        return self.commits.write(logged)

    def check_primary(self) -> None:
        """Raises Replaced if the primary's file no longer is where it was."""
        if self.primary:
            self.primary.check_identity()

    def committed(self, position: int) -> None:
        """Publishes the primary's new position."""
        now = self.clock.monotonic()
        with self.changed:
            if self.primary:
                for copy in self.copies:
                    if copy.position >= self.primary.position:
                        copy.fresh_at = now
                self.primary.position = position
            self.changed.notify_all()
        self.wake_followers()

    def reached(self, copy: Copy, position: int, as_of: float) -> None:
        """Publishes a replica's position, which was all there was at a moment."""
        with self.changed:
            copy.position = position
            copy.fresh_at = max(copy.fresh_at, as_of)
            self.changed.notify_all()

    def confirm(self, position: int) -> None:
        """Waits until enough replicas have a commit; raises InDoubt if that can not be said."""
        if not self.acks:
            return
        term = log.term_of(position)
        with self.changed:
            self.changed.wait_for(lambda: self._is_decided(term, position), self.confirm_seconds)
            survived = self.survived.get(term)
            is_safe = self._has_acks(position) if survived is None else survived >= position
        if not is_safe:
            raise InDoubt("No second copy confirmed the change in time, so it may or may not last.")

    def _is_decided(self, term: int, position: int) -> bool:
        return term in self.survived or self.closing.is_set() or self._has_acks(position)

    def _has_acks(self, position: int) -> bool:
        replicas = (copy for copy in self.copies if copy is not self.primary and copy.path)
        return sum(copy.position >= position for copy in replicas) >= self.acks

    def failed(self, error: BaseException) -> None:
        """The primary met an error that condemns its file; the caller holds the right to write."""
        failover.fail_over(self, error)

    # --- reading

    def read(self, at_least: int) -> Reader:
        """A reader on a copy at or past a position: the fresh replicas in turn, else the primary."""
        return Reader(self._candidates(at_least), self.primary, self.suspect)

    def _candidates(self, at_least: int) -> list[Copy]:
        """The copies to try, best first."""
        primary = self.primary
        fit = [c for c in self.copies if c.is_readable and c.position >= at_least and c is not primary]
        fit = [copy for copy in fit if self.lag(copy) < LAG_LIMIT]
        if len(fit) > 1:
            self._turn = turn = (self._turn + 1) % len(fit)
            fit = fit[turn:] + fit[:turn]
        if primary and primary.is_readable:
            fit.append(primary)
        return fit or self._last_resort(at_least)

    def _last_resort(self, at_least: int) -> list[Copy]:
        """When nothing is as it should be: any copy that does not take its reader back in time, or soon will not."""
        with self.changed:
            self.changed.wait_for(lambda: self._left(at_least) or not self._left(0), READ_SECONDS)
        left = self._left(at_least)
        if not left:
            raise ReplicaBehind("No copy of the database that can be read is new enough. Try again soon.")
        return sorted(left, key=lambda copy: copy.position, reverse=True)

    def _left(self, at_least: int) -> list[Copy]:
        return [copy for copy in self.copies if copy.pool and not copy.is_down and copy.position >= at_least]

    def lag(self, copy: Copy) -> float:
        """Seconds since a copy had all there was."""
        if self.primary is None or copy.position >= self.primary.position:
            return 0.0
        return max(0.0, self.clock.monotonic() - copy.fresh_at)

    def head(self) -> int:
        """The primary's position; of the most advanced copy while none leads."""
        return self.primary.position if self.primary else max(copy.position for copy in self.copies)

    def clamp(self, position: int) -> int:
        """A position that may have been made up, lowered to the head.

        The file is asked, because a commit can be read a moment before its position is published.
        """
        if position <= self.head():
            return position
        return min(position, self._ask_primary(head) or self.head())

    def is_settled(self) -> bool:
        """True if every replica that follows has all there is."""
        followers = (copy for copy in self.copies if not copy.is_held)
        return self.primary is not None and all(copy.path and copy.position >= self.head() for copy in followers)

    def floor(self) -> int:
        """No reader is given a copy below this position, now or later."""
        positions = [copy.position if copy.path else copy.coming for copy in self.copies]
        return min((position for position in positions if position), default=0)

    # --- looking after it

    def suspect(self, copy: Copy, error: Exception) -> None:
        """Somebody met an error at a copy: it is avoided until `watch` has looked at its file."""
        copy.error = error
        self.alarm.set()

    def watch(self) -> None:
        """Notices what no write of ours would meet: changes and damage from outside, a place that came back."""
        for copy in self.copies:
            try:
                copy.check_identity()
            except Replaced as error:
                copy.error = error
            if copy.error:
                failover.examine(self, copy)
        with suppress(Unavailable):
            self._lead_again()
            self._notice_outside_changes()
            if self.head() >= self._trim_above:
                self.trim_log()

    def _lead_again(self) -> None:
        if self.primary is None and not self.closing.is_set():
            with self.commits.lock:
                failover.elect(self)

    def _notice_outside_changes(self) -> None:
        """An empty write block takes in what other programs wrote: it publishes, delivers and renews triggers."""
        found = self._ask_primary(lambda connection: (head(connection), schema_version(connection)))
        if found and (found[0] > self.commits.delivered or found[1] != self.commits.version):
            with self.write():
                pass

    def trim_log(self, at_once: int = TRIM_AT_ONCE) -> None:
        """Drops old entries, but none that a replica on its way still needs, unless there are very many."""
        enough = self._ask_primary(lambda connection: log.nth_newest(connection, self.keep_log))
        if not enough:
            self._trim_above = self.head() + at_once  # it can not be too long before
            return
        too_much = self._ask_primary(lambda connection: log.nth_newest(connection, self.keep_for_slow)) or 0
        slowest = min(copy.position for copy in self.copies if copy.path)
        with self.write() as block:
            log.trim(block.execute, max(min(enough, slowest), too_much), at_once)

    def _ask_primary(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        primary = self.primary
        if primary is None or primary.pool is None:
            return None
        try:
            with primary.connection() as connection:
                return question(connection)
        except sqlite3.Error as error:
            self.suspect(primary, error)
            return None
