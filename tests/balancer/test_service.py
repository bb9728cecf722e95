"""A service hands out slots, in order, and tells at once who would wait in vain."""

import threading

import pytest

from minisocial.balancer.health import Health
from minisocial.balancer.service import Service, Wish
from minisocial.errors import Overloaded
from minisocial.nodes import Node
from tests.balancer.world import until
from tests.fakes import FakeSite, ManualClock
from tests.impatient import impatiently


class World:
    """A service with one node of two slots, both taken."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.node = Node("write-1", "write", FakeSite(), slots=2)
        self.service = Service("write", self.clock)
        self.service.change({self.node: Health(self.clock)})
        self.service.take(Wish("a"), 0)
        self.service.take(Wish("b"), 0)
        self.takers: list[threading.Thread] = []

    @property
    def waiting(self) -> int:
        return self.service.snapshot().waiting

    def wait_for(self, slots: int) -> None:
        """So many more wait for a slot, and keep it."""
        for _ in range(slots):
            before = self.waiting
            self.takers.append(threading.Thread(target=self.service.take, args=(Wish("c"), 30)))
            self.takers[-1].start()
            until(lambda before=before: self.waiting == before + 1)

    def release(self) -> None:
        """Four seconds later a request ends, and the next one gets its slot."""
        self.clock.advance(4)
        self.node.serve({"REQUEST_METHOD": "POST"})

    def is_refused(self, wait: float) -> bool:
        """Whether there is no slot for somebody who may wait so long."""
        try:
            self.service.take(Wish("d"), wait)
        except Overloaded:
            return True
        return False

    def end(self) -> None:
        for taker in self.takers:
            taker.join(5)
            assert not taker.is_alive()


def test_who_would_wait_in_vain_is_refused_at_once() -> None:
    world = World()
    world.wait_for(3)
    assert world.service.snapshot().wait_ms == 0  # nobody knows yet how fast it goes
    world.release()
    world.release()
    assert (world.waiting, world.node.in_flight) == (1, 2)
    assert world.service.snapshot().wait_ms == 8000  # second in line, one every four seconds
    assert impatiently(lambda: world.is_refused(wait=7.9)) is True  # and at once: that thread must not wait
    assert (world.service.snapshot().refused, world.waiting) == (1, 1)
    world.wait_for(1)  # who may wait for longer than that
    world.release()
    world.release()
    world.end()
    assert world.service.snapshot().wait_ms == 0


def test_slot_is_given_to_who_waits_and_to_nobody_who_comes_just_then() -> None:
    world = World()
    world.wait_for(1)
    world.release()
    with pytest.raises(Overloaded):
        world.service.take(Wish("quick"), wait=0)
    world.end()
    assert world.node.in_flight == 2


class JustFreed(Node):
    """A node whose slot becomes free right after somebody found it taken, and who says so to nobody."""

    looks = 0

    @property
    def is_free(self) -> bool:
        self.looks += 1
        return self.looks > 1


def test_slot_that_became_free_while_somebody_joined_the_queue_is_not_missed() -> None:
    clock, node = ManualClock(), JustFreed("read-1", "read", FakeSite(), slots=1)
    service = Service("read", clock)
    service.change({node: Health(clock)})
    assert service.take(Wish("a"), wait=5) is node
