"""Paging by identifier: newest first, no gaps and no doubles while new rows arrive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")
LIMIT = 20
ROUNDS = 8  # how often a page asks for more when much of what it got may not be seen


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which page: the newest, the one older than `max_id`, or the one just newer than `min_id`."""

    max_id: int | None = None
    min_id: int | None = None
    limit: int = LIMIT

    @property
    def is_first(self) -> bool:
        return self.max_id is None and self.min_id is None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of items, newest first, and the cursors of its neighbours.

    `older` is the `max_id` of the next page, `newer` the `min_id` of the one before. `keys` are the
    cache keys it was made of; it is not `complete` when a shard did not answer.
    """

    items: list[T]
    older: int | None = None
    newer: int | None = None
    keys: tuple[str, ...] = ()
    complete: bool = True


# What a cursor yields: identifiers, newest first; at most `cursor.limit`.
Source = Callable[[Cursor], Sequence[int]]


def collect(source: Source, cursor: Cursor, show: Callable[[Sequence[int]], dict[int, T]]) -> Page[T]:
    """Fill a page from a source, leaving out what `show` does not show.

    Asks in rounds: a feed of which a person may see little still fills its page, and one of which
    they may see nothing ends after a bounded number of rounds.
    """
    found: dict[int, T] = {}
    wanted = cursor.limit + 1  # one more, to know whether there is an older page
    rest = replace(cursor, limit=wanted)
    for _ in range(ROUNDS):
        ids = source(rest)
        found.update(show(ids))
        if len(found) >= wanted or len(ids) < rest.limit:
            break
        end = {"min_id": ids[0]} if cursor.min_id is not None else {"max_id": ids[-1]}
        rest = replace(rest, limit=cursor.limit * 2, **end)
    else:  # what comes next was not looked at yet: the way on must not end here
        page = _page(found, cursor)
        return replace(page, newer=ids[0]) if cursor.min_id is not None else replace(page, older=ids[-1])
    return _page(found, cursor)


def _page(found: dict[int, T], cursor: Cursor) -> Page[T]:
    ids = sorted(found, reverse=True)
    if cursor.min_id is not None:  # the page just newer: what lies behind it is certainly there
        kept = ids[-cursor.limit :]
        more_older, more_newer = bool(kept), len(ids) > len(kept)
    else:
        kept = ids[: cursor.limit]
        more_older, more_newer = len(ids) > len(kept), cursor.max_id is not None and bool(kept)
    return Page(
        [found[id] for id in kept], older=kept[-1] if more_older else None, newer=kept[0] if more_newer else None
    )


def window(column: str, cursor: Cursor) -> tuple[str, list[int]]:
    """SQL for `WHERE … AND <this>` over an identifier column, with its parameters.

    Ends in ORDER BY and LIMIT. With `min_id` the order is oldest first: `newest_first` turns it round.
    """
    bounds, params = [], []
    if cursor.max_id is not None:
        bounds.append(f"{column} < ?")
        params.append(cursor.max_id)
    if cursor.min_id is not None:
        bounds.append(f"{column} > ?")
        params.append(cursor.min_id)
    order = "ASC" if cursor.min_id is not None else "DESC"
    return f"{' AND '.join(bounds) or '1'} ORDER BY {column} {order} LIMIT ?", [*params, cursor.limit]


def newest_first(ids: list[int], cursor: Cursor) -> list[int]:
    """Rows of `window` in the order in which pages show them."""
    return ids[::-1] if cursor.min_id is not None else ids
