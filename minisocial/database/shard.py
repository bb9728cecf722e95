"""One shard: copies of the same tables in several places, one of which leads.

Order of locks: the right to write (`GroupCommit.lock`), then `Copy.busy`, then `Shard.changed`.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from minisocial.clock import Clock
from minisocial.database import confirming, reading
from minisocial.database.connection import Replaced, head, schema_version
from minisocial.database.copies import Copy
from minisocial.database.group_commit import GroupCommit
from minisocial.database.loss import failover, promotion
from minisocial.database.loss.control import Control
from minisocial.database.loss.places import Place
from minisocial.database.replication import Follower
from minisocial.database.snapshot import Report
from minisocial.database.stream import Stream
from minisocial.database.trimming import Trimming
from minisocial.errors import NoPrimary, Refused, Unavailable

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

STOP_SECONDS = 5.0  # how long a follower's last step may take


class Shard:
    """One shard of the database.

    Writes go to the primary, in group commits; a follower for each other copy keeps it up to date;
    reads go to a copy that has all their reader has seen.

    A commit is acknowledged once it is on the primary's disk and the file still has its name; with
    `acks` above 0, once as many replicas have it too. When the primary's file fails, the most advanced
    sound copy leads a new term (see `failover`); when another copy fails, a snapshot replaces it.
    """

    def __init__(
        self,
        name: str,
        control: Control,
        *,
        tables: str,
        acks: int,
        confirm_seconds: float,
        clock: Clock,
        alarm: threading.Event,
        reports: deque[Report],
    ) -> None:
        """`tables`: the SQL that creates them. `alarm` is set when `watch` should be called soon.

        `acks`: how many replicas must have a commit within `confirm_seconds`, else it is in doubt.
        """
        self.name = name
        self.control = control
        self.tables = tables
        self.acks = acks
        self.confirm_seconds = confirm_seconds
        self.clock = clock
        self.alarm = alarm
        self.primary: Copy | None = None
        self.failovers = 0
        self.lost = 0  # changes that only a failed primary had
        self.is_full = False  # the primary's disk was, at the last commit
        self.survived: dict[int, int] = {}  # ended term → the last position its successor had
        self.closing = threading.Event()
        self.changed = threading.Condition()  # guards positions and roles; notified when any moved on
        # With acks a replica's disk is what counts, so it syncs and the primary need not: one sync instead of two.
        self.sync = "NORMAL" if acks else "FULL"
        self._follow(tuple(self._follower(place) for place in control.places))
        self.snapshot_turn = threading.Lock()  # held by the one follower that takes a snapshot
        self._reports = reports
        self.stream = Stream()
        self.commits = GroupCommit(name, self, self.stream)
        self._bad: list[failover.Bad] = []  # files found at the start that can not be used
        self.turn = 0  # of the replicas, to be read
        self.trimming = Trimming(self)

    # --- life

    def _follower(self, place: Place) -> Follower:
        return Follower(Copy(self.name, place, self.clock), self, "FULL" if self.acks else "NORMAL", self.clock)

    def _follow(self, followers: tuple[Follower, ...]) -> None:
        self.followers = followers
        self.copies = tuple(follower.copy for follower in followers)  # in the order of the places

    def open(self) -> None:
        """Opens the files that are there; creates the first one of a new shard."""
        self._bad = failover.open_copies(self)

    def lead(self) -> None:
        """Lets one copy lead, and has the others follow."""
        had_led = self.control.leader(self.name)[1]
        with self.commits.lock:
            failover.elect(self)
        if self.primary is None:
            raise failover.cannot_lead(self)
        if self.primary.name != had_led:
            self.report(f"{self.primary.name} leads, not {had_led} as before; what only that file had is lost")
        failover.clear_away(self, self._bad)
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

    def add_copy(self, place: Place) -> None:
        """One more copy, which its follower makes."""
        follower = self._follower(place)
        self._follow((*self.followers, follower))
        follower.start()
        follower.copy.wake.set()

    def drop_copy(self, copy: Copy) -> None:
        """Stops using a copy that does not lead; its files stay."""
        leaving = self.follower_of(copy)
        leaving.retire()
        self._follow(tuple(follower for follower in self.followers if follower is not leaving))
        with copy.busy:
            copy.use(None)
            leaving.detach()

    def report(self, text: str, level: int = logging.WARNING) -> None:
        """Tells the operator what happened."""
        logger.log(level, "shard %s: %s", self.name, text)
        self._reports.append(Report(self.clock.milliseconds(), self.name, text))

    def follower_of(self, copy: Copy) -> Follower:
        return next(follower for follower in self.followers if follower.copy is copy)

    # --- writing

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
            copy.position, copy.has_joined = position, True
            copy.fresh_at = max(copy.fresh_at, as_of)
            self.changed.notify_all()

    def confirm(self, position: int) -> None:
        """Waits until enough replicas have a commit; raises InDoubt if that can not be said."""
        if self.acks:
            confirming.confirm(self, position)

    def is_awaited(self, copy: Copy) -> bool:
        """Whether commits wait for this very copy, for too few others can confirm them."""
        return confirming.is_awaited(self, copy)

    def about_to_commit(self) -> None:
        """Models a slow disk."""
        if self.primary and self.primary.slow_seconds:
            self.closing.wait(self.primary.slow_seconds)

    def full(self) -> None:
        """The primary's disk is full: `watch` looks for a copy with room."""
        self.is_full = True
        self.alarm.set()

    def failed(self, error: BaseException) -> None:
        """The primary met an error that condemns its file; the caller holds the right to write."""
        failover.fail_over(self, error)

    # --- reading

    def wait_for_change(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait(seconds)

    def lag(self, copy: Copy) -> float:
        """Seconds since a copy had all there was."""
        if self.primary is None or copy.position >= self.primary.position:
            return 0.0
        return self.clock.monotonic() - copy.fresh_at

    def head(self) -> int:
        """The primary's position; of the most advanced copy while none leads."""
        return self.primary.position if self.primary else max(copy.position for copy in self.copies)

    def clamp(self, position: int) -> int:
        """A position that may have been made up, lowered to the head.

        The file is asked, because a commit can be read a moment before its position is published.
        """
        if position <= self.head():
            return position
        with self.changed:  # while none leads, the head of the replicas says little
            self.changed.wait_for(lambda: self.primary is not None, reading.READ_SECONDS)
        return min(position, self.ask_primary(head) or self.head())

    def is_settled(self) -> bool:
        """True if every replica that follows has all there is; one whose place is lost does not count."""
        followers = (copy for copy in self.copies if not copy.is_held and copy.place.is_there())
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
            promotion.leave_full_disk(self)
            self._notice_outside_changes()
            self.trimming.step()

    def _lead_again(self) -> None:
        if self.primary is None and not self.closing.is_set():
            with self.commits.lock:
                failover.elect(self)

    def _notice_outside_changes(self) -> None:
        """An empty write block takes in what other programs wrote: it publishes, delivers and renews triggers."""
        found = self.ask_primary(lambda connection: (head(connection), schema_version(connection)))
        if found and (found[0] > self.commits.delivered or found[1] != self.commits.version):
            with self.commits.write():
                pass

    def ask_primary(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """What a read-only connection to the primary answers; None if there is no answer."""
        primary = self.primary
        if primary is None or primary.pool is None:
            return None
        try:
            with primary.connection() as connection:
                return question(connection)
        except sqlite3.Error as error:
            self.suspect(primary, error)
            return None
