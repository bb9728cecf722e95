"""The global cache: one for all nodes, in a file, through diskcache."""

import json
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from typing import Any

import diskcache

from minisocial.cache.entry import ABSENT, Entry
from minisocial.clock import Clock

log = logging.getLogger(__name__)

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
AT_ONCE = 500  # keys per statement
CULL_EVERY = 64  # stored entries between two looks at the size
FIRST_DELAY = 0.1  # seconds until a lost file is made anew; doubled each time it is lost again
LAST_DELAY = 30.0
LOCK_TIMEOUT = 0.05  # seconds another program may hold our file before we turn to a new one


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
            path = os.path.join(self.directory, diskcache.core.DBNAME)
            self._open = sqlite3.connect(path, self.timeout, isolation_level=None, check_same_thread=False)
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

    def store(self, contents: Mapping[str, bytes]) -> None:
        """Insert or replace these values, in one transaction."""
        now = time.time()
        rows = [(key, now, now, self.disk.store(content, False)[3]) for key, content in contents.items()]
        with self.transact():
            self._con.executemany(STORE, rows)

    def remove(self, keys: Sequence[str]) -> None:
        """Delete these keys."""
        self._con.execute(f"DELETE FROM Cache WHERE raw = 1 AND key IN ({_marks(keys)})", keys)


@dataclass(frozen=True, slots=True)
class GlobalSnapshot:
    enabled: bool
    is_open: bool
    entries: int
    bytes: int  # of the file
    limit: int  # bytes
    hits: int
    misses: int
    refused: int  # rows that were tampered with
    outdated: int  # found below their floor, or too old, and not believed
    errors: int  # how often the file was lost


