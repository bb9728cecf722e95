"""What a host can ask for: arguments are checked, and each ends with a sentence, whatever state the database is in."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from minisocial.database.loss.verification import REPLACED, Verdict
from minisocial.errors import MinisocialError, Refused, Unavailable
from minisocial.settings import Settings
from minisocial.upkeep.jobs import Jobs
from minisocial.upkeep.operations import LONGEST, OPERATIONS, begin, do
from minisocial.upkeep.shape import Left, wait_until
from tests.upkeep.fakes import FakeCluster, Move


@dataclass
class World:
    """A system of which there is no more than operations act on."""

    cluster: FakeCluster
    settings: Settings
    said: list[str] = field(default_factory=list)
    social: Any = None

    def do(self, name: str, /, **args: Any) -> str:
        return do(self, name, args, self.progress)  # type: ignore[arg-type]

    def progress(self, line: str) -> None:
        self.said += [line] if line else []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeCluster(tmp_path), Settings(data=tmp_path))


# arguments


def test_an_operation_nobody_knows_is_refused_with_those_there_are(world: World) -> None:
    with pytest.raises(Refused, match=r"no operation 'explode'.*promote.*backup"):
        world.do("explode")


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.needs])
def test_what_is_missing_is_named(world: World, name: str) -> None:
    with pytest.raises(Refused, match=f"needs to know: {OPERATIONS[name].needs[0]}"):
        world.do(name)
    with pytest.raises(Refused, match="needs to know"):
        world.do(name, **dict.fromkeys(OPERATIONS[name].needs, ""))


@pytest.mark.parametrize("value", [7, None, ["0"], {"a": "b"}, True, "x" * (LONGEST + 1), "a\0b"])
def test_an_argument_that_is_no_text_is_refused(world: World, value: object) -> None:
    with pytest.raises(Refused):
        world.do("promote", shard=value or "", place="b")
    assert not world.cluster.asked


def test_an_argument_nobody_asked_for_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="knows no 'colour'"):
        world.do("promote", shard="0", place="b", colour="red")
    assert not world.cluster.asked


@pytest.mark.parametrize(
    ("name", "args", "sentence"),
    [
        ("promote", {"shard": "9", "place": "b"}, "no shard 9; there are directory, 0, 1"),
        ("promote", {"shard": "0", "place": "x"}, "no place x; there are a, b, c"),
        ("replicas-remove", {"place": "x"}, "no place x"),
        ("shards-move", {"logical": "64", "shard": "1"}, "64 is no logical shard.*0 to 63"),
        ("shards-move", {"logical": "-1", "shard": "1"}, "no logical shard"),
        ("shards-move", {"logical": "²", "shard": "1"}, "no logical shard"),
        ("shards-move", {"logical": "5", "shard": "directory"}, "no shard directory that holds people"),
        ("verify", {"shard": "9"}, "no shard 9"),
        ("verify", {"place": "x"}, "no place x"),
        ("verify", {"shard": "0", "place": "a"}, "a leads shard 0"),
        ("backup", {"file": "x.zip"}, "written in full"),
        ("replicas-add", {"folder": "disk"}, "written in full"),
        ("user-create", {"name": "a", "email": "b", "password": "c", "role": "king"}, "a member or an admin"),
    ],
)
def test_what_can_not_be_is_refused_with_what_can(world: World, name: str, args: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        world.do(name, **args)
    assert not world.cluster.asked


def test_begun_in_a_thread_its_arguments_are_checked_before(world: World) -> None:
    jobs = Jobs()
    jobs.start()
    with pytest.raises(Refused, match="needs to know"):
        begin(world, jobs, "promote", {"shard": "0"})  # type: ignore[arg-type]
    assert jobs.snapshot().running == ()
    jobs.stop()


# leading


def test_a_place_leads_a_shard(world: World) -> None:
    assert world.do("promote", shard="0", place="b") == "Place b leads shard 0 now."
    assert world.cluster.asked == [("promote", "0", "b")]


def test_one_that_leads_already_is_left_alone(world: World) -> None:
    assert "already" in world.do("promote", shard="0", place="a")
    assert not world.cluster.asked


@pytest.mark.parametrize("state", ["missing", "copying", "suspect"])
def test_a_copy_that_is_not_sound_does_not_lead(world: World, state: str) -> None:
    world.cluster.change("0", "b", state=state)
    with pytest.raises(Refused, match="no sound copy of shard 0"):
        world.do("promote", shard="0", place="b")
    assert not world.cluster.asked


# places


def test_a_new_place_is_waited_for_until_it_holds_everything(world: World) -> None:
    left = ["directory", "0", "1"]

    def fill_one() -> None:
        if ("add_replica", None) in world.cluster.asked and left and world.said:
            world.cluster.change(left.pop(0), "d", state="up")

    world.cluster.as_time_passes = fill_one
    assert world.do("replicas-add") == "Place d has a copy of every shard."
    assert world.said[0] == "Place d is added, and is being filled."


def test_a_new_place_can_lie_on_another_disk(world: World, tmp_path: Path) -> None:
    def fill() -> None:
        for shard in world.cluster.names:
            world.cluster.change(shard, "d", state="up")

    world.cluster.as_time_passes = fill
    world.do("replicas-add", folder=str(tmp_path / "disk"))
    assert world.cluster.asked == [("add_replica", tmp_path / "disk")]


def test_a_shard_without_a_primary_does_not_hold_up_a_new_place(world: World) -> None:
    world.cluster.lose_primary("1")

    def fill() -> None:
        for shard in ("directory", "0"):
            world.cluster.change(shard, "d", state="up")

    world.cluster.as_time_passes = fill
    assert "Shard 1 has no primary to copy from" in world.do("replicas-add")


def test_a_place_is_given_up(world: World) -> None:
    assert world.do("replicas-remove", place="c") == "Place c is removed, with its files. There are a, b now."


# shards


def test_a_shard_is_added_and_what_to_do_next_is_said(world: World) -> None:
    assert "shards spread" in world.do("shards-add")


@pytest.mark.parametrize(
    ("name", "args", "asked", "outcome"),
    [
        ("shards-move", {"logical": "5", "shard": "1"}, ("move", 5, "1"), "Logical shard 5 lies on shard 1 now."),
        ("shards-spread", {}, ("spread_out",), "Every shard has its share: 32 on 0, 32 on 1."),
    ],
)
def test_people_are_moved_and_waited_for(
    world: World, name: str, args: dict[str, str], asked: tuple[Any, ...], outcome: str
) -> None:
    def one_arrives() -> None:
        if world.said and world.cluster.moves[0].state == "copying":
            world.cluster.moves = world.cluster.moves[1:]
        if world.cluster.moves:
            first, *others = world.cluster.moves
            world.cluster.moves = (replace(first, state="copying", rows=20_500), *others)

    world.cluster.as_time_passes = one_arrives
    assert world.do(name, **args) == outcome
    assert world.cluster.asked == [asked]
    assert world.said[0].startswith("Logical shard 5 moves from shard 0 to 1, 20,000 rows so far")


def test_a_move_is_called_off(world: World) -> None:
    said = world.do("shards-call-off", logical="6")
    assert said == "Logical shard 6 stays on shard 0; what was copied of it is removed."
    assert world.cluster.asked == [("call_off", 6)]
    with pytest.raises(Refused, match="numbered from 0 to 63"):
        world.do("shards-call-off", logical="64")


def test_one_that_has_arrived_is_not_waited_for_while_others_move_on(world: World) -> None:
    def arrives() -> None:
        if world.cluster.asked:
            world.cluster.moves = (Move(7), Move(5, state="clearing"))

    world.cluster.as_time_passes = arrives
    assert world.do("shards-move", logical="5", shard="1") == "Logical shard 5 lies on shard 1 now."


def test_the_list_shows_every_copy_every_place_and_what_lies_where(world: World) -> None:
    world.cluster.change("0", "b", lag_ms=300, state="held")
    world.cluster.places[2] = type(world.cluster.places[2])("c", Path("/mnt/disk"), "the disk is not mounted")
    world.cluster.moves = (Move(5, problem="No replica has the rows yet."),)
    lines = world.do("shards-list").splitlines()
    assert lines[0].split() == ["shard", "place", "role", "state", "position", "lag"]
    assert ["0", "b", "replica", "held", "7", "300", "ms"] in [line.split() for line in lines]
    assert "Place a: database/a" in lines and "Place c: /mnt/disk  (the disk is not mounted)" in lines
    assert "Logical shards: 32 on 0, 32 on 1." in lines
    assert lines[-1] == "Logical shard 5 moves from shard 0 to 1 (No replica has the rows yet.): waiting"


# comparing


def test_every_copy_is_compared_with_its_primary(world: World) -> None:
    assert world.do("verify").startswith("6 copies compared with their primaries, 6,000 rows")
    assert ("verify", "0", "b") in world.cluster.asked and ("verify", "0", "a") not in world.cluster.asked
    assert len(world.said) == 6


def test_one_shard_or_one_place_can_be_compared_alone(world: World) -> None:
    world.do("verify", shard="0", place="c")
    assert world.cluster.asked == [("verify", "0", "c")]


def test_copies_that_differ_are_told_and_the_others_compared_all_the_same(world: World) -> None:
    world.cluster.verdicts["0", "b"] = Verdict("0", "b", REPLACED, "Copy b of shard 0 differed and was replaced.")
    with pytest.raises(MinisocialError, match=r"^Copy b of shard 0 differed and was replaced\.$"):
        world.do("verify")
    assert len(world.cluster.asked) == 6


def test_a_shard_without_a_primary_is_told_and_does_not_end_the_comparing(world: World) -> None:
    world.cluster.lose_primary("0")
    with pytest.raises(MinisocialError, match=r"shard 0 could not be compared.*no primary"):
        world.do("verify")
    assert ("verify", "1", "c") in world.cluster.asked


# waiting


def test_waiting_tells_what_changes_and_ends_when_nothing_is_left() -> None:
    left, said = [Left("two"), Left("two"), Left("one"), Left("")], list[str]()
    assert wait_until(lambda: left.pop(0), said.append, pause=0.001) == ""
    assert said == ["two", "", "one"]


def test_waiting_ends_when_nothing_goes_on_any_more() -> None:
    assert wait_until(lambda: Left("two"), lambda line: None, pause=0.001, patience=0.005) == "two"


def test_what_goes_on_is_waited_for_however_long_it_looks_the_same() -> None:
    left = [*[Left("two", is_going_on=True)] * 50, Left("")]
    assert wait_until(lambda: left.pop(0), lambda line: None, pause=0.001, patience=0.005) == ""


def test_waiting_can_be_broken_off() -> None:
    def broken(line: str) -> None:
        raise Unavailable("It was broken off.")

    with pytest.raises(Unavailable):
        wait_until(lambda: Left("two"), broken)
