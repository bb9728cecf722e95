"""`kill -9` loses no acknowledged write. What was acknowledged is kept outside, by another process."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from minisocial.database import Cluster
from tests.database.world import assert_copies_equal

PROJECT = Path(__file__).parents[2]


def write_until_killed(root: Path, durability: str, acknowledged: int) -> list[int]:
    """The ids of the posts that the child was told are saved, before it was killed."""
    command = [sys.executable, "-m", "tests.database.crash_child", str(root), durability]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = [child.stdout.readline() for _ in range(acknowledged)]
        child.kill()
        rest = child.stdout.read().splitlines(keepends=True)
    return [int(line) for line in [*first, *rest] if line.endswith("\n")]


def saved(cluster: Cluster) -> list[int]:
    ids = []
    for shard in cluster.shards:
        with cluster.read(shard, at_least=cluster.position(shard)) as reader:
            ids += [id for (id,) in reader.rows("SELECT id FROM posts")]
    return ids


@pytest.mark.parametrize("durability", ["commit", "replicated"])
def test_no_acknowledged_write_is_lost_by_kill_9(tmp_path: Path, durability: str) -> None:
    chance = random.Random(durability)
    acknowledged: list[int] = []
    for _ in range(3):
        acknowledged += write_until_killed(tmp_path / "database", durability, chance.randint(1, 300))
        cluster = Cluster(tmp_path / "database", shards=2, durability=durability)
        cluster.start()
        try:
            assert set(acknowledged) <= set(saved(cluster))
            assert_copies_equal(cluster)
        finally:
            cluster.stop()


def test_replicated_survives_the_kill_and_the_loss_of_the_primarys_place(tmp_path: Path) -> None:
    root = tmp_path / "database"
    acknowledged = write_until_killed(root, "replicated", 200)
    for path in (root / "a").iterdir():
        path.unlink()
    cluster = Cluster(root, shards=2, durability="replicated")
    cluster.start()
    try:
        assert set(acknowledged) <= set(saved(cluster))
        assert_copies_equal(cluster)
    finally:
        cluster.stop()
