"""Friends: asking, accepting, ending, and following those who need not be asked.

A friendship is a register on each side. Whoever acts writes their own side with a new version; the
outbox carries the other half over, where the higher version wins. Both sides therefore end equal
whatever the order, the repeats and the crashes in between (a last-writer-wins register: Shapiro et
al., "A comprehensive study of Convergent and Commutative Replicated Data Types", 2011).
"""

from collections.abc import Iterable

from minisocial.database import Transaction
from minisocial.errors import Forbidden, NotFound
from minisocial.social.accounts import NOBODY_HERE, Account, Accounts
from minisocial.social.circles import CIRCLE, NOBODY, PAIR, Circle, Pair, load_circles, load_pairs
from minisocial.social.pages import Cursor, Page
from minisocial.social.people import People
from minisocial.social.registers import (
    DECLINED,
    ENDED,
    FRIENDS,
    NONE,
    RECEIVED,
    REQUESTED,
    forget_request,
    friendship,
    is_active,
    is_apart,
    next_version,
    write_active,
    write_friendship,
)
from minisocial.social.store import Store

# (my state, what I do) → (my new state, the other's new state or None: they are not told)
MOVES: dict[tuple[str, str], tuple[str, str | None]] = {
    (NONE, "add"): (REQUESTED, RECEIVED),
    (ENDED, "add"): (REQUESTED, RECEIVED),
    (RECEIVED, "add"): (FRIENDS, FRIENDS),  # they asked first
    (DECLINED, "add"): (FRIENDS, FRIENDS),  # they asked, and still do
    (RECEIVED, "accept"): (FRIENDS, FRIENDS),
    (RECEIVED, "decline"): (DECLINED, None),
    (REQUESTED, "cancel"): (ENDED, ENDED),
    (FRIENDS, "unfriend"): (ENDED, ENDED),
}
# doing it again changes nothing and is no error: a button pressed twice
DONE_ALREADY = {
    (REQUESTED, "add"),
    (FRIENDS, "add"),
    (FRIENDS, "accept"),
    (DECLINED, "decline"),
    (ENDED, "cancel"),
    (ENDED, "unfriend"),
    (NONE, "unfriend"),
    (NONE, "cancel"),
}


