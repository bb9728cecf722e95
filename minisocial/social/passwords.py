"""Password hashing: scrypt, at most two at a time.

One hash takes about 0.4 s and 32 MiB on purpose (RFC 7914; parameters as OWASP's password storage
cheat sheet of 2023 recommends). Without the limit a handful of log-ins at once would take all memory.
"""

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from minisocial.errors import Invalid, Overloaded

SHORTEST = 8
LONGEST = 200
_BLOCK, _PARALLEL = 8, 3


def check_password(password: str, field: str = "password") -> None:
    """Refuse a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(field, f"A password has {SHORTEST} to {LONGEST} characters; a few words are a good one.")


class Hasher:
    """Hashes and checks passwords; shared by all nodes of a system."""

    def __init__(self, cost: int = 15, at_once: int = 2, wait_seconds: float = 15) -> None:
        """`cost`: log2 of scrypt's N; 15 takes 32 MiB."""
        self._cost = cost
        self._slots = threading.BoundedSemaphore(at_once)
        self._wait = wait_seconds
        # nobody's hash, to take the time that a real one would
        self._nobody = "$".join(("scrypt", str(cost), _text(secrets.token_bytes(16)), _text(secrets.token_bytes(32))))

    def hash(self, password: str) -> str:
        """`scrypt$<cost>$<salt>$<hash>`, ready to be stored."""
        salt = secrets.token_bytes(16)
        return "$".join(("scrypt", str(self._cost), _text(salt), _text(self._scrypt(password, salt, self._cost))))

    def check(self, password: str, stored: str | None) -> bool:
        """Whether it is the password; takes as long when there is none stored, so nobody can tell."""
        _, cost, salt, expected = (stored or self._nobody).split("$")
        found = self._scrypt(password, base64.b64decode(salt), int(cost))
        return hmac.compare_digest(_text(found), expected) and stored is not None

    def _scrypt(self, password: str, salt: bytes, cost: int) -> bytes:
        with self._slot():
            return hashlib.scrypt(
                password.encode(), salt=salt, n=1 << cost, r=_BLOCK, p=_PARALLEL, maxmem=256 << cost << 3, dklen=32
            )

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._wait):
            raise Overloaded("Many people are logging in at this moment. Please try again in a few seconds.")
        try:
            yield
        finally:
            self._slots.release()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
