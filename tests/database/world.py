"""What the tests of the database share: posts to write, files to compare, a consumer that remembers."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from minisocial.database import Change, Cluster
from minisocial.database.connection import ReadPool

POST = "INSERT INTO posts (id, author, text, visibility, root) VALUES (?, ?, ?, 'everyone', ?)"
SECONDS = 10.0  # the longest a test waits for something that will come


def until(is_so: Callable[[], bool], what: str = "it") -> None:
    """Waits until something is so; fails when it does not come."""
    pause = threading.Event()
    for _ in range(int(SECONDS / 0.005)):
        if is_so():
            return
        pause.wait(0.005)
    raise AssertionError(f"{what} did not come")


def person(cluster: Cluster, shard: str = "0") -> int:
    """A new account id on a shard."""
    return next(id for id in (cluster.new_account_id() for _ in range(1000)) if cluster.shard_of(id) == shard)


def post(cluster: Cluster, author: int, text: str = "hello") -> tuple[int, int]:
    """Writes a post; its id and the position of its commit."""
    id = cluster.new_id(author)
    with cluster.write(cluster.shard_of(author)) as block:
        block.execute(POST, (id, author, text, id))
    return id, block.position


def texts(cluster: Cluster, shard: str = "0") -> list[str]:
    """The texts a reader finds."""
    with cluster.read(shard) as reader:
        return [text for (text,) in reader.rows("SELECT text FROM posts ORDER BY id")]


def file_of(cluster: Cluster, shard: str, copy: str) -> Path:
    """The file of a copy."""
    found = next(s for s in cluster.snapshot().shards if s.name == shard)
    return cluster.root.parent / next(c.file for c in found.copies if c.name == copy)


def primary_of(cluster: Cluster, shard: str = "0") -> str:
    """The name of the place that leads; "" while none does."""
    found = next(s for s in cluster.snapshot().shards if s.name == shard)
    return next((copy.name for copy in found.copies if copy.role == "primary"), "")


def spoil(cluster: Cluster, name: str) -> None:
    """Overwrites the file of a copy, and forgets the connections that have its pages in memory."""
    path = file_of(cluster, "0", name)
    for suffix in "", "-wal":
        with open(f"{path}{suffix}", "r+b") as file:
            file.write(b"noise " * 20_000)
    copy = cluster._shards["0"].copy_named(name)
    old, copy.pool = copy.pool, ReadPool(path)
    if old:
        old.close()


Content = dict[str, list[tuple[Any, ...]]]


def content(path: Path) -> Content:
    """All rows of all tables of a file, the log's too."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names}


def assert_copies_equal(cluster: Cluster) -> None:
    """Every copy of every shard holds the same rows, and the same log as far back as the primary's goes."""
    cluster.settle(SECONDS)
    for shard in cluster.snapshot().shards:
        found: dict[str, list[Content]] = {"primary": [], "replica": []}
        for copy in shard.copies:
            found[copy.role].append(content(cluster.root.parent / copy.file))
        (primary,) = found["primary"]
        oldest = min(primary["_log"])[0]
        for replica in found["replica"]:
            replica["_log"] = [row for row in replica["_log"] if row[0] >= oldest]
            assert replica == primary, f"the copies of shard {shard.name} differ"


class Remembering:
    """A consumer that keeps what it is told."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def __call__(self, changes: Sequence[Change]) -> None:
        self.changes.extend(changes)

    def rows(self) -> list[tuple[str, str, tuple[Any, ...], dict[str, Any]]]:
        return [(change.op, change.table, change.key, change.logged) for change in self.changes]


def together(count: int, work: Callable[[int], None]) -> None:
    """Runs `work(0)`, `work(1)` … in threads of their own and waits; an error in one fails the test."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS * 3)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if errors:
        raise errors[0]
