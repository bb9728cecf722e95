"""What two people are to each other, as rows: registers of which the higher version is true.

Whoever acts writes their own side with a new version; the outbox carries the other half over, where it
counts only above what is there. All functions work in the open transaction of `account`'s shard.
"""

from minisocial.database import Transaction
from minisocial.social.store import Store

NONE, REQUESTED, RECEIVED, FRIENDS, DECLINED, ENDED = "", "requested", "received", "friends", "declined", "ended"


def next_version(store: Store, tx: Transaction, table: str, account: int, other: int, is_told: bool = True) -> int:
    """Now, but above what is there: a clock that steps back must not make the newest word unheard.

    What the other is not told comes just above what is there: whatever they say next must be heard.
    One side's versions are even and the other's odd, so no two words have the same.
    """
    row = tx.row(f"SELECT version FROM {table} WHERE account = ? AND other = ?", (account, other))
    above = row[0] + 1 if row else 0
    version = max(store.cluster.new_id(account), above) if is_told else above
    return version + ((version ^ (account > other)) & 1)


def friendship(tx: Transaction, account: int, other: int) -> str:
    """The state of the friendship on this side."""
    row = tx.row("SELECT state FROM friendships WHERE account = ? AND other = ?", (account, other))
    return row[0] if row else NONE


def write_friendship(tx: Transaction, account: int, other: int, state: str, version: int) -> bool:
    """Write one side's register unless a higher version is there; says whether it was written."""
    done = tx.execute(
        "INSERT INTO friendships (account, other, state, version) VALUES (?, ?, ?, ?) ON CONFLICT (account, other)"
        " DO UPDATE SET state = excluded.state, version = excluded.version WHERE excluded.version > version",
        (account, other, state, version),
    )
    return done.rowcount > 0


def is_active(tx: Transaction, table: str, account: int, other: int) -> bool:
    """Whether a register that is on or off is on; `table` is following, followers, blocks or blocked_by."""
    row = tx.row(f"SELECT active FROM {table} WHERE account = ? AND other = ?", (account, other))
    return bool(row and row[0])


def write_active(tx: Transaction, table: str, account: int, other: int, active: bool, version: int) -> bool:
    """Switch such a register unless a higher version is there; says whether it was written."""
    done = tx.execute(
        f"INSERT INTO {table} (account, other, active, version) VALUES (?, ?, ?, ?) ON CONFLICT (account, other)"
        " DO UPDATE SET active = excluded.active, version = excluded.version WHERE excluded.version > version",
        (account, other, int(active), version),
    )
    return done.rowcount > 0


def is_apart(tx: Transaction, account: int, other: int) -> bool:
    """Whether one of the two blocks the other, as far as `account`'s side knows."""
    return is_active(tx, "blocks", account, other) or is_active(tx, "blocked_by", account, other)


def reads(tx: Transaction, viewer: int, author: int) -> bool:
    """Whether the author's posts belong into the viewer's home feed: as a friend's, or followed one way."""
    if is_apart(tx, viewer, author):
        return False
    return friendship(tx, viewer, author) == FRIENDS or is_active(tx, "following", viewer, author)


def forget_request(tx: Transaction, account: int, actor: int) -> None:
    """A request that was answered or taken back is no news any more."""
    tx.execute("DELETE FROM notifications WHERE account = ? AND kind = 'request' AND actor = ?", (account, actor))
