import json
import random
from pathlib import Path

import pytest

from minisocial.database.loss.control import NAME, NEEDED
from minisocial.torture import sabotage
from minisocial.torture.status import ShardNow, Status
from minisocial.torture.world import World
from minisocial.torture.wounds import Wound, choose, hurt

ELSEWHERE = "disk-7"  # the folder of place b, which is not called like it


@pytest.fixture
def world(tmp_path: Path) -> World:
    for folder in ("a", ELSEWHERE, "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / NAME).write_text(json.dumps(dict.fromkeys(NEEDED, 1)))
        for shard in ("0", "1"):
            (tmp_path / folder / f"shard-{shard}-1.db").write_bytes(b"rows")
    return World(tmp_path)


def status(world: World, number: int = 1, state: str = "up") -> Status:
    """b leads both shards; the files in use have this number."""
    places = {"a": "a", "b": ELSEWHERE, "c": "c"}
    shards = {}
    for name in ("0", "1"):
        files, states = dict.fromkeys(places, f"x/shard-{name}-{number}.db"), dict.fromkeys(places, state)
        shards[name] = ShardNow(name, "b", files, states, is_close=True, failovers=0, lost=0, snapshots=0)
    return Status(shards, {name: str(world.folder / folder) for name, folder in places.items()}, [])


def wounded(world: World, kind: str, role: str = "primary") -> Wound | None:
    target = choose(world, status(world), random.Random(1), "0", role)
    assert target is not None
    return hurt(kind, {**sabotage.TO_A_DEAD_COPY, **sabotage.TO_NO_COPY}[kind], target, status(world))


def test_damage_to_a_file_hits_one_shard_and_the_loss_of_a_disk_all_that_it_leads(world: World) -> None:
    one, all_of_them = wounded(world, "deleted"), wounded(world, sabotage.AWAY)
    assert one and one.led == {"0"} and not (world.folder / ELSEWHERE / "shard-0-1.db").exists()
    assert all_of_them and all_of_them.led == {"0", "1"} and not (world.folder / ELSEWHERE).exists()


def test_damage_to_a_replica_hits_no_primary(world: World) -> None:
    wound = wounded(world, "truncated", "replica")
    assert wound and wound.target.name in "ac" and not wound.led


def test_a_wound_is_healed_when_another_file_is_in_use_and_is_there(world: World) -> None:
    wound = wounded(world, "deleted")
    assert wound and not wound.is_healed(status(world))
    assert not wound.is_healed(status(world, number=2))  # said to be there, and not there
    for folder in ("a", ELSEWHERE, "c"):
        for shard in ("0", "1"):
            (world.folder / folder / f"shard-{shard}-2.db").write_bytes(b"rows")
    assert not wound.is_healed(status(world, number=2, state="copying"))
    assert wound.is_healed(status(world, number=2))


def test_damage_that_can_not_be_done_is_no_wound(world: World) -> None:
    assert wounded(world, "deleted") is not None
    assert wounded(world, "deleted") is None
    assert wounded(world, "set back") is None  # there is no older file


def test_no_second_place_loses_its_terms_while_one_lacks_them(world: World) -> None:
    assert wounded(world, "file of terms deleted") is not None
    assert wounded(world, "file of terms overwritten", "replica") is None
    assert wounded(world, sabotage.AWAY, "replica") is None
