"""Feeds: home, explore, profile, tag. Newest first, paged by identifier."""

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from itertools import groupby, islice
from typing import Any, TypeVar

from minisocial import ids
from minisocial.cache import Kind
from minisocial.database import Reader
from minisocial.errors import Unavailable
from minisocial.social import feed_building
from minisocial.social.broadcasters import Broadcasters
from minisocial.social.cached import (
    RECENT,
    RECENT_BY_AUTHOR,
    RECENT_FOR_EVERYONE,
    RECENT_HOME,
    RECENT_WITH_TAG,
    TALKED_ABOUT,
)
from minisocial.social.friends import Friends
from minisocial.social.home_feeds import SHORTEST
from minisocial.social.pages import Cursor, Page, Source, collect, newest_first, window
from minisocial.social.people import People
from minisocial.social.post import PostView
from minisocial.social.posts import Posts
from minisocial.social.store import Store

WEEK_MS = 7 * 24 * 3600 * 1000
FIRST = Cursor()
NEWEST = Cursor(limit=RECENT)
K = TypeVar("K", bound=Hashable)
Counts = tuple[tuple[int, int], ...]  # (author, posts)
MOST_TAGS = 20  # of a shard
# an author's account lies where their posts lie
NOT_SUSPENDED = "NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = author AND suspended_at IS NOT NULL)"
Rows = Callable[[Reader, Cursor], list[int]]  # identifiers of one shard, newest first


