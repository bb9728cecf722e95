"""What a cache holds under a key."""

from typing import Any, Final, NamedTuple


class Absent:
    """The value of a key of which is known that there is nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class Entry(NamedTuple):
    """A value, and what is needed to judge whether it may still be believed.

    `position` is that of the copy of `shard` the value was computed from: the value contains every
    change up to it, and perhaps none after it. `until` is when it is thrown away in any case
    (seconds, `Clock.monotonic`): a safety net only.
    """

    shard: str
    position: int
    until: float
    value: Any
