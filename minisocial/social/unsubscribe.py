"""Unsubscribing: a link that ends letters of one kind for one person, with one click and no log-in (RFC 8058).

Its token holds the account, the kind, and a seal (HMAC-SHA256) made with a key of the account's own. The
key is made with the first letter and lies on the person's shard, so it is kept, copied, moved and backed up
with the account, and the links in old letters work as long as the account is there. Nothing is stored per
letter. A seal is good for its account and its kind only, and can do nothing but switch those letters off.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from minisocial.errors import NotFound
from minisocial.ids import MAX_ID
from minisocial.social.preferences import DIGEST, KINDS, MAIL, OFF, Preferences
from minisocial.social.store import Store

KEY = "letter_key"  # the name of the row, which no page of settings knows
DIGEST_WORDS = "The digest of what you missed"
_TOKEN = re.compile(r"([0-9a-f]{1,16})\.([a-z_]{1,20})\.([A-Za-z0-9_-]{43})")
NOT_OURS = "This link is damaged, or the account it was for is not there any more."


@dataclass(frozen=True, slots=True)
class Subscription:
    account: int
    kind: str  # a kind of news, or "digest"

    @property
    def what(self) -> str:
        """In the words of the settings page."""
        return DIGEST_WORDS if self.kind == DIGEST else KINDS[self.kind].what


class Unsubscribe:
    """Making and following such links."""

    def __init__(self, store: Store, preferences: Preferences) -> None:
        self._store = store
        self._preferences = preferences

    def token(self, account: int, kind: str) -> str:
        """What the link in a letter of this kind to this person ends with."""
        return f"{account:x}.{kind}.{_seal(self._key(account) or self._make_key(account), account, kind)}"

    def find(self, token: str) -> Subscription:
        """What the link is for, or NotFound."""
        match = _TOKEN.fullmatch(token)
        account, kind = (int(match[1], 16), match[2]) if match else (0, "")
        if match is None or not 0 < account <= MAX_ID or (kind not in KINDS and kind != DIGEST):
            raise NotFound(NOT_OURS)
        key = self._key(account)
        if not key or not hmac.compare_digest(_seal(key, account, kind), match[3]):
            raise NotFound(NOT_OURS)
        return Subscription(account, kind)

    def end(self, token: str) -> Subscription:
        """Send no more such letters; doing it again changes nothing."""
        found = self.find(token)
        chosen = {DIGEST: OFF} if found.kind == DIGEST else {f"{MAIL}:{found.kind}": "off"}
        self._preferences.choose(found.account, chosen)
        return found

    def _key(self, account: int) -> str:
        with self._store.fresh(account) as reader:
            row = reader.row("SELECT value FROM preferences WHERE account = ? AND name = ?", (account, KEY))
        return row[0] if row else ""

    def _make_key(self, account: int) -> str:
        with self._store.write(account) as tx:  # two at once: the first one's counts
            tx.execute(
                "INSERT OR IGNORE INTO preferences (account, name, value) VALUES (?, ?, ?)",
                (account, KEY, secrets.token_hex(32)),
            )
            row = tx.row("SELECT value FROM preferences WHERE account = ? AND name = ?", (account, KEY))
        assert row is not None
        return str(row[0])


def _seal(key: str, account: int, kind: str) -> str:
    said = f"unsubscribe:{account}:{kind}".encode()
    return urlsafe_b64encode(hmac.digest(bytes.fromhex(key), said, "sha256")).decode().rstrip("=")
