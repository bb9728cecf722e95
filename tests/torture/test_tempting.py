"""A database of which only an old copy is left does not start on it, and is as it was afterwards."""

from pathlib import Path

from minisocial.torture.audit import audit
from minisocial.torture.opening import database
from minisocial.torture.tempting import relics, tempt
from minisocial.torture.world import World
from tests.torture.conftest import work

SHARD = "1"


def folders(world: World) -> dict[str, str]:
    return {name: str(world.folder / "data" / "database" / name) for name in "abc"}


def promote(world: World) -> None:
    """A new term begins."""
    cluster = database(world.folder, "replicated")
    cluster.start()
    cluster.settle()
    cluster.promote(SHARD, "b" if cluster.snapshot().shards[2].copies[0].role == "primary" else "a")
    cluster.stop()


def with_relics(world: World) -> World:
    """The old copies of a shard that began a new term since, in which much was acknowledged."""
    world.remember(folders(world))
    promote(world)
    work(world, 3)
    world.remember(folders(world))
    return world


def test_a_copy_of_the_present_term_is_no_relic(worked_in: World) -> None:
    worked_in.remember(folders(worked_in))
    worked_in.remember(folders(worked_in))
    assert relics(worked_in, folders(worked_in)) == []


def test_it_does_not_start_on_an_old_copy_alone_and_loses_nothing(worked_in: World) -> None:
    world = with_relics(worked_in)
    found = relics(world, folders(world))
    assert {(relic.shard, relic.place, relic.on_record - relic.term) for relic in found} == {
        (SHARD, place, 1) for place in "abc"
    }
    for relic in found:
        assert tempt(world, folders(world), "commit", relic) == ""
    result = audit(world.folder, "replicated")
    assert result.verdict.sentences() == []


def test_one_that_starts_all_the_same_is_a_finding(worked_in: World) -> None:
    """Here all of what a relic lacks is forgotten, the record of its term as well, so it may lead."""
    world = with_relics(worked_in)
    relic = relics(world, folders(world))[0]
    for name in "abc":
        place, earlier = Path(folders(world)[name]), world.earlier(name)
        assert earlier
        (place / "control.json").write_bytes((earlier / "control.json").read_bytes())
    assert "started on a copy that knows term" in tempt(world, folders(world), "commit", relic)
