"""Blocks: each is hidden from the other everywhere, and what was between them ends.

A block is a register on both sides, as a follow is. It ends the friendship and the following in both
directions, and takes back what each told the other: notifications and likes. Lifting it brings back the
sight of each other and nothing else.
"""

from minisocial.database import Transaction
from minisocial.errors import Forbidden, NotFound, Refused
from minisocial.social.accounts import NOBODY_HERE, Account, Accounts
from minisocial.social.friends import Friends
from minisocial.social.people import People
from minisocial.social.registers import is_active, next_version, write_active
from minisocial.social.store import Store

MOST = 5000  # people that one person can block
LISTED = 500


class Blocks:
    """Blocking, and lifting a block."""

    def __init__(self, store: Store, accounts: Accounts, people: People, friends: Friends) -> None:
        self._store = store
        self._accounts = accounts
        self._people = people
        self._friends = friends

    def by(self, viewer: int) -> list[Account]:
        """Whom the viewer blocks, the newest block first, the first five hundred."""
        with self._store.read(viewer) as reader:
            rows = reader.rows(
                "SELECT other FROM blocks WHERE account = ? AND active ORDER BY version DESC LIMIT ?", (viewer, LISTED)
            )
        found = self._accounts.many(row[0] for row in rows)
        return [found[other] for (other,) in rows if other in found]

    def block(self, viewer: int, other: int) -> None:
        """Part from somebody; they are told nothing. Doing it again changes nothing."""
        if viewer == other:
            raise Forbidden("You have to get along with yourself.")
        with self._store.write(viewer) as tx:
            if is_active(tx, "blocks", viewer, other):
                return
            _refuse_too_many(tx, viewer)
            self._write(tx, viewer, other, True)
            self.end_all(tx, viewer, other)

    def unblock(self, viewer: int, other: int) -> None:
        """See each other again. Doing it again changes nothing, unless the other is hidden all the same."""
        with self._store.write(viewer) as tx:
            was_active = is_active(tx, "blocks", viewer, other)
            if was_active:
                self._write(tx, viewer, other, False)
        if not was_active and other not in self._people.visible([other], viewer):
            raise NotFound(NOBODY_HERE)

    def _write(self, tx: Transaction, viewer: int, other: int, active: bool) -> None:
        version = next_version(self._store, tx, "blocks", viewer, other)
        write_active(tx, "blocks", viewer, other, active, version)
        self._store.later(tx, "mirror_block", account=other, other=viewer, active=active, version=version)

    def end_all(self, tx: Transaction, account: int, other: int) -> None:
        """End all there is between two people, in the open transaction of `account`'s side."""
        self._friends.part(tx, account, other)
        tx.execute("DELETE FROM notifications WHERE account = ? AND actor = ?", (account, other))
        tx.execute(_UNCOUNT_LIKES, (account, other))
        tx.execute(_FORGET_LIKES, (account, other))


def _refuse_too_many(tx: Transaction, viewer: int) -> None:
    row = tx.row("SELECT count(*) FROM blocks WHERE account = ? AND active", (viewer,))
    if row and row[0] >= MOST:
        raise Refused(f"You block {MOST:,} people, and more do not fit. Unblock somebody in your settings first.")


# of posts by the first person, liked by the second
_UNCOUNT_LIKES = """
    UPDATE posts SET likes = likes - 1
    WHERE author = ?1 AND EXISTS (SELECT 1 FROM likes WHERE post = posts.id AND account = ?2)
"""
_FORGET_LIKES = "DELETE FROM likes WHERE account = ?2 AND post IN (SELECT id FROM posts WHERE author = ?1)"
