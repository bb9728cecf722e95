"""diskcache made safe: it keeps strings and sealed bytes, executes nothing, and works on one file at a time."""

import os
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

import diskcache

NAME = diskcache.core.DBNAME  # of the file
STORE = """
    INSERT INTO Cache (key, raw, store_time, access_time, mode, value) VALUES (?, 1, ?, ?, 1, ?)
    ON CONFLICT (key, raw) DO UPDATE
    SET store_time = excluded.store_time, value = excluded.value, expire_time = NULL, mode = 1, filename = NULL
"""
PRAGMAS = {
    "journal_mode": "memory",  # nothing of the file outlives a crash anyway, so it need not be safe from one
    "synchronous": 0,
    "mmap_size": 0,  # a mapped file that is cut short kills the process
    "cache_size": -2048,  # KiB
    "trusted_schema": 0,  # the file is anybody's
}
SEAL = 16  # bytes of the seal in front of each value


class Tampered(Exception):
    """A row of the file was not written by us in this run."""


class SealedBytes(diskcache.Disk):  # type: ignore[misc]
    """How diskcache keeps keys and values here: strings and sealed bytes, nothing else.

    diskcache's own Disk unpickles what it finds, so that a tampered row executes code (CVE-2025-69872).
    This one knows one form only, and believes a value only with a seal made by this very object.
    """

    def __init__(self, directory: str, **settings: Any) -> None:
        super().__init__(directory, **settings)
        self._secret = secrets.token_bytes(32)

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError("keys are strings")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if type(key) is not str or raw != 1:
            raise Tampered
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, bytes]:
        if type(value) is not bytes or read:
            raise TypeError("values are bytes")
        return 0, diskcache.core.MODE_RAW, None, self._seal(value) + value

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> bytes:
        if mode != diskcache.core.MODE_RAW or filename is not None or type(value) is not bytes or read:
            raise Tampered
        content = value[SEAL:]
        if not compare_digest(value[:SEAL], self._seal(content)):
            raise Tampered
        return content

    def remove(self, file_path: Any) -> None:
        """Nothing: no value has a file, and a tampered row may name any file of the machine."""

    def _seal(self, content: bytes) -> bytes:
        return blake2b(content, key=self._secret, digest_size=SEAL).digest()


class OneConnection(diskcache.Cache):  # type: ignore[misc]
    """diskcache over a single connection, for callers that take turns, with many keys per statement.

    diskcache opens a connection per thread. Were the file replaced, threads would come to work on
    different files, and what one drops another would still find. One connection is one truth; it also
    needs no shared-memory index (whose loss kills a process) and one page cache instead of dozens.
    """

    _open: sqlite3.Connection | None = None

    @property
    def _con(self) -> sqlite3.Connection:
        if self._open is None:
            path = os.path.join(self.directory, NAME)
            self._open = sqlite3.connect(path, timeout=self.timeout, isolation_level=None, check_same_thread=False)
            for name, value in PRAGMAS.items():
                self._open.execute(f"PRAGMA {name} = {value}")
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def rows(self, keys: Sequence[str]) -> list[tuple[str, Any, Any, Any]]:
        """key, mode, filename and value of those keys that are there."""
        sql = f"SELECT key, mode, filename, value FROM Cache WHERE raw = 1 AND key IN ({_marks(keys)})"
        return self._con.execute(sql, keys).fetchall()

    def store(self, contents: Mapping[str, bytes], now: float) -> None:
        """Insert or replace these values, in one transaction. Those with the smallest `now` are the oldest."""
        rows = [(key, now, now, self.disk.store(content, False)[3]) for key, content in contents.items()]
        with self.transact():
            self._con.executemany(STORE, rows)

    def remove(self, keys: Sequence[str]) -> None:
        """Delete these keys."""
        self._con.execute(f"DELETE FROM Cache WHERE raw = 1 AND key IN ({_marks(keys)})", keys)


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))
