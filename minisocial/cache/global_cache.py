"""The global cache: one for all nodes, in a file, through diskcache."""

import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from minisocial.cache.disk import NAME, PRAGMAS, OneConnection, SealedBytes, Tampered
from minisocial.cache.entry import ABSENT, Entry
from minisocial.clock import Clock

log = logging.getLogger(__name__)

AT_ONCE = 500  # keys per statement
CULL_EVERY = 64  # stored entries between two looks at the size
FIRST_DELAY = 0.1  # seconds until a lost file is made anew; doubled each time it is lost again
LAST_DELAY = 30.0
LOCK_TIMEOUT = 0.05  # seconds another program may hold our file before we turn to a new one


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
        self.loads = True  # on a miss one reader loads for all nodes; else each node does
        self.size_limit = size_limit
        self._folder = folder
        self._file = folder / NAME
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
        cache.store({key: content for key, content in written.items() if may_keep(key)}, self._clock.monotonic())
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
