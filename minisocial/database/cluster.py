"""All shards together: which holds what, who may read where, and what one has seen."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from minisocial import ids
from minisocial.clock import Clock
from minisocial.database import migrations, schema
from minisocial.database.connection import own
from minisocial.database.growth import growing
from minisocial.database.growth.moving import Mover
from minisocial.database.growth.operating import Operated
from minisocial.database.growth.routing import Routing
from minisocial.database.log import Consumer
from minisocial.database.loss import failover
from minisocial.database.loss.control import Control
from minisocial.database.loss.places import Place
from minisocial.database.loss.verification import Verifier
from minisocial.database.loss.watch import Watch
from minisocial.database.reading import Reader
from minisocial.database.session import position_seen, saw, session
from minisocial.database.shard import Shard
from minisocial.database.snapshot import DatabaseSnapshot, Report, describe_shard
from minisocial.database.stream import OnLoss
from minisocial.database.transaction import Transaction
from minisocial.errors import CannotStart, ReplicaBehind, Unavailable
from minisocial.trace import span
from minisocial.waiting import ahead

DIRECTORY = "directory"
DURABILITY = {"commit": 0, "replicated": 1}  # → how many replicas must have a commit
ID_HORIZON = 366 * 24 * 3600 * 1000  # milliseconds; an identifier further in the future was made up
REPORTS = 20


class Cluster(Operated):
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
        """`shards`: for a new folder; later `add_shard`. `replicas` is followed when it changes.

        `confirm_seconds`: after which a replicated commit that no replica has is in doubt.
        """
        self.acks = DURABILITY[durability]
        if self.acks > replicas:
            raise CannotStart("Durability “replicated” needs at least one replica. Set replicas to 1 or more.")
        self.root = root.absolute()
        self.shards = tuple(str(number) for number in range(shards))  # those with people's rows
        self.control = Control(self.root)
        self.alarm = threading.Event()  # the watch should look now
        self.changing = threading.Lock()  # held while places or shards are added or removed
        self._replicas = replicas
        self._confirm_seconds = confirm_seconds
        self._clock = clock or Clock()
        self._consumers: list[tuple[Consumer, OnLoss]] = []
        self._shards: dict[str, Shard] = {}
        self.writing_to_several = threading.Lock()  # held by whoever takes the right to write of more than one shard
        self._routing = Routing(self.control, self._clock)
        self.verifier = Verifier(self._shards)
        self.mover = Mover(self._routing, self.named, self.writing_to_several, self._clock)
        self.shard_of = self._routing.shard_of
        self.new_account_id = self._routing.new_account_id
        self.new_id = self._routing.new_id
        self.gather = self._routing.gather
        self.steadily = self._routing.steadily
        self._reports: deque[Report] = deque(maxlen=REPORTS)
        self._writing = threading.local()  # .is_writing: this thread has a write block
        self._lock: sqlite3.Connection | None = None
        self._watch = Watch(self.all_shards, self.alarm, self.control.mend)

    @property
    def names(self) -> tuple[str, ...]:
        """All shards, the directory first."""
        return (DIRECTORY, *self.shards)

    @property
    def places(self) -> tuple[Place, ...]:
        """The folders that each hold a copy of every shard."""
        return self.control.places

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
        self.root.mkdir(parents=True, exist_ok=True)
        self._lock = own(self.root)
        growing.open_places(self, self._replicas)
        for name in self.names:
            self._shards[name] = shard = self.make_shard(name)
            shard.open()
        heirs = {name: failover.heir(shard) for name, shard in self._shards.items()}
        migrations.prepare(self.root.parent, heirs, self.control.record)
        for shard in self._shards.values():
            shard.lead()
        self._routing.open(min(self._newest_id(), self._clock.milliseconds() + ID_HORIZON))
        growing.drop_surplus(self, self._replicas)
        self._watch.start()
        self.mover.start()
        self.verifier.start()

    def make_shard(self, name: str) -> Shard:
        """A shard with a copy in every place, not opened yet."""
        tables = schema.DIRECTORY if name == DIRECTORY else schema.SHARD
        shard = Shard(
            name,
            self.control,
            tables=tables + schema.OUTBOX,
            acks=self.acks,
            confirm_seconds=self._confirm_seconds,
            clock=self._clock,
            alarm=self.alarm,
            reports=self._reports,
        )
        for consumer in self._consumers:
            shard.stream.subscribe(*consumer)
        return shard

    def take_in(self, shard: Shard) -> None:
        """A shard that was added is used from now on."""
        self._shards[shard.name] = shard
        self.shards = self.control.shards

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
        self.mover.stop()
        self.verifier.stop()
        self._watch.stop()
        for shard in self._shards.values():
            shard.stop()
        if self._lock:
            self._lock.close()
        self._lock = None

    def snapshot(self) -> DatabaseSnapshot:
        shards = tuple(describe_shard(shard, self.root.parent) for shard in self.all_shards())
        commits, groups = sum(shard.commits for shard in shards), sum(shard.groups for shard in shards)
        return DatabaseSnapshot(
            shards, commits, groups, tuple(self._reports), self.mover.snapshot(), self.verifier.snapshot()
        )

    # --- reading and writing

    @contextmanager
    def write(self, shard: str) -> Iterator[Transaction]:
        """A write block: whole or not at all. Keep it short, and open no other inside it."""
        with span("database", f"shard {shard} write"), self.only_block(), self.named(shard).commits.write() as block:
            yield block
        saw(shard, block.position)

    @contextmanager
    def load(self, shard: str) -> Iterator[Transaction]:
        """One transaction for very many rows that consumers do not hear of; then every replica takes a snapshot."""
        with self.only_block(), self.named(shard).commits.write(logged=False) as block:
            yield block
        saw(shard, block.position)

    @contextmanager
    def only_block(self) -> Iterator[None]:
        """Two blocks in one thread could wait for each other's shards, so a second one is refused."""
        if getattr(self._writing, "is_writing", False):
            raise RuntimeError("a write block inside a write block")
        self._writing.is_writing = True
        try:
            yield
        finally:
            self._writing.is_writing = False

    def read(self, shard: str, at_least: int = 0) -> Reader:
        """One state of a shard, at or past a position and what this session has seen; to be used with `with`."""
        ahead()
        map = self._routing.map
        floor = max(at_least, position_seen(shard), map.floors.get(shard, 0))
        return Reader(self.named(shard), floor, map.foreign(shard))

    @contextmanager
    def write_home(self, id: int) -> Iterator[Transaction]:
        """A write block on the shard that holds an identifier, also if that is moving elsewhere right now."""
        while True:
            shard = self.shard_of(id)
            with self.write(shard) as block:
                if self.shard_of(id) == shard:  # it stays so until the block is left
                    yield block
                    return

    def read_home(self, id: int, at_least: int | Callable[[str], int] = 0) -> Reader:
        """A state of the shard that holds an identifier, at or past a position, which may depend on the shard."""
        while True:
            map, shard = self._routing.map, self.shard_of(id)
            reader = self.read(shard, at_least(shard) if callable(at_least) else at_least)
            if self._routing.map is map:  # else it may have been elsewhere when the reader was opened
                return reader
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

    def all_shards(self) -> list[Shard]:
        """All shards, the directory first, as they are now."""
        return list(self._shards.values())

    def named(self, name: str) -> Shard:
        """A shard by its name; raises Unavailable."""
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
        return self.named(shard).head()

    def floor_position(self, shard: str) -> int:
        """No reader is given a copy below this position, now or later."""
        return self.named(shard).floor()

    def settle(self, timeout: float = 10) -> None:
        """Waits until every replica that follows has all its primary has; raises ReplicaBehind."""
        for shard in self.all_shards():
            shard.watch()
            with shard.changed:
                if not shard.changed.wait_for(shard.is_settled, timeout):
                    raise ReplicaBehind(f"A replica of shard {shard.name} is still behind after {timeout} s.")
