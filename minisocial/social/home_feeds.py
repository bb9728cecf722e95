"""The home feeds of many at once: a statement for a few hundred of them, on the shard where they live.

A feed is *right* if it holds posts of its definition only (`feed_building`), and no gaps: it may end,
but never before its first 200 entries, and only because it was cut. So with 200 or more entries it takes in
what is newer than its oldest one, and nothing else; with fewer, it was never cut, and takes in everything.
One that shrinks below 200 is filled up again by a task, `rebuild_feed`.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from minisocial.database import Transaction
from minisocial.social.store import Store

KEPT = 800  # entries of a home feed
SHORTEST = 200  # entries below which a feed is never cut
BATCH = 500  # feeds changed in one transaction, so that small writes pass in between


def add(store: Store, accounts: Iterable[int], author: int, posts: Sequence[int]) -> None:
    """Put an author's posts into the feeds of those of these accounts who follow; each keeps its newest entries."""

    def change(tx: Transaction, here: list[int]) -> None:
        put_in(tx, here, author, posts)

    _for_each_batch(store, accounts, change)


def remove(store: Store, accounts: Iterable[int], posts: Iterable[int]) -> None:
    """Take posts out of these feeds."""
    posts = list(posts)

    def change(tx: Transaction, here: list[int]) -> None:
        for post in posts:
            take_out(store, tx, here, post)

    _for_each_batch(store, accounts, change)


def put_in(tx: Transaction, accounts: Sequence[int], author: int, posts: Sequence[int]) -> None:
    """The same as `add`, in the open transaction of the shard of all these accounts."""
    tx.execute(_INTO_FEEDS, (json.dumps(accounts), json.dumps(posts), author))
    trim(tx, accounts, KEPT)


def take_out(store: Store, tx: Transaction, accounts: Sequence[int], post: int) -> None:
    """The same as `remove`, in the open transaction of the shard of all these accounts."""
    listed = json.dumps(accounts)
    for (account,) in tx.execute(_ABOUT_TO_BE_SHORT, (listed, post, SHORTEST)).fetchall():
        store.later(tx, "rebuild_feed", account=account)
    tx.execute(_OUT_OF_FEEDS, (listed, post))


def remove_author(store: Store, tx: Transaction, account: int, author: int) -> None:
    """Take everything of an author out of one feed, in the open transaction of its shard."""
    was_long = is_long(tx, account)
    tx.execute("DELETE FROM home_feed WHERE account = ? AND author = ?", (account, author))
    if was_long and not is_long(tx, account):
        store.later(tx, "rebuild_feed", account=account)


def is_long(tx: Transaction, account: int) -> bool:
    """Whether a feed may have been cut."""
    row = tx.row("SELECT 1 FROM home_feed WHERE account = ? LIMIT 1 OFFSET ?", (account, SHORTEST - 1))
    return row is not None


def trim(tx: Transaction, accounts: Sequence[int], kept: int) -> int:
    """Keep the newest entries only, in the open transaction of the shard of these accounts; how many feeds were cut."""
    too_long = tx.execute(_TOO_LONG, (json.dumps(accounts), kept)).fetchall()
    tx.executemany("DELETE FROM home_feed WHERE account = ? AND post <= ?", too_long)
    return len(too_long)


def _for_each_batch(store: Store, accounts: Iterable[int], change: Callable[[Transaction, list[int]], None]) -> None:
    """Change the feeds of all accounts, some hundred of one shard in one transaction.

    Who moves to another shard while their batch waits for its turn is left for the next round, there.
    """
    left = list(accounts)
    while left:
        moved: list[int] = []
        for shard, batch in _by_shard(store, left):
            with store.cluster.write(shard) as tx:
                here = [account for account in batch if store.home(account) == shard]
                change(tx, here)
            moved += set(batch).difference(here)
        left = moved


def _by_shard(store: Store, accounts: Iterable[int]) -> Iterator[tuple[str, list[int]]]:
    """Accounts by the shard they live on, a few hundred at a time."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in accounts:
        groups[store.home(account)].append(account)
    for shard, group in groups.items():
        for start in range(0, len(group), BATCH):
            yield shard, group[start : start + BATCH]


# Who follows is looked up on the reader's own side, in the transaction that writes: `clear_feed` comes after it,
# or has come before it.
_INTO_FEEDS = f"""
    WITH reader(account, horizon) AS MATERIALIZED (
        SELECT value, coalesce(
            (SELECT (SELECT min(post) FROM home_feed WHERE account = value) FROM home_feed
                WHERE account = value LIMIT 1 OFFSET {SHORTEST - 1}), 0)
        FROM json_each(?1)
        WHERE EXISTS (SELECT 1 FROM friendships WHERE account = value AND other = ?3 AND state = 'friends')
            OR EXISTS (SELECT 1 FROM following WHERE account = value AND other = ?3 AND active) OR value = ?3
    )
    INSERT OR IGNORE INTO home_feed (account, post, author)
        SELECT reader.account, post.value, ?3 FROM reader, json_each(?2) AS post WHERE post.value > horizon
"""
_OUT_OF_FEEDS = "DELETE FROM home_feed WHERE post = ?2 AND account IN (SELECT value FROM json_each(?1))"
_ABOUT_TO_BE_SHORT = """
    SELECT value FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM home_feed WHERE account = value AND post = ?2)
        AND (SELECT count(*) FROM (SELECT 1 FROM home_feed WHERE account = value LIMIT ?3 + 1)) = ?3
"""
_TOO_LONG = """
    SELECT account, cut FROM (
        SELECT value AS account,
            (SELECT post FROM home_feed WHERE account = value ORDER BY post DESC LIMIT 1 OFFSET ?2) AS cut
        FROM json_each(?1)
    ) WHERE cut IS NOT NULL
"""
