"""What an operator may do to the database while it runs: change its shape, hold a part of it, take a picture of all."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from minisocial.database.connection import connect
from minisocial.database.growth import growing
from minisocial.database.loss import promotion
from minisocial.database.loss.verification import Verdict
from minisocial.errors import Refused, Unavailable

if TYPE_CHECKING:
    from minisocial.database.cluster import Cluster
    from minisocial.database.shard import Shard


class Operated:
    """The operator's half of `Cluster`. One change of shape at a time; a second caller waits."""

    changing: threading.Lock  # held while places or shards are added or removed, or the leader changes
    writing_to_several: threading.Lock  # held by whoever takes the right to write of more than one shard

    if TYPE_CHECKING:

        def named(self, name: str) -> Shard: ...
        def only_block(self) -> AbstractContextManager[None]: ...
        @property
        def names(self) -> tuple[str, ...]: ...

    @property
    def _all(self) -> "Cluster":
        return cast("Cluster", self)

    # --- changes of shape

    def promote(self, shard: str, copy: str) -> None:
        """Lets another copy lead; nothing is lost, and writers wait a moment."""
        with self.changing, self.only_block():
            promotion.promote(self.named(shard), self.named(shard).copy_named(copy))

    def add_replica(self, folder: Path | None = None) -> str:
        """One more copy of every shard, in `folder` or beside the others; its place's name."""
        with self.changing, self.only_block():
            return growing.add_replica(self._all, folder)

    def remove_replica(self, name: str) -> None:
        """One copy of every shard less: what leads there hands over first."""
        with self.changing, self.only_block():
            growing.remove_replica(self._all, name)

    def add_shard(self) -> str:
        """One more shard, which holds nothing yet; its name."""
        with self.changing, self.only_block():
            return growing.add_shard(self._all)

    def move(self, logical: int, to: str) -> None:
        """Lets a logical shard (0 … 63) go to another shard; on record at once, carried out by and by."""
        self._all.mover.plan(logical, to, self._all.shards)

    def call_off(self, logical: int) -> None:
        """Lets a logical shard that is on its way stay where it is; refused once it has arrived."""
        self._all.mover.call_off(logical)

    def spread_out(self) -> None:
        """Lets logical shards go to other shards, until all hold a fair share."""
        self._all.mover.plan_spread(self._all.shards)

    def verify(self, shard: str = "", copy: str = "", thorough: bool = False) -> list[Verdict]:
        """Compares one replica, or all, with its primary row by row; one that differs is replaced.

        With `thorough`, each page of the files is checked, too.
        """
        with self.only_block():
            return self._all.verifier.verify(shard, copy, thorough)

    # --- switches to see what happens

    def hold(self, shard: str, copy: str) -> None:
        """A replica stops following: from here on it lags."""
        held = self.named(shard).copy_named(copy)
        if held is self.named(shard).primary:
            raise Refused(f"Copy {copy} leads shard {shard}; only a replica can be held.")
        held.is_held = True
        with held.busy:  # a step under way has ended
            pass

    def release(self, shard: str, copy: str) -> None:
        """It follows again."""
        held = self.named(shard).copy_named(copy)
        held.is_held = False
        held.wake.set()

    def take_down(self, shard: str, copy: str) -> None:
        """A copy is not read any more; it still follows."""
        self.named(shard).copy_named(copy).is_down = True

    def bring_up(self, shard: str, copy: str) -> None:
        """It is read again."""
        self.named(shard).copy_named(copy).is_down = False

    def slow_down(self, shard: str, copy: str, seconds: float) -> None:
        """Models a slow disk: each commit to this file takes so much longer; 0 ends it."""
        self.named(shard).copy_named(copy).slow_seconds = seconds

    # --- a picture of all

    @contextmanager
    def at_one_moment(self) -> Iterator[dict[str, sqlite3.Connection]]:
        """A read transaction on every primary, all begun while no write block of any shard was half way.

        Writers wait until all have begun, not longer. The one order of shards keeps two callers from
        waiting for each other; a writer holds one shard only.
        """
        with ExitStack() as connections:
            with self.only_block(), self.writing_to_several, ExitStack() as quiet:
                for name in self.names:
                    quiet.enter_context(self.named(name).commits.quiet())
                begun = {name: self._begin(name, connections) for name in self.names}
            yield begun

    def _begin(self, name: str, connections: ExitStack) -> sqlite3.Connection:
        primary = self.named(name).primary
        if primary is None or primary.path is None:
            raise Unavailable(f"Shard {name} has no primary right now. Try again soon.")
        connection = connections.enter_context(closing(connect(primary.path)))
        connection.execute("BEGIN")
        connection.execute("SELECT max(seq) FROM _log").fetchone()  # only now does the transaction stand
        return connection
