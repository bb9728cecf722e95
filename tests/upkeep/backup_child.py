"""Makes or restores a backup, and stops in the middle of it to be killed; or has little room for it."""

import resource
import sys
from pathlib import Path

from minisocial.database import Cluster
from minisocial.errors import Refused
from minisocial.upkeep.backup import back_up
from minisocial.upkeep.nightly import Nightly
from minisocial.upkeep.restore import restore
from tests.fakes import ManualClock


def wait_to_be_killed(line: str) -> None:
    print("at work", flush=True)
    sys.stdin.read()


def main(what: str, *paths: str) -> None:
    data, file = map(Path, paths)
    if what == "restore":
        restore(file, data, wait_to_be_killed)
        return
    cluster = Cluster(data / "database")
    cluster.start()
    if what == "backup":
        back_up(cluster, data, file, wait_to_be_killed)
    elif what == "nightly":
        nightly = Nightly(cluster, data, 3, ManualClock())
        nightly._go_on = wait_to_be_killed
        nightly.step()
    elif what == "little room":
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            back_up(cluster, data, file)
        except Refused as refused:
            print(refused)


if __name__ == "__main__":
    main(*sys.argv[1:])
