"""Nodes that are killed, added, removed, replaced; services merged and separated: all while requests come."""

from typing import Any

import pytest

from minisocial.balancer import Balancer
from minisocial.balancer.health import SLOW_START
from minisocial.nodes import Node
from tests.balancer.world import Asking, Held, World, until
from tests.fakes import FakeSite, ask, plain_error_page

# nodes that are killed at work


def test_read_whose_node_was_killed_is_answered_by_another_and_the_late_answer_forgotten() -> None:
    held = Held()
    killed, other = Node("read-1", "read", held, 1), Node("read-2", "read", FakeSite(b"other"), 1)
    balancer = Balancer({"read": [killed, other]}, error_page=plain_error_page)
    asking = Asking(balancer)
    assert held.entered.wait(5)
    killed.kill()
    assert killed.snapshot().in_flight == 0 and killed.snapshot().failed == 1
    held.go_on.set()
    assert asking.ended().body == b"other"
    assert balancer.snapshot().retried == 1 and killed.snapshot().in_flight == 0


def test_write_whose_node_was_killed_is_not_confirmed_and_not_sent_again() -> None:
    held, second = Held(), FakeSite()
    killed, other = Node("write-1", "write", held, 1), Node("write-2", "write", second, 1)
    balancer = Balancer({"write": [killed, other]}, error_page=plain_error_page)
    asking = Asking(balancer, method="POST")
    assert held.entered.wait(5)
    killed.kill()
    held.go_on.set()
    assert asking.ended().code == 503
    assert b"not confirmed" in asking.answer.body
    assert (held.runs, second.asked) == (1, [])
    assert balancer.snapshot().in_doubt == 1


def test_who_waits_for_a_slot_is_not_touched_by_a_kill_elsewhere() -> None:
    world = World()
    world.fill("read-1", "read-2")
    asking = Asking(world.balancer)
    until(lambda: world.balancer.snapshot().services[0].waiting)
    world.nodes["read-1"].kill()
    world.release("read-2")
    assert asking.ended().body == b"read-2"


# nodes that come, go and change


def test_added_node_gets_few_requests_at_first() -> None:
    world = World()
    site = FakeSite(b"read-3")
    world.balancer.add(Node("read-3", "read", site, 2))
    assert world.balancer.snapshot().services[0].recovering == ("read-3",)
    for _ in range(60):
        ask(world.balancer)
    assert len(site.asked) < 20
    world.clock.advance(SLOW_START)
    world.balancer.step()
    for _ in range(60):
        ask(world.balancer)
    assert len(site.asked) >= 20


def test_node_that_starts_slowly_takes_all_that_the_others_have_no_slot_for() -> None:
    world = World()
    world.balancer.add(Node("read-3", "read", FakeSite(b"read-3"), 2))
    world.fill("read-1", "read-2")
    assert ask(world.balancer).body == b"read-3"


def test_added_node_takes_one_who_waits() -> None:
    world = World()
    world.fill("write-1")
    asking = Asking(world.balancer, method="POST")
    until(lambda: world.balancer.snapshot().services[1].waiting)
    world.balancer.add(Node("write-2", "write", FakeSite(b"write-2"), 1))
    assert asking.ended().body == b"write-2"


def test_removed_node_gets_nothing_any_more() -> None:
    world = World()
    world.balancer.remove(world.nodes["read-1"])
    assert {ask(world.balancer).body for _ in range(6)} == {b"read-2"}
    assert [node.name for node in world.balancer.nodes] == ["read-2", "write-1"]


def test_service_is_not_without_a_node_for_a_moment_when_its_only_one_is_replaced() -> None:
    world = World()
    world.fill("write-1")
    asking = Asking(world.balancer, method="POST")
    until(lambda: world.balancer.snapshot().services[1].waiting)
    world.balancer.replace(world.nodes["write-1"], Node("write-1", "write", FakeSite(b"new"), 1))
    assert asking.ended().body == b"new"
    assert not world.balancer.snapshot().services[1].recovering


def test_more_slots_let_those_in_who_wait() -> None:
    world = World()
    world.fill("write-1")
    asking = Asking(world.balancer, method="POST")
    until(lambda: world.balancer.snapshot().services[1].waiting)
    before = world.balancer.capacity
    world.nodes["write-1"].slots = 3
    assert asking.ended().body == b"write-1"
    assert world.balancer.capacity == before + 9


# merged services


def test_merged_services_share_all_nodes_and_can_be_separated_again() -> None:
    world = World()
    world.balancer.form = "merged"
    assert {ask(world.balancer, method="POST").body for _ in range(9)} == {b"read-1", b"read-2", b"write-1"}
    assert {ask(world.balancer).body for _ in range(9)} == {b"read-1", b"read-2", b"write-1"}
    assert [service.name for service in world.balancer.snapshot().services] == ["all"]
    world.balancer.form = "separate"
    assert {ask(world.balancer, method="POST").body for _ in range(3)} == {b"write-1"}
    assert {ask(world.balancer).body for _ in range(4)} == {b"read-1", b"read-2"}
    with pytest.raises(ValueError, match="merged"):
        world.balancer.form = "upside down"


def test_who_waits_while_services_are_merged_or_separated_waits_on_in_the_other_one() -> None:
    world = World()
    world.fill("read-1", "read-2", "write-1")
    asking = Asking(world.balancer, method="POST")
    until(lambda: world.balancer.snapshot().services[1].waiting)
    world.balancer.form = "merged"
    until(lambda: world.balancer.snapshot().services[0].waiting)
    world.balancer.form = "separate"
    until(lambda: world.balancer.snapshot().services[1].waiting)
    world.balancer.form = "merged"
    world.release("read-2")
    assert asking.ended().body == b"read-2"


def writes_hang(held: Held) -> Any:
    """A site whose writes run until they are let go."""
    return lambda environ, start: (held if environ["REQUEST_METHOD"] == "POST" else FakeSite())(environ, start)


def test_slow_writes_hold_up_reads_in_merged_services_only() -> None:
    """Six writes that do not end are all that a merged service can do at a time; on their own they take two slots."""
    for form, is_answered in (("separate", True), ("merged", False)):
        world = World(form=form)
        held = Held()
        nodes = [Node(name, name[:-2], writes_hang(held), 2) for name in ("read-1", "read-2", "write-1")]
        for old, new in zip(world.nodes.values(), nodes, strict=True):
            world.balancer.replace(old, new, is_warm=True)
        writes = [Asking(world.balancer, method="POST") for _ in range(6)]
        until(lambda nodes=nodes: sum(node.in_flight for node in nodes) == (2 if is_answered else 6))  # noqa: B023
        world.balancer.wait_ms = 0
        assert (ask(world.balancer).code == 200) is is_answered
        held.go_on.set()
        assert [write.ended().code for write in writes] == [200] * 6


def test_read_whose_node_is_killed_when_it_has_left_for_another_service_is_answered_there() -> None:
    world, held = World(form="merged"), Held()
    node = Node("write-1", "write", held, 1)
    world.balancer.replace(world.nodes["write-1"], node, is_warm=True)
    world.fill("read-1", "read-2")
    asking = Asking(world.balancer)
    assert held.entered.wait(5)
    world.balancer.form = "separate"
    node.kill()
    held.go_on.set()
    world.release("read-1")
    assert asking.ended().code == 200
