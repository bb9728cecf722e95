import shutil
from pathlib import Path

import pytest

from minisocial.torture.audit import WRITERS
from minisocial.torture.opening import database
from minisocial.torture.watching import Sight, Stream
from minisocial.torture.world import World
from minisocial.torture.writing import Writer

STEPS = 12  # of each writer


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> World:
    return work(World(tmp_path_factory.mktemp("torture") / "world"))


@pytest.fixture
def worked_in(original: World, tmp_path: Path) -> World:
    """A world whose writers have done some work, all of it acknowledged, and whose database is stopped."""
    return World(shutil.copytree(original.folder, tmp_path / "world"))


def work(world: World, steps: int = STEPS) -> World:
    """Some more steps of all writers."""
    world.begin_round()
    cluster, sight = database(world.folder, "replicated"), Sight(world.folder)
    cluster.subscribe(Stream(world.folder))
    cluster.start()
    try:
        writers = [
            Writer(number, cluster, world.folder, f"{steps}", lambda *_: None, sight.saw) for number in range(WRITERS)
        ]
        for _ in range(steps):
            for writer in writers:
                writer.step()
    finally:
        cluster.stop()
    return world
