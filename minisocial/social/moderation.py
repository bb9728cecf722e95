"""Moderation: suspending people, and giving them roles.

The audit log in the directory is what is true: whatever is decided is a row of it, in the transaction that also
ends sessions. What it says of a person is then carried to their account, at once and again by the outbox,
so a crash in between leaves nothing half done, and of two decisions at once the later row counts.
"""

from minisocial.database import DIRECTORY, Reader, Transaction
from minisocial.errors import Forbidden, Invalid, NotFound, Refused
from minisocial.social.accounts import COLUMNS, Account, Accounts, from_row
from minisocial.social.audit import write_down
from minisocial.social.store import Store
from minisocial.social.text import clean

ROLES = ("member", "moderator", "admin")
NO_PAGE = "There is no page at this address."
LAST_ADMIN = "This is the only admin, and somebody has to run the community. Make another one first."


class Moderation:
    """What moderators and admins do; an `actor` of None is the host at the command line, who may do everything."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    # --- deciding ------------------------------------------------------------------------------

    def suspend(self, actor: int | None, id: int, reason: str = "") -> None:
        """End somebody's sessions and invites, refuse them at the door, and hide them, until it is lifted."""
        reason, account = clean("reason", reason, 200), self._accounts.get(id)
        with self._store.cluster.write(DIRECTORY) as tx:
            self._check(tx, actor, account)
            if _is_suspended(tx, account):
                return
            self._refuse_last_admin(tx, account)
            now = self._note(tx, actor, "suspend", account, reason)
            tx.execute("DELETE FROM sessions WHERE account = ?", (id,))
            tx.execute("UPDATE invites SET expires_at = min(expires_at, ?) WHERE created_by = ?", (now, id))
        self.carry(id)

    def unsuspend(self, actor: int | None, id: int) -> None:
        """Let somebody in again; what they wrote is there again, too."""
        account = self._accounts.get(id)
        with self._store.cluster.write(DIRECTORY) as tx:
            self._check(tx, actor, account)
            if not _is_suspended(tx, account):
                return
            self._note(tx, actor, "unsuspend", account)
        self.carry(id)

    def set_role(self, actor: int | None, id: int, role: str) -> None:
        """Make somebody a member, a moderator or an admin; only admins decide that."""
        account = self._accounts.get(id)
        if role not in ROLES:
            raise Invalid("role", "A person is a member, a moderator or an admin.")
        with self._store.cluster.write(DIRECTORY) as tx:
            if actor is not None and _role(tx, self._accounts.get(actor)) != "admin":
                raise Forbidden("Only an admin can change what somebody is here.")
            if _role(tx, account) == role:
                return
            if role != "admin":
                self._refuse_last_admin(tx, account)
            self._note(tx, actor, "role", account, role)
        self.carry(id)

    def _check(self, tx: Transaction, actor: int | None, account: Account) -> None:
        """Moderators decide about members, admins about everybody, nobody about themselves."""
        if actor is None:
            return
        role = _role(tx, self._accounts.get(actor))
        if role not in ("moderator", "admin"):
            raise NotFound(NO_PAGE)
        if actor == account.id:
            raise Forbidden("Nobody can do this to themselves. Ask another moderator.")
        if role != "admin" and _role(tx, account) != "member":
            raise Forbidden("Only an admin can do this to somebody who is in charge.")

    def _refuse_last_admin(self, tx: Transaction, account: Account) -> None:
        """All such decisions are made one after the other, in the directory, and its log knows the latest."""
        if _role(tx, account) != "admin" or _is_suspended(tx, account):
            return
        for other in self._admins():
            if other.id != account.id and _role(tx, other) == "admin" and not _is_suspended(tx, other):
                return
        raise Refused(LAST_ADMIN)

    def _admins(self) -> list[Account]:
        cluster, found = self._store.cluster, []
        for shard in cluster.shards:
            with cluster.read(shard, cluster.position(shard)) as reader:
                found += reader.rows(f"SELECT {COLUMNS} FROM accounts WHERE role = 'admin' AND {reader.own('id')}")
        return [from_row(row) for row in found]

    def _note(self, tx: Transaction, actor: int | None, action: str, account: Account, detail: str = "") -> int:
        now = self._store.clock.milliseconds()
        write_down(tx, now, actor, action, account.username, detail)
        self._store.later(tx, "carry_standing", account=account.id)
        return now

    # --- what follows from it ------------------------------------------------------------------

    def carry(self, id: int) -> None:
        """Bring a person's account to what the log says of them; doing it again changes nothing.

        The log is read inside the write: of two who carry at once, the one that writes last has read last.
        """
        username = self._accounts.get(id).username
        with self._store.write(id) as tx:
            row = tx.row("SELECT suspended_at, role FROM accounts WHERE id = ?", (id,))
            if row is None:
                return
            with self._store.fresh_directory() as log:
                suspended_at, role = _suspended_at(log, username, row[0]), _last_role(log, username) or row[1]
            if (suspended_at, role) == row:
                return
            tx.execute("UPDATE accounts SET suspended_at = ?, role = ? WHERE id = ?", (suspended_at, role, id))
            if (suspended_at is None) != (row[0] is None):
                self._store.later(tx, "recount_replies", account=id)


def _role(log: Transaction, account: Account) -> str:
    return _last_role(log, account.username) or account.role


def _last_role(log: Transaction | Reader, username: str) -> str | None:
    row = log.row(
        "SELECT detail FROM audit WHERE subject = ? AND action = 'role' ORDER BY id DESC LIMIT 1", (username,)
    )
    return row[0] if row else None


def _is_suspended(log: Transaction, account: Account) -> bool:
    return _suspended_at(log, account.username, account.suspended_at) is not None


def _suspended_at(log: Transaction | Reader, username: str, otherwise: int | None) -> int | None:
    sql = (
        "SELECT action, at FROM audit WHERE subject = ? AND action IN ('suspend', 'unsuspend') ORDER BY id DESC LIMIT 1"
    )
    row = log.row(sql, (username,))
    if row is None:
        return otherwise
    return row[1] if row[0] == "suspend" else None
