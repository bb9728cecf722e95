"""The pool: nodes come and go, and the balancer is told."""

import pytest

from minisocial.errors import Refused
from minisocial.nodes import Made, Node, Pool
from tests.fakes import FakeSite


class FakeBalance:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def add(self, node: Node, is_warm: bool = False) -> None:
        self.told.append(("warm" if is_warm else "add", node.name))

    def remove(self, node: Node) -> None:
        self.told.append(("remove", node.name))

    def replace(self, old: Node | None, new: Node, is_warm: bool = False) -> None:
        assert old is not None and old is not new and old.state != "draining"
        self.told.append(("replace", new.name))


class World:
    def __init__(self) -> None:
        self.sites: list[FakeSite] = []
        self.gone: list[str] = []
        self.balance = FakeBalance()
        self.resized = 0
        self.pool = Pool(self.make, self.balance, slots={"read": 2, "write": 3}, resized=self.count)
        self.pool.fill(read=2, write=1)
        self.resized = 0
        self.balance.told.clear()

    def make(self, name: str) -> Made:
        self.sites.append(FakeSite(name.encode()))
        return Made(self.sites[-1], lambda: self.gone.append(name))

    def count(self) -> None:
        self.resized += 1

    @property
    def names(self) -> list[str]:
        return [node.name for node in self.pool.nodes]


def test_pool_is_filled_with_warm_nodes_that_have_the_slots_of_their_service() -> None:
    world = World()
    assert [(node.name, node.service, node.slots) for node in world.pool.snapshot()] == [
        ("read-1", "read", 2),
        ("read-2", "read", 2),
        ("write-1", "write", 3),
    ]


def test_added_node_has_a_name_of_its_own_and_stands_among_its_like() -> None:
    world = World()
    world.pool.remove("read-2")
    world.pool.add("read")
    assert world.names == ["read-1", "read-3", "write-1"]
    assert world.balance.told == [("remove", "read-2"), ("add", "read-3")]
    assert world.resized == 2
    with pytest.raises(Refused, match="read or write"):
        world.pool.add("mail")


def test_restarted_node_is_a_new_one_and_the_old_one_ends_what_it_began() -> None:
    world = World()
    old = world.pool.find("read-1")
    old.slots = 7
    assert old.reserve()
    new = world.pool.restart("read-1")
    assert world.pool.find("read-1") is new is not old
    assert (new.slots, new.state, len(world.sites)) == (7, "up", 4)
    assert old.state == "draining" and not world.gone
    old.serve({"REQUEST_METHOD": "GET"})
    assert world.gone == ["read-1"]


def test_killed_node_stays_in_the_list_until_it_is_restarted_or_removed() -> None:
    world = World()
    world.pool.kill("read-1")
    world.pool.kill("read-2")
    assert [node.state for node in world.pool.snapshot()] == ["killed", "killed", "up"]
    assert world.gone == ["read-1", "read-2"]
    assert world.pool.restart("read-1").state == "up"
    world.pool.remove("read-2")
    assert world.names == ["read-1", "write-1"] and world.gone == ["read-1", "read-2"]


def test_last_node_of_a_service_is_neither_drained_nor_removed() -> None:
    world = World()
    for what in (world.pool.drain, world.pool.remove):
        with pytest.raises(Refused, match="last write node"):
            what("write-1")
    world.pool.drain("read-1")
    with pytest.raises(Refused, match="last read node"):
        world.pool.drain("read-2")
    world.pool.remove("read-1")  # it is down already
    assert world.names == ["read-2", "write-1"]


def test_removed_node_is_let_go_when_its_last_request_has_ended() -> None:
    world = World()
    node = world.pool.find("read-1")
    assert node.reserve()
    world.pool.remove("read-1")
    assert not world.gone
    node.serve({"REQUEST_METHOD": "GET"})
    assert world.gone == ["read-1"]


def test_slots_of_one_node_or_of_a_service_can_be_changed() -> None:
    world = World()
    world.pool.resize("read-1", 9)
    assert [node.slots for node in world.pool.nodes] == [9, 2, 3]
    world.pool.resize_all("read", 5)
    assert [node.slots for node in world.pool.nodes] == [5, 5, 3]
    assert world.pool.add("read").slots == 5
    assert world.resized == 3
    for slots in (0, 257):
        with pytest.raises(Refused, match="from 1 to 256"):
            world.pool.resize("read-1", slots)


def test_writes_can_be_made_slow_on_all_nodes_also_on_those_to_come() -> None:
    world = World()
    world.pool.write_delay_ms = 200
    assert {node.write_delay for node in world.pool.nodes} == {0.2}
    assert world.pool.add("write").write_delay == world.pool.restart("read-1").write_delay == 0.2
    assert world.pool.write_delay_ms == 200


def test_unknown_node_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Refused, match=r"'read-9'.*read-1, read-2, write-1"):
        World().pool.kill("read-9")
