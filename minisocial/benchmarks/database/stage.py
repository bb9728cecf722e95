"""Where it is measured: databases in a scratch folder, and plain sqlite3 beside them."""

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from minisocial.benchmarks.database.crew import Work, wait
from minisocial.benchmarks.database.size import Size
from minisocial.database import Cluster, schema
from minisocial.database.connection import connect
from minisocial.database.copies import Copy
from minisocial.errors import Unavailable

SHARD = "0"
POST = "INSERT INTO posts (id, author, text, visibility, root) VALUES (?, ?, ?, 'everyone', ?)"
TEXT = "Thursdays at seven: tea, chess, and whatever is on the workbench. Beginners bring biscuits."
AUTHORS = 1000
AT_ONCE = 1000  # rows in one write block, where there are very many to write
PATIENCE = 60.0  # seconds for something that will come
POLL = 0.0005  # seconds; so exact are the times of what is waited for

Row = tuple[int, int, str, int]


class Stage:
    """A scratch folder, and rows to write that were never written before."""

    def __init__(self, scratch: Path, size: Size) -> None:
        self.size = size
        self._scratch = scratch
        self._folders = itertools.count(1)
        self._numbers = itertools.count(1 << 40)

    def say(self, text: str) -> None:
        """One line for whoever waits."""
        click.echo(text)

    def folder(self) -> Path:
        """A new folder."""
        made = self._scratch / str(next(self._folders))
        made.mkdir()
        return made

    def row(self) -> Row:
        """A post, as `POST` wants it."""
        id = next(self._numbers)
        return id, id % AUTHORS, TEXT, id

    # --- a database

    @contextmanager
    def cluster(self, replicas: int, durability: str = "commit", shards: int = 1) -> Iterator[Cluster]:
        """A database whose copies have caught up."""
        cluster = Cluster(self.folder() / "database", shards=shards, replicas=replicas, durability=durability)
        cluster.start()
        try:
            cluster.settle(PATIENCE)
            yield cluster
        finally:
            cluster.stop()

    def writing(self, cluster: Cluster, rows: int = 1) -> Work:
        """One write block of so many rows."""

        def write() -> int:
            with cluster.write(SHARD) as block:
                for _ in range(rows):
                    block.execute(POST, self.row())
            return block.position

        return write

    def fill(self, cluster: Cluster, rows: int) -> None:
        """Writes very many rows, in as few commits as writers would bear."""
        for start in range(0, rows, AT_ONCE):
            with cluster.write(SHARD) as block:
                block.executemany(POST, [self.row() for _ in range(min(AT_ONCE, rows - start))])

    # --- plain sqlite3

    @contextmanager
    def plain(self, sync: str = "FULL", commit_takes: float = 0.0) -> Iterator[Work]:
        """One row a commit with plain sqlite3: the same table and pragmas, one connection under a lock, no log."""
        lock = threading.Lock()  # guards the connection
        with closing(plain_file(self.folder() / "plain.db", sync)) as connection:

            def write() -> int:
                with lock:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute(POST, self.row())
                    connection.execute("COMMIT")
                    if commit_takes:
                        wait(commit_takes)
                return 0

            yield write


def plain_file(path: Path, sync: str) -> sqlite3.Connection:
    """A new file with a shard's tables and nothing else."""
    connection = connect(path, "rwc", sync)
    connection.executescript(f"BEGIN;\n{schema.SHARD}\nCOMMIT;")
    return connection


def primary(cluster: Cluster) -> Copy:
    """The copy that leads."""
    leads = cluster.named(SHARD).primary
    if leads is None:
        raise Unavailable("Nobody leads the shard that is measured.")
    return leads


def replicas(cluster: Cluster) -> list[Copy]:
    """The copies that follow."""
    shard = cluster.named(SHARD)
    return [copy for copy in shard.copies if copy is not shard.primary]


def seconds_until(is_so: Callable[[], bool], what: str, poll: float = POLL) -> float:
    """How long it takes until something is so; `Unavailable` if that never comes."""
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > PATIENCE:
            raise Unavailable(f"The benchmark waited {PATIENCE:.0f} seconds for {what}.")
        wait(poll)
    return time.perf_counter() - began
