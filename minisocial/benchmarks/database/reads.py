"""Reading a feed through the router, beside plain sqlite3 on the same file."""

import sqlite3
from contextlib import closing
from itertools import cycle

from minisocial.benchmarks.database.crew import Work, alternating, thrift
from minisocial.benchmarks.database.figures import Pair
from minisocial.benchmarks.database.stage import PATIENCE, POST, SHARD, Stage, primary
from minisocial.database import Cluster
from minisocial.database.connection import connect

FEED = (
    "SELECT posts.id, posts.author, text, likes, replies FROM home_feed JOIN posts ON posts.id = home_feed.post "
    "WHERE account = ? ORDER BY post DESC LIMIT 20"
)
ENTRIES = 800  # in each feed, the most it may hold
MARK = 0.7


def measure(stage: Stage, cluster: Cluster) -> Pair:
    """Feeds a second of the processor's, in one thread."""
    stage.say("Reads ...")
    size, path = stage.size, primary(cluster).path
    assert path is not None
    with closing(connect(path)) as connection:
        routed, plain = _routed(cluster, size.feeds), _plain(connection, size.feeds)
        values = alternating(size.rounds, lambda: thrift(routed, size.seconds), lambda: thrift(plain, size.seconds))
    return Pair("feeds of 20 posts/processor s, through the router", *values, MARK)


def fill_feeds(stage: Stage, cluster: Cluster) -> None:
    """People with full feeds, on all copies."""
    posts = [stage.row() for _ in range(ENTRIES)]
    with cluster.load(SHARD) as block:
        block.executemany(POST, posts)
        for account in range(stage.size.feeds):
            entries = [(account, id, author) for id, author, *_ in posts]
            block.executemany("INSERT INTO home_feed (account, post, author) VALUES (?, ?, ?)", entries)
    cluster.settle(PATIENCE)


def _routed(cluster: Cluster, people: int) -> Work:
    accounts = cycle(range(people))

    def read() -> int:
        with cluster.read(SHARD) as reader:
            reader.rows(FEED, (next(accounts),))
        return reader.position

    return read


def _plain(connection: sqlite3.Connection, people: int) -> Work:
    accounts = cycle(range(people))

    def read() -> int:
        connection.execute(FEED, (next(accounts),)).fetchall()
        return 0

    return read
