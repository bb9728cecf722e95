"""Moves a logical shard to and fro while people on it write, until it is killed; prints each post once acknowledged."""

import os
import sys
import threading
from pathlib import Path

from minisocial import ids
from minisocial.database import Cluster
from minisocial.errors import MinisocialError
from tests.database.world import POST, until


def write(cluster: Cluster, author: int) -> None:
    while True:
        id = cluster.new_id(author)
        try:
            with cluster.write_home(author) as block:
                block.execute(POST, (id, author, "hello", id))
        except MinisocialError:
            continue
        os.write(1, f"{id}\n".encode())  # one call, so that lines of threads do not mix


def main(root: str, author: str) -> None:
    sys.setswitchinterval(0.0005)
    cluster = Cluster(Path(root), shards=2, replicas=1)
    cluster.start()
    cluster.mover.grace = 0.0
    for _ in range(3):
        threading.Thread(target=write, args=(cluster, int(author)), daemon=True).start()
    while True:
        until(lambda: not cluster.snapshot().moves)
        to = "1" if cluster.shard_of(int(author)) == "0" else "0"
        cluster.move(ids.logical_shard(int(author)), to)


if __name__ == "__main__":
    main(*sys.argv[1:])