class GlobalCache:
    """Holds what any node has loaded, as JSON, within `size_limit` bytes; the oldest go first.

    It promises that `drop` leaves nothing behind that `get_many` could find, whatever happens to the
    file, and that nothing in the file is ever executed or believed unless this run has put it there.

    When anything is wrong with the file or its folder, the file is given up and a new, empty one is made
    a little later (`errors` counts it). Until then every look-up is a miss: speed is lost, nothing else.
    """

    def __init__(
        self, folder: Path, *, size_limit: int = 128 << 20, enabled: bool = True, clock: Clock | None = None
    ) -> None:
        self.enabled = enabled
        self.size_limit = size_limit
        self._folder = folder
        self._file = folder / diskcache.core.DBNAME
        self._clock = clock or Clock()
        self._lock = threading.Lock()  # guards everything below, and is held while the file is worked on
        self._cache: OneConnection | None = None
        self._identity: tuple[int, int] | None = None
        self._is_started = False
        self._retry_at = 0.0
        self._delay = FIRST_DELAY
        self._stored = 0
        self._hits = self._misses = self._refused = self._outdated = self._errors = 0

    def start(self) -> None:
        """Begin with an empty file."""
        with self._lock:
            self._is_started = True
            self._reopen()

    def stop(self) -> None:
        """Close and remove the file: it holds what people wrote, and nobody needs it any more."""
        with self._lock:
            if self._is_started:
                self._is_started = False
                self._close()
                with suppress(OSError):  # its folder may be gone
                    self._remove_file()

    def get_many(self, keys: Sequence[str]) -> dict[str, Entry]:
        """The entries of those keys that are there; values as JSON gives them, or ABSENT."""
        found: dict[str, Entry] = {}
        if not self.enabled:
            return found
        with self._lock:
            self._guarded(lambda cache: found.update(self._read(cache, list(filter(_is_storable, keys)))))
            self._hits += len(found)
            self._misses += len(keys) - len(found)
        return found

    def put_many(self, entries: Mapping[str, Entry], may_keep: Callable[[str], bool]) -> None:
        """Keep these entries (values that JSON can hold, or ABSENT), except those whose key `may_keep` refuses."""
        if not self.enabled or not entries:
            return
        written = {key: _write(key, entry) for key, entry in entries.items() if _is_storable(key)}
        with self._lock:
            self._guarded(lambda cache: self._store(cache, written, may_keep))

    def drop(self, keys: Collection[str]) -> None:
        """Forget these keys; if that cannot be done, forget everything."""
        with self._lock:
            self._guarded(lambda cache: _remove(cache, list(filter(_is_storable, keys))))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            if self._cache is not None:
                self._reopen()

    def count_outdated(self, number: int) -> None:
        """Entries that were found but not believed: who reads knows the floors, this cache does not."""
        with self._lock:
            self._outdated += number

    def snapshot(self) -> GlobalSnapshot:
        sizes = {"entries": 0, "bytes": 0}
        with self._lock:
            self._guarded(lambda cache: sizes.update(entries=len(cache), bytes=os.stat(self._file).st_size))
            return GlobalSnapshot(
                enabled=self.enabled,
                is_open=self._cache is not None,
                limit=self.size_limit,
                hits=self._hits,
                misses=self._misses,
                refused=self._refused,
                outdated=self._outdated,
                errors=self._errors,
                **sizes,
            )

    def _guarded(self, work: Callable[[OneConnection], None]) -> None:
        """Do something with the file if there is one; whatever goes wrong, give the file up."""
        try:
            if self._cache is None:
                self._try_again()
            if self._cache is not None:
                self._check_identity()
                work(self._cache)
        except Exception as error:  # a file anybody may have altered can provoke anything
            self._give_up(error)

    def _try_again(self) -> None:
        if self._is_started and self._clock.monotonic() >= self._retry_at:
            self._reopen()

    def _check_identity(self) -> None:
        """SQLite happily goes on with a file that was deleted or replaced under it."""
        stat = os.stat(self._file)
        if (stat.st_dev, stat.st_ino) != self._identity:
            raise OSError(f"{self._file.name} was replaced")

    def _read(self, cache: OneConnection, keys: Sequence[str]) -> dict[str, Entry]:
        found = {}
        for part in _parts(keys):
            for key, *columns in cache.rows(part):
                try:
                    found[key] = _understand(key, cache.disk.fetch(*columns, False))
                except Tampered:
                    self._refused += 1
        return found

    def _store(self, cache: OneConnection, written: Mapping[str, bytes], may_keep: Callable[[str], bool]) -> None:
        cache.store({key: content for key, content in written.items() if may_keep(key)})
        self._delay = FIRST_DELAY
        self._stored += len(written)
        if self._stored >= CULL_EVERY:
            self._stored = 0
            cache.cull()

    def _reopen(self) -> None:
        try:
            self._close()
            self._remove_file()
            self._make_file()
            self._cache = OneConnection(
                str(self._folder),
                timeout=LOCK_TIMEOUT,
                disk=SealedBytes,
                eviction_policy="least-recently-stored",  # "least recently used" writes at every look-up
                statistics=0,  # they would write at every look-up too
                size_limit=self.size_limit,
                cull_limit=0,  # not at every set; _store does it
                disk_min_file_size=1 << 40,  # no value in a file of its own
                **{f"sqlite_{name}": value for name, value in PRAGMAS.items()},
            )
        except Exception as error:
            self._give_up(error)

    def _make_file(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        handle = os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        stat = os.fstat(handle)
        os.close(handle)
        self._identity = stat.st_dev, stat.st_ino

    def _remove_file(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{self._file}{suffix}").unlink(missing_ok=True)

    def _give_up(self, error: Exception) -> None:
        self._errors += 1
        log.warning("the global cache is given up and made anew: %s", error)
        self._close()
        self._retry_at = self._clock.monotonic() + self._delay
        self._delay = min(self._delay * 2, LAST_DELAY)

    def _close(self) -> None:
        cache, self._cache = self._cache, None
        if cache is not None:
            cache.close()


def _write(key: str, entry: Entry) -> bytes:
    """An entry as JSON, with its own key, so that a row cannot stand in for another."""
    fields = [key, entry.shard, entry.position, entry.until]
    if entry.value is not ABSENT:
        fields.append(entry.value)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def _understand(key: str, content: bytes) -> Entry:
    own_key, shard, position, until, *value = json.loads(content)
    if own_key != key:
        raise Tampered
    return Entry(shard, position, until, value[0] if value else ABSENT)


def _is_storable(key: str) -> bool:
    """A key with half a character in it (from a hostile address) is never in the file, and must not harm it."""
    return key.isascii() or key == key.encode(errors="replace").decode()


def _remove(cache: OneConnection, keys: Sequence[str]) -> None:
    for part in _parts(keys):
        cache.remove(part)


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)]


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))
