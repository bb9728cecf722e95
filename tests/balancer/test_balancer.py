"""The load balancer: services, retries, bounded waiting, ejection."""

import threading
from typing import Any

import pytest

from minisocial import waiting
from minisocial.balancer import Balancer
from minisocial.balancer.health import PROBE_EVERY, SLOW_START
from minisocial.balancer.probes import PATIENCE
from minisocial.balancer.service import ABSURD
from minisocial.nodes import Node
from minisocial.wsgi import Response
from tests.balancer.world import Asking, Held, World, until
from tests.fakes import FakeSite, ManualClock, ask, plain_error_page
from tests.impatient import impatiently, would_wait


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
    world.clock.advance(1.1)
    world.balancer.step()  # it is probed, and is not well yet
    assert world.balancer.snapshot().services[0].ejected == ("read-1",)
    world.sites["read-1"].error = None
    world.clock.advance(2.1)
    world.balancer.step()
    assert not world.balancer.snapshot().services[0].ejected
    probed = world.asked("read-1")
    for _ in range(40):
        ask(world.balancer)
    few = world.asked("read-1") - probed
    world.clock.advance(SLOW_START)
    world.balancer.step()
    assert not world.balancer.snapshot().services[0].recovering
    before = world.asked("read-1")
    for _ in range(40):
        ask(world.balancer)
    assert few < world.asked("read-1") - before == 20


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


# answers that are failures


def test_safe_request_that_got_a_500_is_tried_once_more_on_another_node() -> None:
    world = World()
    world.sites["read-1"].status = "500 Broken"
    assert {ask(world.balancer).code for _ in range(6)} == {200}
    assert world.balancer.snapshot().retried > 0


def test_write_that_got_a_500_is_not_repeated() -> None:
    sites = [FakeSite(status="500 Broken"), FakeSite(status="500 Broken")]
    nodes = [Node(f"write-{number}", "write", site, 1) for number, site in enumerate(sites)]
    assert ask(Balancer({"write": nodes}, error_page=plain_error_page), method="POST").code == 500
    assert sum(len(site.asked) for site in sites) == 1


# waiting


def test_nobody_overtakes_those_who_wait() -> None:
    order: list[str] = []

    def site(environ: Any, start_response: Any) -> list[bytes]:
        order.append(environ.get("PATH_INFO", "first"))
        start_response("200 OK", [])
        return [b""]

    node = Node("read-1", "read", site, 1)
    balancer = Balancer({"read": [node]}, error_page=plain_error_page)
    assert node.reserve()
    asking = []
    for number in range(5):
        asking.append(Asking(balancer, path=f"/{number}"))
        until(lambda number=number: balancer.snapshot().services[0].waiting == number + 1)
    node.serve({})
    for each in asking:
        each.ended()
    assert order == ["first", "/0", "/1", "/2", "/3", "/4"]


def test_slow_requests_of_before_refuse_nobody_when_a_queue_forms_anew() -> None:
    world = World(wait_ms=5000)
    for _ in range(9):
        world.clock.advance(100)  # people came rarely
        ask(world.balancer, method="POST")
    world.fill("write-1")
    waiting = [Asking(world.balancer, method="POST") for _ in range(5)]
    until(lambda: world.balancer.snapshot().services[1].waiting == 5)
    world.release("write-1")
    assert [each.ended().code for each in waiting] == [200] * 5


# requests and probes that take too long


def test_request_that_takes_absurdly_long_counts_against_its_node_while_it_runs() -> None:
    world = World(spawn=lambda probe: None)
    held = Held()
    slow = Node("read-3", "read", held, 3)
    world.balancer.replace(world.nodes["read-1"], slow, is_warm=True)
    world.nodes["read-2"].take_down()
    asking = [Asking(world.balancer) for _ in range(3)]
    until(lambda: held.runs == 3)
    world.nodes["read-2"].bring_up()
    world.clock.advance(ABSURD - 0.1)
    world.balancer.step()
    assert not world.balancer.snapshot().services[0].ejected
    world.clock.advance(0.2)
    world.balancer.step()
    assert world.balancer.snapshot().services[0].ejected == ("read-3",)
    assert world.balancer.snapshot().services[0].overdue == 3
    assert {ask(world.balancer).body for _ in range(4)} == {b"read-2"}
    held.go_on.set()
    assert {each.ended().body for each in asking} == {b"late"}
    assert world.balancer.snapshot().services[0].overdue == 3  # each once


def test_node_that_nobody_asks_is_probed_and_ejected_when_it_is_broken() -> None:
    world = World()
    world.sites["read-2"].status = "500 Broken"
    world.sites["write-1"].status = "503 Busy"
    for _ in range(3):
        world.clock.advance(PROBE_EVERY)
        world.balancer.step()
    assert [service.ejected for service in world.balancer.snapshot().services] == [("read-2",), ()]


def test_probe_that_hangs_is_a_failed_one_and_holds_up_no_other() -> None:
    held = Held()
    works: list[threading.Thread] = []

    def spawn(work: Any) -> None:
        works.append(threading.Thread(target=work))
        works[-1].start()

    clock = ManualClock()
    nodes = [Node("read-1", "read", held, 2), Node("read-2", "read", FakeSite(), 2)]
    balancer = Balancer({"read": nodes}, error_page=plain_error_page, clock=clock, spawn=spawn)
    for _ in range(4):
        clock.advance(max(PROBE_EVERY, PATIENCE))
        balancer.step()
    assert balancer.snapshot().services[0].ejected == ("read-1",)
    assert held.runs == 1
    held.go_on.set()
    for work in works:
        work.join(5)


# threads that must not wait


def test_a_thread_that_must_not_wait_takes_a_free_slot_and_queues_for_none() -> None:
    world = World()
    answer = impatiently(lambda: ask(world.balancer))
    assert isinstance(answer, Response) and answer.code == 200
    world.fill("read-1", "read-2")
    assert would_wait(lambda: ask(world.balancer))
    seen = world.balancer.snapshot().services[0]
    assert (seen.waiting, seen.refused, seen.ejected) == (0, 0, ())


def test_a_thread_that_must_not_wait_refuses_who_would_wait_in_vain() -> None:
    world = World(waiting_limit=0)
    world.fill("read-1", "read-2")
    answer = impatiently(lambda: ask(world.balancer))
    assert isinstance(answer, Response) and answer.code == 503


def test_a_request_that_would_wait_in_its_node_says_nothing_of_the_node() -> None:
    def waits(environ: Any, start_response: Any) -> list[bytes]:
        waiting.ahead()
        return []

    node = Node("read-1", "read", waits, 1)
    balancer = Balancer({"read": [node]}, error_page=plain_error_page)
    for _ in range(5):
        assert would_wait(lambda: ask(balancer))
    seen = balancer.snapshot()
    assert (seen.services[0].ejected, seen.retried) == ((), 0)
    assert node.in_flight == 0
