"""What one person has seen of each shard, while a request of theirs runs.

Whoever has seen a position is never shown an older state: not after their own write (read your
writes), not from one click to the next (monotonic reads). The positions travel in a cookie.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_seen: ContextVar[dict[str, int] | None] = ContextVar("seen", default=None)


@contextmanager
def session(seen: Mapping[str, int], clamp: Callable[[str, int], int]) -> Iterator[dict[str, int]]:
    """Makes the positions current for the block; `clamp` bounds one that somebody may have made up."""
    clamped = {shard: clamp(shard, position) for shard, position in seen.items()}
    positions = {shard: position for shard, position in clamped.items() if position > 0}
    token = _seen.set(positions)
    try:
        yield positions
    finally:
        _seen.reset(token)


def position_seen(shard: str) -> int:
    """What the current person has seen of a shard; 0 outside of any session."""
    seen = _seen.get()
    return seen.get(shard, 0) if seen else 0


def saw(shard: str, position: int) -> None:
    """The current person has seen a position."""
    seen = _seen.get()
    if seen is not None and position > seen.get(shard, 0):
        seen[shard] = position
