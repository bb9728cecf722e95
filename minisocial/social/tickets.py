"""Tickets: links in letters that prove who follows them. Each is good once, for one purpose, and not for long.

Only the hash of a token is stored, so whoever reads the tables, or a backup, can follow no link. The
letter's task keeps no token either: it makes the ticket when it writes the letter. A task that is
repeated must write the same link again, since a mail program shows two letters with one `Message-ID` as
one, be it the first or the second. So its token is computed from what the task is about and from a key
that only this process has. After a restart the key is another one, and so is the token of a letter that
is written again: then both links are good, until one of them is followed.

A ticket that was used is kept for some days, as used: no repetition makes it good again.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from minisocial.database import DIRECTORY, Transaction
from minisocial.errors import Gone
from minisocial.social.store import Store

HOUR_MS = 3600 * 1000
RESET, CONFIRM = "reset", "confirm"
LASTS_MS = {RESET: HOUR_MS, CONFIRM: 48 * HOUR_MS}
KEPT_MS = 7 * 24 * HOUR_MS  # longer than any letter is tried
LONGEST = 100  # characters of what may be a token
SPENT = 0  # when a used ticket ran out: long ago
OVER = "This link was used already, or its time is over. Please ask for a new one."


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who follows the link, and the address it was sent to: "" if it was handed over in another way."""

    account: int
    email: str


class Tickets:
    """Issuing, finding and spending tickets."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)

    def issue(self, purpose: str, account: int, email: str = "", about: str = "") -> str:
        """A new ticket's token; for the same `about`, the same one with its time begun anew, unless it was used."""
        now, token = self._store.clock.milliseconds(), self._token(purpose, account, about)
        with self._store.cluster.write(DIRECTORY) as tx:
            tx.execute("DELETE FROM tickets WHERE account = ? AND created_at < ?", (account, now - KEPT_MS))
            tx.execute(
                "INSERT INTO tickets (token, purpose, account, email, created_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at"
                " WHERE expires_at <> ?",
                (_hash(token), purpose, account, email, now, now + LASTS_MS[purpose], SPENT),
            )
        return token

    def _token(self, purpose: str, account: int, about: str) -> str:
        if not about:
            return secrets.token_urlsafe(32)
        said = f"{purpose}:{account}:{about}".encode()
        return urlsafe_b64encode(hmac.digest(self._key, said, "sha256")).decode().rstrip("=")

    def find(self, purpose: str, token: str) -> Ticket:
        """The ticket of a token if it is good now, else Gone."""
        with self._store.fresh_directory() as reader:
            row = reader.row(_GOOD, (_hash(token), purpose, self._store.clock.milliseconds()))
        return _ticket(row)

    def spend(self, tx: Transaction, purpose: str, token: str) -> Ticket:
        """Use a ticket in the open transaction of the directory; Gone if it is not good any more."""
        ticket = _ticket(tx.row(_GOOD, (_hash(token), purpose, self._store.clock.milliseconds())))
        tx.execute("UPDATE tickets SET expires_at = ? WHERE token = ?", (SPENT, _hash(token)))
        return ticket

    def waiting(self, purpose: str, account: int) -> str:
        """The address to which the newest good ticket of somebody was sent; "" if there is none."""
        with self._store.fresh_directory() as reader:
            row = reader.row(
                "SELECT email FROM tickets WHERE account = ? AND purpose = ? AND expires_at > ?"
                " ORDER BY created_at DESC LIMIT 1",
                (account, purpose, self._store.clock.milliseconds()),
            )
        return row[0] if row else ""


def void(tx: Transaction, account: int, purpose: str = "") -> None:
    """Make all tickets of somebody (for one purpose) useless, in the open transaction of the directory."""
    tx.execute(
        "UPDATE tickets SET expires_at = ?1 WHERE account = ?2 AND ?3 IN ('', purpose)", (SPENT, account, purpose)
    )


_GOOD = "SELECT account, email FROM tickets WHERE token = ? AND purpose = ? AND expires_at > ?"


def _ticket(row: tuple[int, str] | None) -> Ticket:
    if row is None:
        raise Gone(OVER)
    return Ticket(*row)


def _hash(token: str) -> str:
    return hashlib.sha256(token[:LONGEST].encode(errors="replace")).hexdigest()