class Feeds:
    """Lists of posts, each as one person may see it."""

    def __init__(
        self, store: Store, people: People, posts: Posts, friends: Friends, broadcasters: Broadcasters
    ) -> None:
        self._store = store
        self._people = people
        self._posts = posts
        self._friends = friends
        self._broadcasters = broadcasters

    def home(self, viewer: int, cursor: Cursor = FIRST) -> Page[PostView]:
        """Posts by the people the viewer follows, and their own."""
        # who is one must be known before the feed is read: who ceases to be one has their posts in it by then
        broadcasters = self._broadcasters.merged()
        # who is not followed any more is gone at once, though the worker may still be clearing the feed
        followed = self._friends.circle(viewer).follows | {viewer}
        stored = self._of(
            RECENT_HOME, viewer, _rows("SELECT post FROM home_feed WHERE account = ? AND", "post", viewer)
        )
        missing: set[str] = set()

        def show(post_ids: Sequence[int]) -> dict[int, PostView]:
            shown = self._posts.show(post_ids, viewer)
            return {id: view for id, view in shown.items() if view.post.author in followed}

        heard = [account for account in broadcasters if account in followed and account != viewer]
        source = self._with_broadcasts(viewer, stored, heard, missing) if heard else stored
        return replace(collect(source, cursor, show), complete=not missing)

    def _with_broadcasts(self, viewer: int, stored: Source, heard: Sequence[int], missing: set[str]) -> Source:
        """A home feed with the posts of broadcasters merged in, as far back as the feed itself reaches."""
        sources = {str(account): self._written_by(account) for account in heard}

        def source(cursor: Cursor) -> Sequence[int]:
            if cursor.min_id is not None:
                cursor = replace(cursor, min_id=max(cursor.min_id, self._end(viewer) - 1))
            entries = stored(cursor)
            found = _merged({"": lambda _: entries, **sources}, cursor, missing)
            if cursor.min_id is not None or len(entries) == cursor.limit:
                return found
            end = self._end(viewer)
            return [id for id in found if id >= end]

        return source

    def _end(self, viewer: int) -> int:
        """The oldest entry of a feed that may have been cut there; 0 where it has all there is."""
        with self._store.beside(RECENT_HOME, viewer) as reader:
            row = reader.row("SELECT count(*), min(post) FROM home_feed WHERE account = ?", (viewer,))
        return row[1] if row and row[0] >= SHORTEST else 0

    def _written_by(self, account: int) -> Source:
        written = _rows("SELECT id FROM posts WHERE author = ? AND", "id", account)
        return self._of(RECENT_BY_AUTHOR, account, written)

    def rebuild(self, viewer: int) -> bool:
        """Make a home feed anew from what those wrote whom the viewer follows; False if that changed too quickly."""
        return feed_building.rebuild(self._store, self._broadcasters, viewer)

    def profile(self, account: int, viewer: int | None, cursor: Cursor = FIRST) -> Page[PostView]:
        """What one person wrote, as far as the viewer may see it."""
        self._posts.refuse_strangers(viewer)
        page = self._page(self._written_by(account), viewer, cursor)
        return replace(page, keys=(*page.keys, f"profile:{account}", f"account:{account}"))

    def explore(self, viewer: int | None, cursor: Cursor = FIRST) -> Page[PostView]:
        """Everybody's posts for everyone, merged from all shards."""
        public = _own_rows(f"SELECT id FROM posts WHERE visibility = 'everyone' AND {NOT_SUSPENDED} AND", "id")
        return self._scattered(RECENT_FOR_EVERYONE, lambda shard: shard, public, viewer, cursor)

    def tag(self, tag: str, viewer: int | None, cursor: Cursor = FIRST) -> Page[PostView]:
        """Posts with a tag that the viewer may see, merged from all shards."""
        tagged = _own_rows("SELECT post FROM post_tags WHERE tag = ? AND", "post", tag.lower())
        return self._scattered(RECENT_WITH_TAG, lambda shard: (shard, tag.lower()), tagged, viewer, cursor)

    def talked_about(self, viewer: int) -> list[tuple[str, int]]:
        """The tags most used in the last week's posts for everyone, with their numbers of posts.

        A post by somebody who does not exist for the viewer does not count.
        """
        since = ids.join(self._store.clock.milliseconds() - WEEK_MS, 0)

        def load(reader: Reader) -> tuple[tuple[str, Counts], ...]:
            counts: dict[str, list[tuple[int, int]]] = {}
            for tag, author, posts in reader.rows(
                _TALKED_ABOUT.format(own=reader.own("post_tags.post")), (since, MOST_TAGS)
            ):
                counts.setdefault(tag, []).append((author, posts))
            return tuple((tag, tuple(listed)) for tag, listed in counts.items())

        def gathered() -> list[tuple[str, Counts]]:
            shards = self._store.cluster.shards
            found = (self._store.cached_one(TALKED_ABOUT, shard, shard, load) or () for shard in shards)
            return [each for tags in found for each in tags]

        total = self._totals(self._store.cluster.gather(gathered), viewer)
        return heapq.nlargest(5, total.items(), key=lambda item: item[1])

    def _totals(self, counts: list[tuple[str, Counts]], viewer: int) -> dict[str, int]:
        hidden: set[int] = set()
        if self._people.has_blocks(viewer):
            hidden = self._people.apart({author for _, listed in counts for author, _ in listed}, viewer)
        total: dict[str, int] = {}
        for tag, listed in counts:
            posts = sum(number for author, number in listed if author not in hidden)
            if posts:
                total[tag] = total.get(tag, 0) + posts
        return total

    # --- where the identifiers come from -------------------------------------------------------

    def _of(self, kind: Kind[tuple[Any, ...]], account: int, rows: Rows) -> Source:
        """A list of somebody's."""
        newest = partial(self._store.cached_home, kind, account, lambda reader: tuple(rows(reader, NEWEST)))
        return _recent(newest, partial(self._store.beside, kind, account), rows)

    def _on(self, kind: Kind[tuple[Any, ...]], shard: str, key: Hashable, rows: Rows) -> Source:
        """A shard's part of a list over all of them."""
        newest = partial(self._store.cached_one, kind, shard, key, lambda reader: tuple(rows(reader, NEWEST)))
        return _recent(newest, partial(self._store.beside_on, kind, shard, key), rows)

    def _scattered(
        self,
        kind: Kind[tuple[Any, ...]],
        key: Callable[[str], Hashable],
        rows: Rows,
        viewer: int | None,
        cursor: Cursor,
    ) -> Page[PostView]:
        self._posts.refuse_strangers(viewer)
        cluster = self._store.cluster
        missing: set[str] = set()

        def source(cursor: Cursor) -> Sequence[int]:
            return cluster.gather(lambda: _merged(parts(), cursor, missing))

        def parts() -> dict[str, Source]:
            return {shard: self._on(kind, shard, key(shard), rows) for shard in cluster.shards}

        page = self._page(source, viewer, cursor)
        keys = [kind.key(key(shard)) for shard in cluster.shards]
        return replace(page, keys=(*page.keys, *keys), complete=not missing)

    def _page(self, source: Source, viewer: int | None, cursor: Cursor) -> Page[PostView]:
        page = collect(source, cursor, lambda post_ids: self._posts.show(post_ids, viewer))
        keys = [f"post:{view.post.id}" for view in page.items]
        authors = {f"account:{view.author.id}" for view in page.items}
        return replace(page, keys=(*keys, *sorted(authors)))