class Friends:
    """Everything two people can be to each other."""

    def __init__(self, store: Store, accounts: Accounts, people: People) -> None:
        self._store = store
        self._accounts = accounts
        self._people = people

    # --- knowing -------------------------------------------------------------------------------

    def pair(self, viewer: int, other: int) -> Pair:
        """What the viewer's side knows of the two."""
        return self.pairs([(viewer, other)])[viewer, other]

    def pairs(self, ids: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Pair]:
        """The same for many: {(account, other): Pair}."""
        ids = list(ids)
        found = self._store.cached_many(PAIR, ids, load_pairs, lambda id: id[0])
        return {id: found.get(id) or Pair(*id) for id in ids}

    def circle(self, account: int) -> Circle:
        """Everybody this person has to do with."""
        return self.circles([account])[account]

    def circles(self, accounts: Iterable[int]) -> dict[int, Circle]:
        """The same for many, by account."""
        accounts = list(accounts)
        found = self._store.cached_many(CIRCLE, accounts, load_circles, lambda id: id)
        return {account: found.get(account) or NOBODY for account in accounts}

    def of(self, account: int, cursor: Cursor = Cursor()) -> Page[Account]:  # noqa: B008  (frozen)
        """A person's friends, the newest friendship first; the cursor counts versions."""
        return self._listed(account, self.circle(account).friends, cursor)

    def requests(self, viewer: int) -> list[Account]:
        """Who wants to be the viewer's friend, newest first, the first hundred."""
        return self._listed(viewer, self.circle(viewer).received, Cursor(limit=100)).items

    def requested(self, viewer: int) -> list[Account]:
        """Whom the viewer has asked and who has not answered, newest first, the first hundred."""
        return self._listed(viewer, self.circle(viewer).requested, Cursor(limit=100)).items

    def request_count(self, viewer: int) -> int:
        """How many of them there are."""
        return len(self.requests(viewer)) if self.circle(viewer).received else 0

    def in_common(self, viewer: int, others: Iterable[int]) -> dict[int, int]:
        """How many friends the viewer shares with each of them."""
        others = list(others)
        friends = {account: set(circle.friend_ids) for account, circle in self.circles([viewer, *others]).items()}
        return {other: len(friends[viewer] & friends[other]) for other in others}

    def _listed(self, viewer: int, versions: tuple[tuple[int, int], ...], cursor: Cursor) -> Page[Account]:
        if cursor.min_id is not None:
            newer = [pair for pair in versions if pair[0] > cursor.min_id]
            kept = newer[-cursor.limit :]
        else:
            kept = [pair for pair in versions if cursor.max_id is None or pair[0] < cursor.max_id][: cursor.limit]
        found = self._people.visible([other for _, other in kept], viewer)
        if not kept:
            return Page([])
        return Page(
            [found[other] for _, other in kept if other in found],
            older=kept[-1][0] if kept[-1] != versions[-1] else None,
            newer=kept[0][0] if kept[0] != versions[0] else None,
        )

    # --- acting --------------------------------------------------------------------------------

    def add(self, viewer: int, other: int) -> None:
        """Ask for friendship; accept where they asked first; follow where nobody needs to ask."""
        if viewer == other:
            raise Forbidden("You are your own best friend already.")
        if self._accounts.get(other).approves_followers:
            self._move(viewer, other, "add")
        else:
            self.follow(viewer, other)

    def accept(self, viewer: int, other: int) -> None:
        """Become friends with somebody who asked."""
        self._move(viewer, other, "accept")

    def decline(self, viewer: int, other: int) -> None:
        """Put a request away; nobody is told."""
        self._move(viewer, other, "decline")

    def cancel(self, viewer: int, other: int) -> None:
        """Take one's own request back."""
        self._move(viewer, other, "cancel")

    def unfriend(self, viewer: int, other: int) -> None:
        """End a friendship and the following, in both directions."""
        self._move(viewer, other, "unfriend")

    def _move(self, viewer: int, other: int, action: str) -> None:
        with self._store.write(viewer) as tx:
            if action in ("add", "accept") and is_apart(tx, viewer, other):
                raise NotFound(NOBODY_HERE)
            state = friendship(tx, viewer, other)
            move = MOVES.get((state, action))
            if move is None:
                if (state, action) in DONE_ALREADY:
                    return
                raise NotFound("There is no friend request from this person any more.")
            self._write_move(tx, viewer, other, state, *move)

    def meet(self, tx: Transaction, viewer: int, other: int) -> None:
        """Both asked each other at the same moment: they are friends, in the open transaction."""
        self._write_move(tx, viewer, other, RECEIVED, *MOVES[RECEIVED, "add"])

    def _write_move(self, tx: Transaction, viewer: int, other: int, before: str, mine: str, theirs: str | None) -> None:
        version = next_version(self._store, tx, "friendships", viewer, other, is_told=theirs is not None)
        write_friendship(tx, viewer, other, mine, version)
        if theirs is not None:
            told = {"account": other, "other": viewer, "state": theirs, "version": version}
            self._store.later(tx, "mirror_friendship", **told)
        if mine in (FRIENDS, DECLINED):  # the request is answered
            forget_request(tx, viewer, other)
        if before == FRIENDS:
            self.end_following(tx, viewer, other)

    def follow(self, viewer: int, other: int) -> None:
        """Follow an account that does not approve its followers, at once and one way."""
        if viewer == other or self._accounts.get(other).approves_followers:
            raise Forbidden("This person decides who follows them. Ask to be friends instead.")
        with self._store.write(viewer) as tx:
            if is_apart(tx, viewer, other):
                raise NotFound(NOBODY_HERE)
            if not is_active(tx, "following", viewer, other):
                self._write_follow(tx, viewer, other, True)

    def unfollow(self, viewer: int, other: int) -> None:
        """Stop following one way; a friendship stays what it is."""
        with self._store.write(viewer) as tx:
            self.end_following(tx, viewer, other)

    def end_following(self, tx: Transaction, viewer: int, other: int) -> None:
        """Stop following, in the open transaction of the viewer's shard, and clear the feed."""
        if is_active(tx, "following", viewer, other):
            self._write_follow(tx, viewer, other, False)
        self._store.later(tx, "clear_feed", account=viewer, author=other)

    def part(self, tx: Transaction, viewer: int, other: int) -> None:
        """End the friendship, any request and the following in both directions, in the open transaction."""
        state = friendship(tx, viewer, other)
        if state not in (NONE, ENDED):
            self._write_move(tx, viewer, other, state, ENDED, ENDED)
        if state != FRIENDS:  # else that was done with it
            self.end_following(tx, viewer, other)
        if is_active(tx, "followers", viewer, other):
            version = next_version(self._store, tx, "followers", viewer, other)
            write_active(tx, "followers", viewer, other, False, version)
            self._store.later(tx, "cut_follow", account=other, other=viewer, version=version)

    def _write_follow(self, tx: Transaction, viewer: int, other: int, active: bool) -> None:
        version = next_version(self._store, tx, "following", viewer, other)
        write_active(tx, "following", viewer, other, active, version)
        self._store.later(tx, "mirror_follow", account=other, other=viewer, active=active, version=version)
