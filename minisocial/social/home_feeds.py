"""The home feeds of many at once: a statement for a few hundred of them, on the shard where they live."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from minisocial.social.store import Store

KEPT = 800  # entries of a home feed
BATCH = 500  # feeds changed in one transaction, so that small writes pass in between


def add(store: Store, accounts: Iterable[int], post: int, author: int) -> None:
    """Put a post into these feeds; each keeps its newest entries."""
    _for_each_batch(store, accounts, [(_INTO_FEEDS, (post, author)), (_TRIM, ())])


def remove(store: Store, accounts: Iterable[int], post: int) -> None:
    """Take a post out of these feeds."""
    _for_each_batch(store, accounts, [(_OUT_OF_FEEDS, (post,))])


def _for_each_batch(store: Store, accounts: Iterable[int], statements: list[tuple[str, tuple[int, ...]]]) -> None:
    """Run statements for all accounts; ?1 is the JSON list of those in the batch.

    Who moves to another shard while their batch waits for its turn is left for the next round, there.
    """
    left = list(accounts)
    while left:
        moved: list[int] = []
        for shard, batch in _batches(store, left):
            with store.cluster.write(shard) as tx:
                here = [account for account in batch if store.home(account) == shard]
                for sql, params in statements:
                    tx.execute(sql, (json.dumps(here), *params))
            moved += set(batch).difference(here)
        left = moved


def _batches(store: Store, accounts: Iterable[int]) -> Iterator[tuple[str, list[int]]]:
    """Accounts by the shard they live on, a few hundred at a time."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in accounts:
        groups[store.home(account)].append(account)
    for shard, group in groups.items():
        for start in range(0, len(group), BATCH):
            yield shard, group[start : start + BATCH]


_INTO_FEEDS = """
    INSERT OR IGNORE INTO home_feed (account, post, author) SELECT value, ?2, ?3 FROM json_each(?1)
"""
_OUT_OF_FEEDS = "DELETE FROM home_feed WHERE post = ?2 AND account IN (SELECT value FROM json_each(?1))"
# each feed got at most one entry, so at most one is too many
_TRIM = f"""
    DELETE FROM home_feed WHERE (account, post) IN (
        SELECT value, (SELECT post FROM home_feed WHERE account = value ORDER BY post DESC LIMIT 1 OFFSET {KEPT})
        FROM json_each(?1))
"""
