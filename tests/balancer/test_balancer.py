"""The load balancer: services, retries, bounded waiting, ejection."""

import threading
from typing import Any

import pytest

from minisocial.balancer import Balancer
from minisocial.nodes import Node
from minisocial.wsgi import Response
from tests.fakes import FakeSite, ManualClock, ask, plain_error_page
from tests.impatient import impatiently, would_wait


class World:
    """A balancer over two read nodes and a write node whose sites can be told to fail."""

    def __init__(self, **more: Any) -> None:
        self.sites = {name: FakeSite(name.encode()) for name in ("read-1", "read-2", "write-1")}
        self.nodes = {name: Node(name, name.partition("-")[0], site, slots=2) for name, site in self.sites.items()}
        services = {
            "read": [self.nodes["read-1"], self.nodes["read-2"]],
            "write": [self.nodes["write-1"]],
        }
        self.clock = ManualClock()
        options = {"wait_ms": 10_000, "clock": self.clock, **more}
        self.balancer = Balancer(services, error_page=plain_error_page, **options)

    def asked(self, name: str) -> int:
        return len(self.sites[name].asked)

    def fill(self, *names: str) -> None:
        for name in names:
            while self.nodes[name].reserve():
                pass

    def release(self, name: str) -> None:
        """One request of a full node ends."""
        self.nodes[name].serve({}, lambda *_: lambda data: None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_requests_go_to_the_read_service(method: str) -> None:
    assert ask(World().balancer, method=method).body.startswith(b"read-")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_all_other_requests_go_to_the_write_service(method: str) -> None:
    assert ask(World().balancer, method=method).body == b"write-1"


def test_read_service_alone_serves_writes_too() -> None:
    balancer = Balancer({"read": [Node("read-1", "read", FakeSite(b"it"), 1)]}, error_page=plain_error_page)
    assert ask(balancer, method="POST").body == b"it"


def test_requests_are_spread_over_the_nodes() -> None:
    world = World()
    for _ in range(10):
        ask(world.balancer)
    assert world.asked("read-1") == world.asked("read-2") == 5


def test_failed_safe_request_is_tried_once_more_on_another_node() -> None:
    world = World()
    world.sites["read-1"].error = ValueError("bug")
    for _ in range(4):
        assert ask(world.balancer).body == b"read-2"
    assert world.balancer.snapshot().retried == world.asked("read-1") > 0


def test_safe_request_that_fails_everywhere_is_tried_twice_only() -> None:
    world = World()
    world.sites["read-1"].error = world.sites["read-2"].error = ValueError("bug")
    with pytest.raises(ValueError, match="bug"):
        ask(world.balancer)
    assert world.asked("read-1") == world.asked("read-2") == 1


def test_unsafe_request_is_never_sent_twice() -> None:
    sites = [FakeSite(), FakeSite()]
    for site in sites:
        site.error = ValueError("bug")
    nodes = [Node(f"write-{number}", "write", site, 1) for number, site in enumerate(sites)]
    with pytest.raises(ValueError, match="bug"):
        ask(Balancer({"read": [], "write": nodes}, error_page=plain_error_page), method="POST")
    assert sum(len(site.asked) for site in sites) == 1


def test_get_with_a_body_is_not_repeated() -> None:
    world = World()
    world.sites["read-1"].error = world.sites["read-2"].error = ValueError("bug")
    with pytest.raises(ValueError, match="bug"):
        ask(world.balancer, CONTENT_LENGTH="5")
    assert world.asked("read-1") + world.asked("read-2") == 1


def test_second_try_sees_the_request_as_it_was() -> None:
    def spoil(environ: Any, start_response: Any) -> list[bytes]:
        environ["PATH_INFO"] = "/spoilt"
        raise ValueError("bug")

    whole = FakeSite()
    nodes = [Node("read-1", "read", spoil, 1), Node("read-2", "read", whole, 1)]
    balancer = Balancer({"read": nodes}, error_page=plain_error_page, policy="round_robin")
    assert ask(balancer, "/page").code == 200
    assert whole.asked[0]["PATH_INFO"] == "/page"


def test_node_taken_down_gets_nothing_and_nobody_notices() -> None:
    world = World()
    world.nodes["read-1"].take_down()
    assert {ask(world.balancer).body for _ in range(6)} == {b"read-2"}
    world.nodes["read-1"].bring_up()
    assert {ask(world.balancer).body for _ in range(6)} == {b"read-1", b"read-2"}


def test_all_nodes_down_is_a_503_at_once() -> None:
    world = World()
    world.nodes["read-1"].take_down()
    world.nodes["read-2"].take_down()
    answer = ask(world.balancer)
    assert answer.code == 503 and int(answer.header("Retry-After")) > 0
    assert ask(world.balancer, method="POST").code == 200


def test_full_write_service_does_not_hold_up_reads() -> None:
    world = World()
    world.fill("write-1")
    assert ask(world.balancer).code == 200


def test_request_without_a_slot_waits_for_one() -> None:
    world = World()
    world.fill("write-1")
    answers: list[bytes] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(world.balancer, method="POST").body))
    waiting.start()
    while not world.balancer.snapshot().services[1].waiting:
        assert waiting.is_alive()
    world.release("write-1")
    waiting.join(5)
    assert answers == [b"write-1"]
    assert world.balancer.snapshot().services[1].waiting == 0


