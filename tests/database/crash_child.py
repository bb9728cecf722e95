"""Writes posts from four threads until it is killed, and prints the id of each once it is acknowledged."""

import os
import sys
import threading
from pathlib import Path

from minisocial.database import Cluster
from minisocial.errors import MinisocialError
from tests.database.world import person, post


def work(cluster: Cluster, shard: str) -> None:
    ada = person(cluster, shard)
    while True:
        try:
            id, _ = post(cluster, ada)
        except MinisocialError:
            continue
        os.write(1, f"{id}\n".encode())  # one call, so that lines of threads do not mix


def main(root: str, durability: str) -> None:
    sys.setswitchinterval(0.0005)
    cluster = Cluster(Path(root), shards=2, durability=durability)
    cluster.start()
    for shard in ("0", "1", "0", "1"):
        threading.Thread(target=work, args=(cluster, shard), daemon=True).start()
    threading.Event().wait(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
