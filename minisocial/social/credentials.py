"""Credentials: the password by which one proves to be oneself, and what ends when it changes."""

import hashlib

from minisocial.database import DIRECTORY, Transaction
from minisocial.errors import Invalid
from minisocial.social.passwords import LONGEST, Hasher, check_password
from minisocial.social.store import Store
from minisocial.social.tickets import void


class Credentials:
    """Checking and changing passwords. With each change all sessions of the person end, and all links in letters."""

    def __init__(self, store: Store, hasher: Hasher) -> None:
        self._store = store
        self._hasher = hasher

    def check(self, viewer: int, password: str, field: str) -> None:
        """Refuse to go on unless this is the person's password now; `field`: of the form it was typed into."""
        with self._store.fresh(viewer) as reader:
            row = reader.row("SELECT password FROM credentials WHERE account = ?", (viewer,))
        if not self._hasher.check(password[:LONGEST], row[0] if row else None):
            raise Invalid(field, "This is not your password now.")

    def mark(self, viewer: int) -> str:
        """Something that is another one after each change of the password, and says nothing about it."""
        with self._store.fresh(viewer) as reader:
            row = reader.row("SELECT password FROM credentials WHERE account = ?", (viewer,))
        return hashlib.sha256(row[0].encode()).hexdigest()[:16] if row else ""

    def change_password(self, viewer: int, old: str, new: str) -> None:
        """Change one's own password; the old one must be right."""
        self.check(viewer, old, "old")
        self.set_password(viewer, new)

    def set_password(self, id: int, password: str) -> None:
        """Set a password without asking for the old one: for the host's command line."""
        check_password(password, "new")
        self.put(id, self._hasher.hash(password))

    def put(self, id: int, hashed: str, proven: str = "") -> None:
        """Store a password that was hashed, and lock out whoever came in with another one.

        `proven`: an address whose letter brought the person here, which confirms it if it is still theirs.
        """
        with self._store.write(id) as tx:
            tx.execute("UPDATE credentials SET password = ? WHERE account = ?", (hashed, id))
            tx.execute(
                "UPDATE credentials SET confirmed_at = ? WHERE account = ? AND email = ? AND confirmed_at IS NULL",
                (self._store.clock.milliseconds(), id, proven),
            )
        with self._store.cluster.write(DIRECTORY) as tx:
            lock_out(tx, id)


def lock_out(tx: Transaction, id: int) -> None:
    """End all sessions of a person, and all links in letters to them, in the directory's open transaction."""
    tx.execute("DELETE FROM sessions WHERE account = ?", (id,))
    void(tx, id)
