"""Addresses: where a person's letters go, whether they were confirmed, and how they change.

An address is confirmed when somebody follows the link in a letter that was sent there. Until then a
person can do everything here, and letters go to the address for two days, as long as that link is good:
who has just joined should hear of the first friend request. After that an address that nobody confirmed
gets no more news, only what its owner asks for (a new link, a reset): it may be a stranger's, by a slip.
Where no mail server is set, letters do not leave this machine, and none is held back.

A new address takes the old one's place when its link is followed, and not before.
"""

import secrets
from dataclasses import dataclass

from minisocial.database import DIRECTORY, Transaction
from minisocial.errors import Gone, Invalid
from minisocial.social.accounts import check_email
from minisocial.social.cached import CONFIRMED
from minisocial.social.credentials import Credentials
from minisocial.social.store import Store
from minisocial.social.tickets import CONFIRM, LASTS_MS, Ticket, Tickets, void

OWN, NEW = "own", "new"  # whether a letter asks about the address somebody has, or about the next one
TURNS = 3  # of settling, at most: each is caused by somebody who confirmed another address meanwhile


@dataclass(frozen=True, slots=True)
class Address:
    email: str
    is_confirmed: bool
    next: str = ""  # a new one, whose link was not followed yet


class Addresses:
    """Confirming and changing addresses."""

    def __init__(self, store: Store, credentials: Credentials, tickets: Tickets) -> None:
        self._store = store
        self._credentials = credentials
        self._tickets = tickets

    def of(self, viewer: int) -> Address:
        """A person's own address, as it is: the link may have been followed in another browser a moment ago."""
        with self._store.fresh(viewer) as reader:
            row = reader.row("SELECT email, confirmed_at FROM credentials WHERE account = ?", (viewer,))
        email, confirmed_at = row or ("", None)
        waiting = self._tickets.waiting(CONFIRM, viewer)
        return Address(email, confirmed_at is not None, waiting if waiting != email else "")

    def is_confirmed(self, viewer: int) -> bool:
        """Whether somebody followed a link to the person's address; through the cache, since each page may ask."""
        found = self._store.cached_home(
            CONFIRMED,
            viewer,
            lambda reader: reader.row("SELECT confirmed_at IS NOT NULL FROM credentials WHERE account = ?", (viewer,)),
        )
        return bool(found and found[0])

    # --- asking --------------------------------------------------------------------------------

    def ask_again(self, viewer: int) -> str:
        """Have the link sent once more, to the new address if there is one; gives the address."""
        address = self.of(viewer)
        email, mark = address.next or address.email, self._credentials.mark(viewer)
        with self._store.write(viewer) as tx:
            self._ask(tx, viewer, email, NEW if address.next else OWN, mark)
        return email

    def change(self, viewer: int, password: str, email: str) -> None:
        """Have a link sent to a new address, and word of it to the old one; the password must be right."""
        email = email.strip()
        check_email(email)
        mark = self._credentials.mark(viewer)  # before: a change of the password meanwhile ends this, too
        self._credentials.check(viewer, password, "password")
        old = self.of(viewer).email
        if email == old:
            raise Invalid("email", "This is your address already.")
        self._refuse_taken(viewer, email)
        with self._store.cluster.write(DIRECTORY) as tx:
            void(tx, viewer, CONFIRM)  # links to what was asked for before
        with self._store.write(viewer) as tx:
            self._ask(tx, viewer, email, NEW, mark)
            self._store.later(tx, "address_letter", account=viewer, to=old, email=email, version=secrets.token_hex(8))

    def _refuse_taken(self, viewer: int, email: str) -> None:
        with self._store.fresh_directory() as reader:  # the link decides
            row = reader.row("SELECT account FROM emails WHERE email = ?", (email,))
        if row and row[0] != viewer:
            raise Invalid("email", "This e-mail address cannot be used here.")

    def _ask(self, tx: Transaction, account: int, email: str, which: str, mark: str) -> None:
        version = f"{which}-{secrets.token_hex(8)}"
        self._store.later(tx, "confirm_letter", account=account, email=email, version=version, mark=mark)

    def link(self, account: int) -> str:
        """A link's token, to be handed over by whoever is in charge and knows the address to be right."""
        return self._tickets.issue(CONFIRM, account, self.of(account).email)

    # --- confirming ----------------------------------------------------------------------------

    def find(self, token: str) -> str:
        """The address that the link confirms, or Gone."""
        return self._tickets.find(CONFIRM, token).email

    def confirm(self, token: str) -> str:
        """Follow the link, once: its address is the person's from now on. Gives the address."""
        with self._store.cluster.write(DIRECTORY) as tx:
            ticket = self._tickets.spend(tx, CONFIRM, token)
            self._take(tx, ticket)
            self._store.later(tx, "settle_address", account=ticket.account)
        self.settle(ticket.account)
        return ticket.email

    def _take(self, tx: Transaction, ticket: Ticket) -> None:
        row = tx.row("SELECT account FROM emails WHERE email = ?", (ticket.email,))
        if row and row[0] != ticket.account:
            raise Gone("Somebody else here uses this address by now.")
        tx.execute("DELETE FROM emails WHERE account = ?", (ticket.account,))
        tx.execute("INSERT INTO emails (email, account) VALUES (?, ?)", (ticket.email, ticket.account))

    def settle(self, account: int) -> None:
        """Bring the person's own shard to the address that the directory has for them, which is a confirmed one.

        Two that settle at once may write in any order, so each looks again after it has written: the last
        one to look sees what is true.
        """
        written = ""
        for _ in range(TURNS):
            with self._store.fresh_directory() as reader:
                row = reader.row("SELECT email FROM emails WHERE account = ?", (account,))
            if row is None or row[0] == written:
                return
            written = row[0]
            with self._store.write(account) as tx:
                tx.execute(_SETTLE, (written, self._store.clock.milliseconds(), account))

    # --- for letters ---------------------------------------------------------------------------

    def for_news(self, account: int, has_server: bool) -> str:
        """Where letters with news go; "" if none are to go there. As it is at this moment: for tasks."""
        with self._store.fresh(account) as reader:
            row = reader.row(_MAILBOX, (account,))
        if row is None:
            return ""
        email, confirmed_at, suspended_at, asked_at = row
        if suspended_at is not None:
            return ""
        is_late = asked_at is not None and self._store.clock.milliseconds() > asked_at + LASTS_MS[CONFIRM]
        return "" if has_server and confirmed_at is None and is_late else str(email)


_SETTLE = """
    UPDATE credentials SET email = ?1, confirmed_at = ?2 WHERE account = ?3 AND (email <> ?1 OR confirmed_at IS NULL)
"""
_MAILBOX = """
    SELECT email, confirmed_at, suspended_at,
        (SELECT min(at) FROM letters_sent WHERE account = ?1 AND key >= 'confirm-own-' AND key < 'confirm-own.')
    FROM credentials JOIN accounts ON accounts.id = account WHERE account = ?1
"""
