"""All shards together: which holds what, who may read where, and what one has seen."""

import itertools
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase

from minisocial import ids
from minisocial.clock import Clock
from minisocial.database import schema
from minisocial.database.connection import own
from minisocial.database.control import Control
from minisocial.database.log import Consumer
from minisocial.database.session import position_seen, saw, session
from minisocial.database.shard import Shard
from minisocial.database.snapshot import DatabaseSnapshot, describe_shard
from minisocial.database.stream import OnLoss
from minisocial.database.transaction import Reader, Transaction
from minisocial.errors import CannotStart, Refused, ReplicaBehind, Unavailable
from minisocial.trace import span

logger = logging.getLogger(__name__)

DIRECTORY = "directory"
DURABILITY = {"commit": 0, "replicated": 1}  # → how many replicas must have a commit
WATCH_SECONDS = 0.25
ID_HORIZON = 366 * 24 * 3600 * 1000  # milliseconds; an identifier further in the future was made up


class Cluster:
    """The database: shards of a primary and replicas, and a directory, which is a shard of its own kind.

    It promises: a write block counts whole or not at all; after it is left without an exception the
    change survives a kill, and with durability "replicated" the loss of the primary's disk; one
    person never sees an older state than before (`session`); consumers see every change, in order.

    When the file of a copy fails, reads go to another copy, and another copy leads. `write` raises
    NoPrimary or Unavailable when surely nothing was written, InDoubt when it may have been. One process
    owns the folder; a second one gets DataInUse.
    """

    def __init__(
        self,
        root: Path,
        *,
        shards: int = 2,
        replicas: int = 2,
        durability: str = "commit",
        clock: Clock | None = None,
        confirm_seconds: float = 10.0,
    ) -> None:
        """`confirm_seconds`: after which a replicated commit that no replica has is in doubt."""
        if DURABILITY[durability] > replicas:
            raise CannotStart("Durability “replicated” needs at least one replica. Set replicas to 1 or more.")
        self.root = root.absolute()
        self.shards = tuple(str(number) for number in range(shards))  # those with people's rows
        self._acks = DURABILITY[durability]
        self._confirm_seconds = confirm_seconds
        self._clock = clock or Clock()
        self._places = [self.root / letter for letter in ascii_lowercase[: replicas + 1]]
        self._consumers: list[tuple[Consumer, OnLoss]] = []
        self._control = Control(self._places)
        self._shards: dict[str, Shard] = {}
        self._map = spread(self.shards)
        self._ids: list[ids.IdMaker] = []
        self._turn = itertools.count(self._clock.milliseconds())
        self._writing = threading.local()  # .shard: the one this thread has a write block of
        self._lock: sqlite3.Connection | None = None
        self._alarm = threading.Event()  # the watch should look now
        self._is_running = False
        self._watch: threading.Thread | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All shards, the directory first."""
        return (DIRECTORY, *self.shards)

    # --- life

    def start(self) -> None:
        """Opens or creates everything; raises CannotStart with the remedy."""
        try:
            self._open()
        except (OSError, sqlite3.Error) as error:
            self.stop()
            raise CannotStart(
                f"The data folder {self.root} can not be used ({error}). "
                "Make it readable and writable for you, or choose another with --data."
            ) from error
        except BaseException:
            self.stop()
            raise

    def _open(self) -> None:
        for place in self._places:
            place.mkdir(parents=True, exist_ok=True)
        self._lock = own(self.root)
        self._open_control()
        for name in self.names:
            self._shards[name] = shard = self._make_shard(name)
            shard.start()
        floor = min(self._newest_id(), self._clock.milliseconds() + ID_HORIZON)
        self._ids = [ids.IdMaker(logical, self._clock, floor) for logical in range(ids.LOGICAL_SHARDS)]
        self._is_running = True
        self._watch = threading.Thread(target=self._keep_watch, name="database watch", daemon=True)
        self._watch.start()

    def _open_control(self) -> None:
        """The map on record counts: rows do not move because a setting changed."""
        self._control.read()
        if not self._control.map:
            self._control.set_map(self._map)
        self._map = self._control.map
        on_record = tuple(sorted(set(self._map), key=int))
        if on_record != self.shards:
            logger.warning("the data folder has %d shards, not %d as set", len(on_record), len(self.shards))
            self.shards = on_record

    def _make_shard(self, name: str) -> Shard:
        tables = schema.DIRECTORY if name == DIRECTORY else schema.SHARD
        shard = Shard(
            name,
            self._places,
            self._control,
            tables=tables + schema.OUTBOX,
            acks=self._acks,
            confirm_seconds=self._confirm_seconds,
            clock=self._clock,
            alarm=self._alarm,
        )
        for consumer in self._consumers:
            shard.stream.subscribe(*consumer)
        return shard

    def _newest_id(self) -> int:
        """The milliseconds of the newest identifier stored, so that none is made twice if the clock stepped back."""
        newest = 0
        for name in self.shards:
            with self.read(name) as reader:
                for table in ("accounts", "posts", "outbox"):
                    newest = max(newest, (reader.rows(f"SELECT max(id) FROM {table}")[0][0] or 0))
        return ids.milliseconds(newest)

    def stop(self) -> None:
        """Lets replicas apply what is left, closes all files, frees the folder."""
        self._is_running = False
        self._alarm.set()
        if self._watch:
            self._watch.join(timeout=10)
        for shard in self._shards.values():
            shard.stop()
        if self._lock:
            self._lock.close()
        self._watch = self._lock = None

    def _keep_watch(self) -> None:
        while self._is_running:
            self._alarm.wait(WATCH_SECONDS)
            self._alarm.clear()
            for shard in self._shards.values():
                if self._is_running:
                    self._look_after(shard)

    def _look_after(self, shard: Shard) -> None:
        try:
            shard.watch()
        except Exception:  # the watch must outlive whatever it meets
            logger.exception("shard %s can not be looked after", shard.name)

    def snapshot(self) -> DatabaseSnapshot:
        shards = tuple(describe_shard(shard, self.root.parent) for shard in list(self._shards.values()))
        return DatabaseSnapshot(shards, sum(shard.commits for shard in shards), sum(shard.groups for shard in shards))

    # --- which shard

    def shard_of(self, id: int) -> str:
        """The shard an identifier's row lives on."""
        return self._map[ids.logical_shard(id)]

    def new_account_id(self) -> int:
        """An identifier for a new person; they are dealt out over the logical shards in turn."""
        return self._ids[next(self._turn) % ids.LOGICAL_SHARDS].make()

    def new_id(self, like: int) -> int:
        """A new identifier on the logical shard of another."""
        return self._ids[ids.logical_shard(like)].make()

    # --- reading and writing

    @contextmanager
    def write(self, shard: str) -> Iterator[Transaction]:
        """A write block: whole or not at all. Keep it short, and open no other inside it."""
        with span("database", f"shard {shard} write"), self._only_block(), self._named(shard).write() as block:
            yield block
        saw(shard, block.position)

    @contextmanager
    def load(self, shard: str) -> Iterator[Transaction]:
        """One transaction for very many rows that consumers do not hear of; then every replica takes a snapshot."""
        with self._only_block(), self._named(shard).write(logged=False) as block:
            yield block
        saw(shard, block.position)

    @contextmanager
    def _only_block(self) -> Iterator[None]:
        """Two blocks in one thread could wait for each other's shards, so a second one is refused."""
        if getattr(self._writing, "is_writing", False):
            raise RuntimeError("a write block inside a write block")
        self._writing.is_writing = True
        try:
            yield
        finally:
            self._writing.is_writing = False

    @contextmanager
    def read(self, shard: str, at_least: int = 0) -> Iterator[Reader]:
        """One state of a shard, at or past a position and what this session has seen."""
        reader = self._named(shard).read(max(at_least, position_seen(shard)))
        try:
            yield reader
        finally:
            saw(shard, reader.position)
            reader.close()

    @contextmanager
    def session(self, seen: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """The positions one person has seen, honoured and raised by all reads and writes in the block."""
        with session(seen, self._clamp) as positions:
            yield positions

    def _clamp(self, shard: str, position: int) -> int:
        """A position nobody can have seen would send all reads to the primary, so it is lowered to its head."""
        if shard not in self._shards or not isinstance(position, int):
            return 0
        return self._shards[shard].clamp(position)

    def _named(self, name: str) -> Shard:
        try:
            return self._shards[name]
        except KeyError:
            raise Unavailable(f"The database has no shard {name}, or is not started.") from None

    # --- positions and changes

    def subscribe(self, consumer: Consumer, on_loss: OnLoss = lambda: None) -> None:
        """Calls `consumer` with the changes of each commit, before `write` returns. It must be quick.
        `on_loss` is called after a fail-over, when some of what it was told may be lost."""
        self._consumers.append((consumer, on_loss))
        for shard in self._shards.values():
            shard.stream.subscribe(consumer, on_loss)

    def position(self, shard: str) -> int:
        """The head of the primary."""
        return self._named(shard).head()

    def floor_position(self, shard: str) -> int:
        """No reader is given a copy below this position, now or later."""
        return self._named(shard).floor()

    def settle(self, timeout: float = 10) -> None:
        """Waits until every replica that follows has all its primary has; raises ReplicaBehind."""
        for shard in self._shards.values():
            shard.watch()
            with shard.changed:
                if not shard.changed.wait_for(shard.is_settled, timeout):
                    raise ReplicaBehind(f"A replica of shard {shard.name} is still behind after {timeout} s.")

    # --- switches to see what happens

    def hold(self, shard: str, copy: str) -> None:
        """A replica stops following: from here on it lags."""
        held = self._named(shard).copy_named(copy)
        if held is self._named(shard).primary:
            raise Refused(f"Copy {copy} leads shard {shard}; only a replica can be held.")
        held.is_held = True
        with held.busy:  # a step under way has ended
            pass

    def release(self, shard: str, copy: str) -> None:
        """It follows again."""
        held = self._named(shard).copy_named(copy)
        held.is_held = False
        held.wake.set()

    def take_down(self, shard: str, copy: str) -> None:
        """A copy is not read any more; it still follows."""
        self._named(shard).copy_named(copy).is_down = True

    def bring_up(self, shard: str, copy: str) -> None:
        """It is read again."""
        self._named(shard).copy_named(copy).is_down = False


def spread(shards: Sequence[str]) -> list[str]:
    """The first map: logical shards dealt out over the shards."""
    return [shards[logical % len(shards)] for logical in range(ids.LOGICAL_SHARDS)]