def test_waiting_in_vain_is_a_503_that_says_when_to_come_again() -> None:
    world = World(wait_ms=1)
    world.fill("write-1")
    answer = ask(world.balancer, method="POST")
    assert answer.code == 503 and int(answer.header("Retry-After")) > 0
    assert world.asked("write-1") == 0
    assert world.balancer.snapshot().services[1].refused == 1


def test_no_more_than_the_limit_wait() -> None:
    world = World(waiting_limit=1, wait_ms=10_000)
    world.fill("write-1")
    first = threading.Thread(target=lambda: ask(world.balancer, method="POST"))
    first.start()
    while not world.balancer.snapshot().services[1].waiting:
        assert first.is_alive()
    assert ask(world.balancer, method="POST").code == 503
    world.release("write-1")
    first.join(5)
    assert world.asked("write-1") == 2  # the one released, and the one that waited


def test_waiting_ends_when_the_last_node_is_taken_down() -> None:
    world = World()
    world.fill("write-1")
    codes: list[int] = []
    waiting = threading.Thread(target=lambda: codes.append(ask(world.balancer, method="POST").code))
    waiting.start()
    while not world.balancer.snapshot().services[1].waiting:
        assert waiting.is_alive()
    world.nodes["write-1"].take_down()
    waiting.join(5)
    assert codes == [503]


def test_failing_node_is_left_alone_and_comes_back() -> None:
    world = World(policy="round_robin")
    world.sites["read-1"].error = ValueError("bug")
    for _ in range(8):
        ask(world.balancer)
    assert world.balancer.snapshot().services[0].ejected == ("read-1",)
    tried = world.asked("read-1")
    assert tried == 3
    world.sites["read-1"].error = None
    world.clock.advance(1.1)
    for _ in range(4):
        ask(world.balancer)
    assert world.asked("read-1") > tried
    assert not world.balancer.snapshot().services[0].ejected


def test_never_more_than_half_are_left_alone() -> None:
    world = World()
    for name in ("read-1", "read-2"):
        world.sites[name].status = "500 Broken"
    for _ in range(20):
        assert ask(world.balancer).code == 500
    assert world.asked("read-1") > 3 and world.asked("read-2") > 3


def test_503_of_an_application_says_nothing_about_its_node() -> None:
    world = World()
    world.sites["write-1"].status = "503 Busy"
    for _ in range(5):
        ask(world.balancer, method="POST")
    assert not world.balancer.snapshot().services[1].ejected


def test_policy_can_be_changed_while_running() -> None:
    world = World()
    world.balancer.policy = "sticky"
    assert len({ask(world.balancer).body for _ in range(6)}) == 1
    with pytest.raises(ValueError, match="least_busy"):
        world.balancer.policy = "alphabetical"
    assert world.balancer.snapshot().policy == "sticky"


def test_capacity_is_what_may_run_and_wait() -> None:
    assert World().balancer.capacity == 6 + 48
    assert World(waiting_limit=1).balancer.capacity == 6 + 2


def test_no_slot_is_lost_under_many_threads() -> None:
    world = World()
    world.sites["read-2"].error = ValueError("bug")
    codes: list[int] = []

    def visit() -> None:
        codes.extend(ask(world.balancer).code for _ in range(50))

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert codes == [200] * 200
    assert all(node.in_flight == 0 for node in world.nodes.values())


def test_a_thread_that_must_not_wait_takes_a_free_slot_and_queues_for_none() -> None:
    world = World()
    answer = impatiently(lambda: ask(world.balancer))
    assert isinstance(answer, Response) and answer.code == 200
    world.fill("read-1", "read-2")
    assert would_wait(lambda: ask(world.balancer))
    seen = world.balancer.snapshot().services[0]
    assert (seen.waiting, seen.refused, seen.ejected) == (0, 0, ())