def _rows(select: str, column: str, *params: object) -> Rows:
    """The rows of one shard that a cursor asks for; `select` ends in WHERE … AND."""

    def rows(reader: Reader, cursor: Cursor) -> list[int]:
        where, bounds = window(column, cursor)
        return newest_first([row[0] for row in reader.rows(f"{select} {where}", [*params, *bounds])], cursor)

    return rows


def _own_rows(select: str, column: str, *params: object) -> Rows:
    """The same for a list over all shards: without rows that are on their way and lie on another shard, too."""
    return lambda reader, cursor: _rows(f"{select} {reader.own(column)} AND", column, *params)(reader, cursor)


def _recent(
    newest: Callable[[], Sequence[int] | None], older: Callable[[], AbstractContextManager[Reader]], rows: Rows
) -> Source:
    """A list: its newest part through the cache, the rest from the database."""

    def source(cursor: Cursor) -> Sequence[int]:
        if cursor.min_id is None:
            cached = newest() or ()
            found = [id for id in cached if cursor.max_id is None or id < cursor.max_id][: cursor.limit]
            if len(found) == cursor.limit or len(cached) < RECENT:  # else there may be more in the database
                return found
        with older() as reader:
            return rows(reader, cursor)

    return source


def _merged(sources: Mapping[str, Source], cursor: Cursor, missing: set[str]) -> Sequence[int]:
    """Gather from everywhere and merge, each once; a source that does not answer is noted in `missing`."""
    gathered: list[Sequence[int]] = []
    for shard, source in sources.items():
        try:
            gathered.append(source(cursor))
        except Unavailable:
            missing.add(shard)
    if cursor.min_id is not None:  # the ones next to min_id are the oldest
        oldest_first = heapq.merge(*(found[::-1] for found in gathered))
        return list(islice(_once(oldest_first), cursor.limit))[::-1]
    return list(islice(_once(heapq.merge(*gathered, reverse=True)), cursor.limit))


def _once(ordered: Iterable[int]) -> Iterator[int]:
    """Equal ones that follow each other become one."""
    return (id for id, _ in groupby(ordered))


_TALKED_ABOUT = f"""
    WITH said AS (
        SELECT tag, author FROM post_tags JOIN posts ON posts.id = post_tags.post
        WHERE post_tags.post > ?1 AND visibility = 'everyone' AND {NOT_SUSPENDED} AND {{own}}
    ), most AS (SELECT tag, count(*) AS posts FROM said GROUP BY tag ORDER BY 2 DESC, 1 LIMIT ?2)
    SELECT tag, author, count(*) FROM said JOIN most USING (tag) GROUP BY tag, author ORDER BY most.posts DESC, tag
"""
