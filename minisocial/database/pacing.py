"""How a copy that is far behind makes room for writers while it catches up.

Catching up is one long piece of work inside SQLite, and where there are few processors it takes
theirs. It can not be cut into several transactions: rows are copied as they are *now*, so a copy that
stopped half way would hold some rows of now and some of then, and must neither be read nor lead. So
it is one transaction all the same, that rests in the middle of its work, again and again. It must not
rest too long either: until it is over, the primary's WAL can not be used anew, and grows.
"""

import sqlite3
import threading
from contextlib import suppress
from typing import Protocol

from minisocial.clock import Clock
from minisocial.database.connection import CACHE_KIB
from minisocial.database.copies import Copy

INSTRUCTIONS = 50_000  # of SQLite's machine from one look at the clock to the next: a few milliseconds
FREE = 0.05  # seconds of work before the first rest: whoever is nearly there is not held up
REST = 2.0  # times as long as it worked, so it takes a third of the time …
MOST_REST = 0.25  # … but no longer than so many seconds at once,
ALL_RESTS = 5.0  # nor than so many in one step: the WAL grows meanwhile
SOON = 1.0  # seconds from the end of a step, in which the next one goes on from there
LONG = 5_000  # positions; a step of more …
LONG_KIB = 16_000  # … gets so much memory, else it writes the same pages of an index over and over


class Followed(Protocol):
    """What must be known of the shard."""

    primary: Copy | None
    closing: threading.Event

    def is_awaited(self, copy: Copy) -> bool: ...  # commits wait for this copy


class Pace:
    """Rests within the steps of one follower.

    It does not rest when nobody gains by it: when nobody wrote since the last look, when commits wait
    for this very copy, when the primary is gone. And it falls behind no further: after a step with
    rests, the next has half as much to do, or goes at full speed.
    """

    def __init__(self, copy: Copy, shard: Followed, clock: Clock) -> None:
        self.rests = 0
        self._copy = copy
        self._shard = shard
        self._clock = clock
        self._primary: Copy | None = None  # that is followed
        self._distance = 0  # positions that this step has to go
        self._rested = 0  # those of the step before, if it rested
        self._left = 0.0  # seconds that this step may still rest; between two steps, none
        self._is_hurried = False
        self._since = 0.0  # when it began to work, or went on
        self._seen = 0  # the primary's position at the last look

    def watch(self, connection: sqlite3.Connection) -> None:
        """From here on the steps of this connection are paced."""
        connection.set_progress_handler(self._look, INSTRUCTIONS)

    def begin(self, connection: sqlite3.Connection, primary: Copy, distance: int) -> None:
        """A step begins, with so many positions to go."""
        now = self._clock.monotonic()
        goes_on = self._rested and now - self._since < SOON
        self._left = ALL_RESTS if not goes_on or distance <= self._rested // 2 else 0.0
        self._primary, self._distance, self._rested = primary, distance, 0
        self._since, self._seen = now + FREE, primary.position
        if distance > LONG:
            connection.execute(f"PRAGMA main.cache_size=-{LONG_KIB}")

    def hurry(self) -> None:
        """Somebody waits for the end of the step, and of the follower."""
        self._is_hurried = True

    def end(self, connection: sqlite3.Connection) -> None:
        """It is over, well or not."""
        self._left = 0.0
        if self._distance > LONG:
            with suppress(sqlite3.Error):
                connection.execute(f"PRAGMA main.cache_size=-{CACHE_KIB}")
                connection.execute("PRAGMA shrink_memory")
        self._distance = 0

    def _look(self) -> int:
        worked = self._clock.monotonic() - self._since
        if self._left > 0 and worked > 0:
            if self._makes_room():
                self._rest(min(worked * REST, MOST_REST))
            self._since = self._clock.monotonic()
        return 0  # anything else would end the statement

    def _rest(self, seconds: float) -> None:
        self.rests, self._rested, self._left = self.rests + 1, self._distance, self._left - seconds
        self._shard.closing.wait(seconds)

    def _makes_room(self) -> bool:
        """Whether somebody writes, and need not wait for this copy."""
        primary = self._shard.primary
        if self._is_hurried or primary is None or primary is not self._primary or self._shard.is_awaited(self._copy):
            return False
        seen, self._seen = self._seen, primary.position
        return self._seen > seen
