"""64-bit identifiers that sort by time and know their shard.

    63            16 15      10 9        0
    | milliseconds  | logical   | sequence |
    | since 1970    | shard     |          |

Instagram's idea ("Sharding & IDs at Instagram", 2012) in Mastodon's layout (milliseconds << 16), so
that a client which computes an identifier from a date is right too. The milliseconds and the
sequence are one counter: a clock that steps back, or more than 1,024 identifiers in a millisecond,
borrow from the next one, and identifiers of a logical shard only ever grow.
"""

import threading

from minisocial.clock import Clock

LOGICAL_SHARDS = 64
SEQUENCE_BITS = 10
TIME_SHIFT = 16
MAX_ID = 2**63 - 1


def join(milliseconds: int, logical: int, sequence: int = 0) -> int:
    """The identifier of a moment, a logical shard (0 … 63) and a sequence number (0 … 1,023)."""
    return milliseconds << TIME_SHIFT | logical << SEQUENCE_BITS | sequence


def logical_shard(id: int) -> int:
    """The logical shard (0 … 63) an identifier lives on."""
    return id >> SEQUENCE_BITS & LOGICAL_SHARDS - 1


def logical_shard_sql(column: str) -> str:
    """The same in SQL, of a column."""
    return f"({column} >> {SEQUENCE_BITS} & {LOGICAL_SHARDS - 1})"


def milliseconds(id: int) -> int:
    """When an identifier was made, in milliseconds since 1970."""
    return id >> TIME_SHIFT


class IdMaker:
    """Makes strictly increasing identifiers for one logical shard; safe from any thread."""

    def __init__(self, logical: int, clock: Clock, floor: int = 0) -> None:
        """`floor`: no identifier's milliseconds lie at or below it (the newest one already stored)."""
        self._logical = logical
        self._clock = clock
        self._lock = threading.Lock()  # guards _last
        self._last = (floor + 1 << SEQUENCE_BITS) - 1

    def make(self) -> int:
        """The next identifier."""
        now = self._clock.milliseconds() << SEQUENCE_BITS
        with self._lock:
            self._last = last = max(now, self._last + 1)
        return join(last >> SEQUENCE_BITS, self._logical, last & (1 << SEQUENCE_BITS) - 1)
