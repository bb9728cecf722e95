"""A request node: slots, states, counts."""

import threading

import pytest

from minisocial import waiting
from minisocial.errors import NodeDown, NodeKilled, Overloaded
from minisocial.nodes import Node
from tests.fakes import FakeSite, ask
from tests.impatient import would_wait


def test_node_answers_with_its_application_and_counts_it() -> None:
    node = Node("read-1", "read", FakeSite(b"hello"), slots=2)
    assert ask(node).body == b"hello"
    seen = node.snapshot()
    assert (seen.served, seen.failed, seen.in_flight, seen.state) == (1, 0, 0, "up")


def test_server_error_counts_as_failed() -> None:
    node = Node("read-1", "read", FakeSite(status="500 Broken"), slots=1)
    assert ask(node).code == 500
    assert node.snapshot().failed == 1


def test_exception_goes_on_counts_as_failed_and_gives_the_slot_back() -> None:
    site = FakeSite()
    site.error = ValueError("bug")
    node = Node("read-1", "read", site, slots=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="bug"):
            ask(node)
    seen = node.snapshot()
    assert (seen.served, seen.failed, seen.in_flight) == (3, 3, 0)


def test_node_that_is_down_runs_nothing_until_it_is_up_again() -> None:
    site = FakeSite()
    node = Node("read-1", "read", site, slots=1)
    node.take_down()
    with pytest.raises(NodeDown):
        ask(node)
    assert not site.asked
    node.bring_up()
    assert ask(node).code == 200


def test_slots_are_never_overrun() -> None:
    node = Node("read-1", "read", FakeSite(), slots=2)
    assert node.reserve() and node.reserve()
    assert not node.is_free and not node.reserve()
    with pytest.raises(Overloaded):
        ask(node)
    assert node.snapshot().in_flight == 2


def test_draining_node_finishes_what_runs_and_is_down_then() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(environ: object, start_response: object) -> list[bytes]:
        entered.set()
        assert go_on.wait(5)
        return FakeSite(b"done")({}, start_response)

    node = Node("read-1", "read", slow, slots=2)
    answers: list[bytes] = []
    running = threading.Thread(target=lambda: answers.append(ask(node).body))
    running.start()
    assert entered.wait(5)
    node.drain()
    assert node.state == "draining" and not node.reserve()
    go_on.set()
    running.join(5)
    assert answers == [b"done"] and node.state == "down"


def test_idle_node_is_down_as_soon_as_it_is_drained() -> None:
    node = Node("read-1", "read", FakeSite(), slots=1)
    node.drain()
    assert node.state == "down"


def test_whoever_watches_is_told_of_a_free_slot_and_of_a_new_state() -> None:
    told: list[str] = []
    node = Node("read-1", "read", FakeSite(), slots=1)
    node.watch(lambda: told.append(node.state))
    ask(node)
    node.take_down()
    assert told == ["up", "down"]


def test_killed_node_gives_no_answer_any_more_and_cannot_be_brought_up() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(environ: object, start_response: object) -> list[bytes]:
        entered.set()
        assert go_on.wait(5)
        return FakeSite(b"late")({}, start_response)

    node = Node("read-1", "read", slow, slots=2)
    raised: list[Exception] = []

    def run() -> None:
        try:
            ask(node)
        except NodeKilled as error:
            raised.append(error)

    running = threading.Thread(target=run)
    running.start()
    assert entered.wait(5)
    node.kill()
    seen = node.snapshot()
    assert (seen.state, seen.in_flight, seen.served, seen.failed) == ("killed", 0, 1, 1)
    go_on.set()
    running.join(5)
    assert len(raised) == 1
    assert node.snapshot() == seen  # the late one is not counted again
    node.bring_up()
    node.drain()
    assert node.state == "killed" and not node.reserve()


def test_write_of_a_slow_node_ends_at_once_when_it_is_killed_and_is_not_run() -> None:
    site = FakeSite()
    node = Node("write-1", "write", site, slots=1)
    node.write_delay = 60
    assert ask(node).code == 200  # reads are not slow
    raised: list[Exception] = []

    def run() -> None:
        try:
            ask(node, method="POST")
        except NodeKilled as error:
            raised.append(error)

    running = threading.Thread(target=run)
    running.start()
    while not node.in_flight:
        assert running.is_alive()
    node.kill()
    running.join(5)
    assert len(raised) == 1 and len(site.asked) == 1


def test_slots_can_be_changed_while_requests_run() -> None:
    told: list[int] = []
    node = Node("read-1", "read", FakeSite(), slots=1)
    assert node.reserve() and not node.reserve()
    node.watch(lambda: told.append(node.slots))
    node.slots = 2
    assert told == [2] and node.reserve()
    node.slots = 1
    node.serve({"REQUEST_METHOD": "GET"})
    assert not node.reserve()  # the other one still runs
    node.serve({"REQUEST_METHOD": "GET"})
    assert node.reserve()


def test_retired_node_says_farewell_once_its_last_request_has_ended() -> None:
    said: list[str] = []
    node = Node("read-1", "read", FakeSite(), slots=2, farewell=lambda: said.append("bye"))
    node.drain()
    node.bring_up()
    assert node.reserve() and not said
    node.retire()
    assert not said and node.state == "draining"
    node.serve({"REQUEST_METHOD": "GET"})
    assert said == ["bye"] and node.state == "down"
    node.bring_up()
    node.kill()
    assert said == ["bye"] and node.state == "killed"


def test_killed_node_says_farewell_at_once() -> None:
    said: list[str] = []
    node = Node("read-1", "read", FakeSite(), slots=2, farewell=lambda: said.append("bye"))
    assert node.reserve()
    node.kill()
    assert said == ["bye"]


@pytest.mark.parametrize(
    ("status", "is_well"), [("200 OK", True), ("404 Not Found", True), ("503 Busy", True), ("500 Broken", False)]
)
def test_probe_asks_the_cheap_address_without_a_slot(status: str, is_well: bool) -> None:
    site = FakeSite(status=status)
    node = Node("read-1", "read", site, slots=1, probe_path="/cheap")
    assert node.reserve()
    assert node.probe() is is_well
    assert site.asked[0]["PATH_INFO"] == "/cheap" and node.snapshot().served == 0


def test_probe_of_an_application_that_raises_finds_it_broken() -> None:
    site = FakeSite()
    site.error = ValueError("bug")
    assert not Node("read-1", "read", site, slots=1).probe()


def test_a_request_that_would_wait_gives_its_slot_back_and_counts_for_nothing() -> None:
    def waits(environ: object, start_response: object) -> list[bytes]:
        waiting.ahead()
        return []

    node = Node("read-1", "read", waits, slots=1)
    assert would_wait(lambda: ask(node))
    seen = node.snapshot()
    assert (seen.served, seen.failed, seen.in_flight) == (0, 0, 0)
