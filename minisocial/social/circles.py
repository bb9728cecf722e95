"""What two people are to each other, and whom somebody has to do with: as it is cached, and how it is loaded."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from minisocial.cache import Kind
from minisocial.database import Reader
from minisocial.social.registers import FRIENDS, NONE, RECEIVED, REQUESTED
from minisocial.social.store import marks

MOST_LISTED = 5000


@dataclass(frozen=True, slots=True)
class Pair:
    """What `account`'s side knows of it and `other`."""

    account: int
    other: int
    friendship: str = NONE  # "", requested, received, friends
    follows: bool = False  # account sees other's posts in the home feed
    followed: bool = False  # other may see account's posts for friends


@dataclass(frozen=True, slots=True)
class Circle:
    """Everybody `account` has to do with: (version, other), newest first, at most 5,000 each."""

    friends: tuple[tuple[int, int], ...]
    received: tuple[tuple[int, int], ...]
    requested: tuple[tuple[int, int], ...]
    follows: frozenset[int]  # friends, and accounts followed one way

    @property
    def friend_ids(self) -> Iterator[int]:
        return (other for _, other in self.friends)


NOBODY = Circle((), (), (), frozenset())


PAIR: Kind[Pair] = Kind(
    "pair",
    encode=lambda p: [p.account, p.other, p.friendship, p.follows, p.followed],
    decode=lambda row: Pair(*row),
    is_shared=False,
)
CIRCLE: Kind[Circle] = Kind(
    "circle",
    encode=lambda c: [c.friends, c.received, c.requested, sorted(c.follows)],
    decode=lambda row: Circle(_versions(row[0]), _versions(row[1]), _versions(row[2]), frozenset(row[3])),
)


def _versions(rows: Iterable[Iterable[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((version, other) for version, other in rows)


def load_pairs(reader: Reader, ids: list[tuple[int, int]]) -> dict[tuple[int, int], Pair]:
    """Each (account, other) with what the account's side says, in one query."""
    found = reader.rows(
        f"WITH asked(account, other) AS (VALUES {','.join('(?,?)' for _ in ids)})"
        " SELECT account, other, friendships.state, following.active, followers.active FROM asked"
        " LEFT JOIN friendships USING (account, other) LEFT JOIN following USING (account, other)"
        " LEFT JOIN followers USING (account, other)",
        [part for id in ids for part in id],
    )
    return {
        (account, other): Pair(
            account,
            other,
            state if state in (REQUESTED, RECEIVED, FRIENDS) else NONE,
            follows=state == FRIENDS or bool(following),
            followed=state == FRIENDS or bool(followed),
        )
        for account, other, state, following, followed in found
    }


def load_circles(reader: Reader, accounts: list[int]) -> dict[int, Circle]:
    """The circle of each account, in two queries however many they are."""
    listed: defaultdict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for account, state, version, other in reader.rows(_STATES.format(marks(accounts)), [*accounts, MOST_LISTED]):
        listed[account, state].append((version, other))
    follows = {account: {other for _, other in listed[account, FRIENDS]} for account in accounts}
    for account, other in reader.rows(_ONE_WAY.format(marks(accounts)), [*accounts, MOST_LISTED]):
        follows[account].add(other)
    return {
        account: Circle(
            friends=tuple(listed[account, FRIENDS]),
            received=tuple(listed[account, RECEIVED]),
            requested=tuple(listed[account, REQUESTED]),
            follows=frozenset(follows[account]),
        )
        for account in accounts
    }


_STATES = """
    SELECT account, state, version, other FROM (
        SELECT account, state, version, other,
            row_number() OVER (PARTITION BY account, state ORDER BY version DESC) AS place
        FROM friendships WHERE account IN ({}) AND state IN ('friends', 'received', 'requested')
    ) WHERE place <= ? ORDER BY account, version DESC
"""
_ONE_WAY = """
    SELECT account, other FROM (
        SELECT account, other, row_number() OVER (PARTITION BY account ORDER BY other DESC) AS place
        FROM following WHERE account IN ({}) AND active
    ) WHERE place <= ?
"""
