"""Links by hand: those in charge make one for somebody, and the audit log tells that they did."""

from minisocial.social.accounts import Account
from minisocial.social.addresses import Addresses
from minisocial.social.audit import Audit
from minisocial.social.resets import Resets
from minisocial.social.tickets import RESET


class Links:
    """Making links that would else come by letter. Who may is the caller's to check."""

    def __init__(self, audit: Audit, resets: Resets, addresses: Addresses) -> None:
        self._audit = audit
        self._resets = resets
        self._addresses = addresses

    def make(self, actor: int | None, account: Account, purpose: str) -> str:
        """The token of a new link (reset or confirm) for somebody; `actor`: who made it, None at the command line."""
        self._audit.note(actor, "link", account.username, purpose)  # before there is anything to misuse
        return self._resets.link(account.id) if purpose == RESET else self._addresses.link(account.id)
