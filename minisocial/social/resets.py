"""Resets: a forgotten password is set anew with a link, by letter or from the host's hand."""

import secrets

from minisocial.database import DIRECTORY
from minisocial.social.accounts import Account, Accounts
from minisocial.social.credentials import Credentials, lock_out
from minisocial.social.passwords import Hasher, check_password
from minisocial.social.store import Store
from minisocial.social.tickets import RESET, Ticket, Tickets

LONGEST_NAME = 254  # characters of an e-mail address


class Resets:
    """Asking for a reset, and using its link."""

    def __init__(
        self, store: Store, accounts: Accounts, credentials: Credentials, tickets: Tickets, hasher: Hasher
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._credentials = credentials
        self._tickets = tickets
        self._hasher = hasher

    def ask(self, name: str) -> None:
        """Leave word that somebody of this username or address, if there is one, wants a link.

        Nothing is looked up before the answer: it takes the same commit and the same time whoever is named.
        """
        with self._store.cluster.write(DIRECTORY) as tx:
            self._store.later(tx, "reset_letter", name=name[:LONGEST_NAME], version=secrets.token_hex(8))

    def link(self, account: int) -> str:
        """A link's token to be handed over by whoever is in charge; it says nothing about the person's address."""
        return self._tickets.issue(RESET, account)

    def find(self, token: str) -> Account:
        """Whose password the link sets, or Gone."""
        return self._accounts.get(self._tickets.find(RESET, token).account)

    def use(self, token: str, password: str) -> Account:
        """Set the password, once: all sessions of the person and all other links of theirs end.

        1. the ticket is spent and the sessions end; if we die here, the person asks for a new link
        2. the password is written; whoever knew only the old one is locked out
        3. sessions that were opened with the old one between 1 and 2 end, too
        """
        check_password(password, "new")
        self._tickets.find(RESET, token)  # before the costly hash; the write decides
        hashed = self._hasher.hash(password)
        ticket = self._spend(token)
        self._credentials.put(ticket.account, hashed, proven=ticket.email)
        return self._accounts.get(ticket.account)

    def _spend(self, token: str) -> Ticket:
        with self._store.cluster.write(DIRECTORY) as tx:
            ticket = self._tickets.spend(tx, RESET, token)
            lock_out(tx, ticket.account)
        return ticket
