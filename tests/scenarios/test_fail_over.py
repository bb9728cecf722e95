"""A primary's file is lost while people read and write."""

import pytest

from minisocial.system import System
from tests.database.world import primary_of, spoil, until
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import set_up, settle


@pytest.fixture
def system(start_system: StartSystem) -> System:
    """One shard of people, so that everything is where the fault is."""
    return start_system(shards=1)


def test_what_only_the_lost_file_had_is_in_no_cache_either(system: System) -> None:
    ada = set_up(system)
    ada.get("/").submit("Post", text="this stays", visibility="everyone")
    settle(system)
    replicas = [system.cluster._shards["0"].copy_named(name) for name in "bc"]
    with replicas[0].busy, replicas[1].busy:  # they fall behind by one post
        ada.get("/").submit("Post", text="this is lost", visibility="everyone")
        assert "this is lost" in ada.page.text
        spoil(system.cluster, "a")
    until(lambda: primary_of(system.cluster) in ("b", "c"), "a new primary")
    settle(system)
    for path in ("/", "/@ada"):
        text = ada.get(path).page.text
        assert ada.page.status == 200
        assert "this stays" in text
        assert "this is lost" not in text
