"""What belongs into a home feed, looked up where it was written: for somebody newly followed, or a whole feed anew.

A post belongs into the feed of its author, and of everybody of whom both sides know that they follow the
author; a direct one only if it mentions them. A feed is built while others write to it:

1. its entries are read     2. what belongs into it is looked up on the shards of those followed
3. entries seen in 1 and not in 2 go, what is missing comes: what somebody adds in between stays
4. posts that were deleted since 2 are taken out again: one that is deleted later finds the entry
"""

import json
from collections.abc import Callable, Collection, Iterable

from minisocial.database import Transaction
from minisocial.social.broadcasters import Broadcasters
from minisocial.social.home_feeds import KEPT, put_in, remove, take_out, trim
from minisocial.social.registers import reads
from minisocial.social.store import Store

TRIES = 5  # for somebody who follows and unfollows while their feed is built

Query = Callable[[str, tuple[object, ...]], list[tuple[int, ...]]]


def fill(store: Store, account: int, author: int, with_posts: bool) -> None:
    """Bring what a feed has of one author up to date; without posts, only what does not belong there goes."""
    with store.fresh(account) as reader:
        before = {post for (post,) in reader.rows(_ENTRIES_OF, (account, author))}
    posts = set(newest(store, account, [author]))
    with store.write(account) as tx:
        if not reads(tx, account, author):
            return  # `clear_feed` follows, or was there
        _take_out_all(store, tx, account, before - posts)
        if with_posts:
            put_in(tx, [account], author, sorted(posts))
    take_back(store, [account], posts, account)


def rebuild(store: Store, broadcasters: Broadcasters, account: int) -> bool:
    """Make a whole feed anew, in place; False if whom they follow changed too often meanwhile."""
    return any(_rebuild(store, account, broadcasters.merged()) for _ in range(TRIES))


def _rebuild(store: Store, account: int, merged: Collection[int]) -> bool:
    with store.fresh(account) as reader:
        authors = _followed(reader.rows, account)
        before = {post for post, _ in reader.rows(_ENTRIES, (account,))}
    posts = newest(store, account, [account, *authors])
    stored = {post: author for post, author in posts.items() if author not in merged or author == account}
    with store.write(account) as tx:
        if _followed(lambda sql, params: tx.execute(sql, params).fetchall(), account) != authors:
            return False  # what was looked up is not what they read
        tx.executemany(
            "DELETE FROM home_feed WHERE account = ? AND post = ?", [(account, post) for post in before - set(posts)]
        )
        tx.executemany(_INTO_FEED, [(account, post, author) for post, author in stored.items()])
        trim(tx, [account], KEPT)
    take_back(store, [account], stored, account)
    return True


def newest(store: Store, account: int, authors: Collection[int]) -> dict[int, int]:
    """The newest posts of these authors that belong into somebody's feed, as they are now: {post: author}."""

    def gather() -> dict[int, int]:
        found: dict[int, int] = {}
        for shard in {store.home(author) for author in authors}:
            with store.cluster.read(shard, store.cluster.position(shard)) as reader:
                here = json.dumps([author for author in authors if store.home(author) == shard])
                found.update(reader.rows(_NEWEST, (here, account, KEPT)))
        return found

    found = store.cluster.gather(gather)
    return {post: found[post] for post in sorted(found, reverse=True)[:KEPT]}


def newest_for_all(store: Store, author: int) -> list[int]:
    """The newest posts of an author that belong into the feed of everybody who follows them."""
    with store.fresh(author) as reader:
        rows = reader.rows(
            "SELECT id FROM posts WHERE author = ? AND visibility <> 'direct' ORDER BY id DESC LIMIT ?", (author, KEPT)
        )
    return [post for (post,) in rows]


def take_back(store: Store, accounts: Iterable[int], posts: Iterable[int], reader: int = 0) -> None:
    """Take those posts out of feeds again that were deleted while they were put in, or are for others by now.

    Direct ones are only put into one feed at a time: that of `reader`.
    """
    if dead := set(posts) - _still_there(store, set(posts), reader):
        remove(store, accounts, dead)


def _still_there(store: Store, posts: set[int], account: int) -> set[int]:
    def gather() -> set[int]:
        found: set[int] = set()
        for shard in {store.home(post) for post in posts}:
            with store.cluster.read(shard, store.cluster.position(shard)) as reader:
                found.update(id for (id,) in reader.rows(_THERE, (json.dumps(list(posts)), account)))
        return found

    return store.cluster.gather(gather)


def _take_out_all(store: Store, tx: Transaction, account: int, posts: Iterable[int]) -> None:
    for post in posts:
        take_out(store, tx, [account], post)


def _followed(rows: Query, account: int) -> set[int]:
    return {other for (other,) in rows(_FOLLOWED, (account,))}


_ENTRIES = "SELECT post, author FROM home_feed WHERE account = ?"
_ENTRIES_OF = "SELECT post FROM home_feed WHERE account = ? AND author = ?"
_INTO_FEED = "INSERT OR IGNORE INTO home_feed (account, post, author) VALUES (?, ?, ?)"
_IS_FOR = """
    (visibility <> 'direct' OR posts.author = ?2
        OR EXISTS (SELECT 1 FROM json_each(mentions) WHERE json_extract(value, '$[0]') = ?2))
"""
_THERE = f"SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?1)) AND {_IS_FOR}"
_FOLLOWED = """
    SELECT other FROM friendships WHERE account = ?1 AND state = 'friends'
    UNION SELECT other FROM following WHERE account = ?1 AND active
"""
_NEWEST = f"""
    WITH known(author) AS MATERIALIZED (
        SELECT value FROM json_each(?1) WHERE value = ?2
            OR EXISTS (SELECT 1 FROM friendships WHERE account = value AND other = ?2 AND state = 'friends')
            OR EXISTS (SELECT 1 FROM followers WHERE account = value AND other = ?2 AND active)
    )
    SELECT posts.id, posts.author FROM known CROSS JOIN posts ON posts.author = known.author
    WHERE {_IS_FOR}
    ORDER BY posts.id DESC LIMIT ?3
"""
