"""How long the log gets: old entries go, but none that a replica on its way still needs."""

from typing import TYPE_CHECKING

from minisocial.database import log

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

KEEP = 100_000  # entries; a replica further behind takes a snapshot …
KEEP_FOR_SLOW = 1_000_000  # … but while one is on its way, so many are kept for it
AT_ONCE = 5_000  # entries, so that no writer waits long for it


class Trimming:
    """Trims the log of one shard."""

    def __init__(self, shard: "Shard") -> None:
        self.keep = KEEP
        self.keep_for_slow = KEEP_FOR_SLOW
        self._shard = shard
        self._not_before = 0  # the position from which on it may be too long

    def step(self, at_once: int = AT_ONCE) -> None:
        """Drops the oldest entries, if there are too many."""
        if self._shard.head() >= self._not_before:
            self.trim(at_once)

    def trim(self, at_once: int) -> None:
        """Drops so many of the oldest entries, as far as nobody needs them."""
        shard = self._shard
        enough = shard.ask_primary(lambda connection: log.nth_newest(connection, self.keep))
        if not enough:
            self._not_before = shard.head() + at_once  # it can not be too long before
            return
        too_much = shard.ask_primary(lambda connection: log.nth_newest(connection, self.keep_for_slow)) or 0
        slowest = min(copy.position for copy in shard.copies if copy.path)
        with shard.commits.write() as block:
            log.trim(block.execute, max(min(enough, slowest - 1), too_much), at_once)  # what it is at, it asks for
