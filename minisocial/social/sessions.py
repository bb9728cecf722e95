"""Sessions: a random token in the browser, its hash in the directory."""

import hashlib
import secrets
from dataclasses import dataclass

from minisocial.database import DIRECTORY, Reader
from minisocial.social.cached import rows
from minisocial.social.store import Store, marks

LASTS_MS = 30 * 24 * 3600 * 1000
MOST_PER_PERSON = 20
SESSION = rows("session")  # hash of the token → (account, csrf, expires_at)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in; `token` is what the browser holds, and `csrf` what its forms carry."""

    token: str
    account: int
    csrf: str


class Sessions:
    """Opening, finding and ending sessions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, account: int) -> Session:
        """A new session; the oldest ones of a person beyond twenty, and all that ran out, end."""
        session = Session(secrets.token_urlsafe(32), account, secrets.token_urlsafe(16))
        now = self._store.clock.milliseconds()
        with self._store.cluster.write(DIRECTORY) as tx:
            tx.execute(
                "DELETE FROM sessions WHERE account = ?1 AND (expires_at <= ?2 OR token NOT IN"
                " (SELECT token FROM sessions WHERE account = ?1 ORDER BY created_at DESC LIMIT ?3))",
                (account, now, MOST_PER_PERSON - 1),
            )
            tx.execute(
                "INSERT INTO sessions (token, account, csrf, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                (_hash(session.token), account, session.csrf, now, now + LASTS_MS),
            )
        return session

    def find(self, token: str) -> Session | None:
        """The session of a token, or None if it never was, has ended or ran out."""
        hashed = _hash(token)
        found = self._store.cached(SESSION, DIRECTORY, [hashed], _load).get(hashed)
        if found is None or found[2] <= self._store.clock.milliseconds():
            return None
        return Session(token, found[0], found[1])

    def close(self, token: str) -> None:
        """End a session, for every node at once."""
        with self._store.cluster.write(DIRECTORY) as tx:
            tx.execute("DELETE FROM sessions WHERE token = ?", (_hash(token),))


def _load(reader: Reader, hashes: list[str]) -> dict[str, tuple[int, str, int]]:
    rows = reader.rows(
        f"SELECT token, account, csrf, expires_at FROM sessions WHERE token IN ({marks(hashes)})", hashes
    )
    return {token: (account, csrf, expires_at) for token, account, csrf, expires_at in rows}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
