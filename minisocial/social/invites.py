"""Invites: links with a code, a number of uses and an end."""

import secrets
from dataclasses import dataclass

from minisocial.database import DIRECTORY, Transaction
from minisocial.errors import Gone, Invalid, NotFound, Refused
from minisocial.social.store import Store

DAY_MS = 24 * 3600 * 1000
MOST_OPEN = 50
_COLUMNS = "code, created_by, created_at, expires_at, uses, used"


@dataclass(frozen=True, slots=True)
class Invite:
    code: str
    created_by: int
    created_at: int  # milliseconds since 1970
    expires_at: int
    uses: int  # how often it may be used in all
    used: int

    @property
    def left(self) -> int:
        return self.uses - self.used


class Invites:
    """Making, finding and revoking invites."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, viewer: int, uses: int = 1, days: int = 14) -> Invite:
        """A new invite of this member."""
        if not 1 <= uses <= 100:
            raise Invalid("uses", "An invite can be used 1 to 100 times.")
        if not 1 <= days <= 90:
            raise Invalid("days", "An invite lasts 1 to 90 days.")
        now = self._store.clock.milliseconds()
        invite = Invite(secrets.token_urlsafe(9), viewer, now, now + days * DAY_MS, uses, 0)
        with self._store.cluster.write(DIRECTORY) as tx:
            self._refuse_too_many(tx, viewer, now)
            tx.execute(
                f"INSERT INTO invites ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, 0)",
                (invite.code, viewer, now, invite.expires_at, uses),
            )
        return invite

    def _refuse_too_many(self, tx: Transaction, viewer: int, now: int) -> None:
        mine = "SELECT count(*) FROM invites WHERE created_by = ? AND expires_at > ? AND used < uses"
        row = tx.row(mine, (viewer, now))
        if row and row[0] >= MOST_OPEN:
            raise Refused(f"You have {MOST_OPEN} open invites. Revoke one first.")

    def find(self, code: str) -> Invite:
        """An invite that can be used now; NotFound if it never was, Gone if it was used up or ran out."""
        with self._store.fresh_directory() as reader:
            row = reader.row(f"SELECT {_COLUMNS} FROM invites WHERE code = ?", (code,))
        return usable(row, self._store.clock.milliseconds())

    def by(self, viewer: int) -> list[Invite]:
        """This member's newest invites, newest first."""
        self._store.cache.depends_on_more()
        with self._store.cluster.read(DIRECTORY) as reader:
            found = reader.rows(
                f"SELECT {_COLUMNS} FROM invites WHERE created_by = ? ORDER BY created_at DESC LIMIT 100", (viewer,)
            )
        return [Invite(*row) for row in found]

    def revoke(self, viewer: int, code: str) -> None:
        """End an invite of one's own; that it was used stays known."""
        with self._store.cluster.write(DIRECTORY) as tx:
            done = tx.execute(
                "UPDATE invites SET expires_at = min(expires_at, ?) WHERE code = ? AND created_by = ?",
                (self._store.clock.milliseconds(), code, viewer),
            )
            if not done.rowcount:
                raise NotFound("There is no such invite of yours.")


def usable(row: tuple[object, ...] | None, now: int) -> Invite:
    """The invite of a row if it can be used now; else NotFound or Gone."""
    if row is None:
        raise NotFound("There is no such invite. Please check the link, or ask for a new one.")
    invite = Invite(*row)  # type: ignore[arg-type]  # columns as the table has them
    if invite.expires_at <= now or invite.left <= 0:
        raise Gone("This invite was used already, or its time is over. Please ask for a new one.")
    return invite


def use(tx: Transaction, code: str, now: int) -> int:
    """Use an invite once, in the open transaction of the directory; returns who made it."""
    invite = usable(tx.row(f"SELECT {_COLUMNS} FROM invites WHERE code = ?", (code,)), now)
    tx.execute("UPDATE invites SET used = used + 1 WHERE code = ?", (code,))
    return invite.created_by
