"""What the operator of the tortured database does while it works: one function for each word."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minisocial.database import Cluster
from minisocial.database.loss.verification import EQUAL, SKIPPED
from minisocial.errors import Refused
from minisocial.ids import logical_shard
from minisocial.torture.audit import BACKUPS
from minisocial.upkeep.backup import back_up

MOST_PLACES, MOST_SHARDS = 4, 4
SLOW_SECONDS = 0.02
LOOK_SECONDS = 0.02
ARRIVES = 50  # looks, after which a move may take as long as it likes


@dataclass(frozen=True, slots=True)
class Scene:
    """What an action may need."""

    cluster: Cluster
    folder: Path  # of the world
    accounts: Sequence[int]  # of the writers
    chance: random.Random
    alarms: list[str]  # what verification finds


def promote(scene: Scene) -> None:
    """Another copy of some shard leads."""
    shard = scene.chance.choice(scene.cluster.snapshot().shards)
    replicas = [copy.name for copy in shard.copies if copy.role == "replica"]
    scene.cluster.promote(shard.name, scene.chance.choice(replicas))


def migrate(scene: Scene) -> None:
    """The schema of a shard changes, in a write block as any other: a table and a column, or an index."""
    with scene.cluster.write(scene.chance.choice(scene.cluster.shards)) as block:
        if scene.chance.random() < 0.5:
            present = block.row("SELECT 1 FROM sqlite_master WHERE name = 'torture_posts'")
            block.execute("DROP INDEX torture_posts" if present else "CREATE INDEX torture_posts ON posts (likes)")
            return
        block.execute("CREATE TABLE IF NOT EXISTS torture_migrations (id INTEGER PRIMARY KEY, at REAL)")
        block.execute(f"ALTER TABLE torture_migrations ADD COLUMN c{time.time_ns()} TEXT DEFAULT 'new'")
        block.execute("INSERT INTO torture_migrations (at) VALUES (?)", (time.time(),))


def replicas(scene: Scene) -> None:
    """One more place, here or in a folder elsewhere; one less, if there are enough."""
    places = scene.cluster.places
    if len(places) >= MOST_PLACES:
        scene.cluster.remove_replica(scene.chance.choice(places).name)
    else:
        elsewhere = scene.folder / "elsewhere" / f"disk-{time.time_ns()}"
        scene.cluster.add_replica(scene.chance.choice([None, elsewhere]))


def add_shard(scene: Scene) -> None:
    """One more shard, which is empty."""
    if len(scene.cluster.shards) >= MOST_SHARDS:
        raise Refused("There are enough shards.")
    scene.cluster.add_shard()


def move(scene: Scene) -> None:
    """The rows of a writer go to another shard."""
    account = scene.chance.choice(scene.accounts)
    others = [shard for shard in scene.cluster.shards if shard != scene.cluster.shard_of(account)]
    scene.cluster.move(logical_shard(account), scene.chance.choice(others))


def move_past_a_held_replica(scene: Scene) -> None:
    """The rows of a writer go to a shard one of whose replicas is held: nobody may look for them there."""
    account = scene.chance.choice(scene.accounts)
    others = [shard for shard in scene.cluster.snapshot().shards if shard.name in scene.cluster.shards]
    target = scene.chance.choice([shard for shard in others if shard.name != scene.cluster.shard_of(account)])
    held = scene.chance.choice([copy.name for copy in target.copies if copy.role == "replica"])
    scene.cluster.hold(target.name, held)
    try:
        scene.cluster.move(logical_shard(account), target.name)
        for _ in range(ARRIVES):
            if scene.cluster.shard_of(account) == target.name:
                break
            threading.Event().wait(LOOK_SECONDS)
        threading.Event().wait(scene.chance.uniform(0.1, 0.3))
    finally:
        scene.cluster.release(target.name, held)


def spread_out(scene: Scene) -> None:
    """All shards get a fair share, which takes many moves if one is new."""
    scene.cluster.spread_out()


def make_backup(scene: Scene) -> None:
    """Of everything, at one moment."""
    folder = scene.folder / BACKUPS
    folder.mkdir(exist_ok=True)
    back_up(scene.cluster, scene.folder / "data", folder / f"{time.time_ns()}.zip")


def verify(scene: Scene) -> None:
    """One replica of each shard is compared with its primary, row by row."""
    for shard in scene.cluster.snapshot().shards:
        replica = scene.chance.choice([copy.name for copy in shard.copies if copy.role == "replica"])
        found = scene.cluster.verify(shard.name, replica)
        scene.alarms.extend(str(verdict) for verdict in found if verdict.outcome not in (EQUAL, SKIPPED))


def hold(scene: Scene) -> None:
    """A replica stops following for a moment."""
    shard = scene.chance.choice(scene.cluster.snapshot().shards)
    held = scene.chance.choice([copy.name for copy in shard.copies if copy.role == "replica"])
    scene.cluster.hold(shard.name, held)
    threading.Event().wait(scene.chance.uniform(0.05, 0.3))
    scene.cluster.release(shard.name, held)


def slow(scene: Scene) -> None:
    """The disk of a copy is slow for a moment."""
    shard = scene.chance.choice(scene.cluster.snapshot().shards)
    copy = scene.chance.choice(shard.copies).name
    scene.cluster.slow_down(shard.name, copy, SLOW_SECONDS)
    threading.Event().wait(scene.chance.uniform(0.05, 0.3))
    scene.cluster.slow_down(shard.name, copy, 0)


WEIGHTS = {
    "promotion": 4,
    "move": 3,
    "move past a held replica": 2,
    "schema change": 2,
    "change of places": 2,
}  # of others: 1
ACTIONS: dict[str, Callable[[Scene], None]] = {
    "promotion": promote,
    "schema change": migrate,
    "change of places": replicas,
    "new shard": add_shard,
    "move": move,
    "move past a held replica": move_past_a_held_replica,
    "spreading out": spread_out,
    "backup": make_backup,
    "verification": verify,
    "held replica": hold,
    "slow copy": slow,
}
