"""Every switch and every node is changed under a running system, and nobody sees anything of it but the speed."""

import re
import threading
from collections.abc import Iterator

import pytest

from minisocial.cli.remote import perform
from minisocial.errors import Refused
from minisocial.system import System
from tests.client import Client
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import join, set_up, settle

PATHS = ("/", "/explore", "/@ada", "/notifications", "/friends", "/nowhere")
OTHERS = {  # switch → what it may be besides
    "page_cache": ["off"],
    "collapse": ["off"],
    "at_once": ["off"],
    "tracing": ["off"],
    "local_cache": ["off"],
    "global_cache": ["off"],
    "global_cache_form": ["node-loads"],
    "nearby": ["off"],
    "policy": ["round_robin", "random", "two_choices", "sticky"],
    "services": ["merged"],
    "read_slots": ["1", "9"],
    "write_slots": ["1", "9"],
    "wait_ms": ["5000"],
    "write_delay_ms": ["1"],
}
VARYING = re.compile(  # tokens, and what a number of requests is needed for
    r'value="[0-9a-f]{32}"|<code>[0-9a-f]{16}</code>|[0-9a-f]{16}'
)


def change(system: System, name: str, /, **args: str) -> str:
    """As the command line does, from outside."""
    return perform(system.settings, name, args, lambda line: None)


def pages(clients: list[Client]) -> list[tuple[int, str]]:
    """What each of these people sees, twice: the second time from whatever caches there are."""
    seen = []
    for _ in range(2):
        for client in clients:
            for path in PATHS:
                page = client.get(path).page
                seen.append((page.status, VARYING.sub("", page.body)))
    return seen


@pytest.fixture
def people(system: System) -> list[Client]:
    """Ada, who runs the place, Grace, her friend, and a visitor."""
    ada = set_up(system)
    grace = join(system, ada, "grace")
    grace.get("/@ada").submit("Add friend")
    ada.get("/").submit("Post", text="Good morning #sun")
    ada.get("/@grace").submit("Accept")
    settle(system)
    return [ada, grace, Client(system.url)]


def test_every_switch_is_tried_here(system: System) -> None:
    assert {switch.name for switch in system.switches.snapshot()} == OTHERS.keys()


def test_each_switch_costs_speed_and_nothing_else(system: System, people: list[Client]) -> None:
    before = pages(people)
    for name, value in ((name, value) for name, values in OTHERS.items() for value in values):
        start = next(switch.value for switch in system.switches.snapshot() if switch.name == name)
        change(system, "switch", name=name, value=value)
        assert pages(people) == before, f"{name} {value}"
        change(system, "switch", name=name, value=start)
        assert pages(people) == before, f"{name} back to {start}"


def test_everything_off_at_once_shows_the_same_pages_and_what_is_written_is_seen(
    system: System, people: list[Client]
) -> None:
    before = pages(people)
    for name, values in OTHERS.items():
        change(system, "switch", name=name, value=values[0])
    assert pages(people) == before
    ada, grace, _ = people
    ada.get("/").submit("Post", text="Written while all is off")
    settle(system)
    assert "Written while all is off" in grace.get("/").page.text
    for switch in system.switches.snapshot():
        change(system, "switch", name=switch.name, value=switch.at_start)
    assert "Written while all is off" in grace.get("/").page.text
    ada.get("/").submit("Post", text="Written while all is on again")
    settle(system)
    assert "Written while all is on again" in grace.get("/").page.text


def test_system_begun_with_a_setting_is_as_if_it_had_been_switched(start_system: StartSystem) -> None:
    system = start_system(policy="sticky", services="merged", read_slots=2, write_slots=3, write_delay_ms=1)
    told = {switch["name"]: switch for switch in Client(system.url).get("/console/status.json").page.json["switches"]}
    assert [told[name]["value"] for name in ("policy", "services", "read_slots", "write_slots", "write_delay_ms")] == [
        "sticky", "merged", "2", "3", "1",
    ]  # fmt: skip
    assert [node.slots for node in system.nodes] == [2, 2, 3]
    assert [service.name for service in system.balancer.snapshot().services] == ["all"]
    assert "sticky" in Client(system.url).get("/console").page.text


def test_nodes_come_and_go_in_the_status_and_take_their_caches_with_them(system: System, people: list[Client]) -> None:
    watcher = Client(system.url)

    def seen() -> tuple[list[str], list[str]]:
        status = watcher.get("/console/status.json").page.json
        return [f"{node['name']} {node['state']}" for node in status["nodes"]], sorted(
            cache["name"] for cache in status["caches"]["local"]
        )

    change(system, "nodes-add", service="write")
    assert seen()[0] == ["read-1 up", "read-2 up", "write-1 up", "write-2 up"]
    change(system, "nodes-kill", node="read-1")
    assert seen() == (
        ["read-1 killed", "read-2 up", "write-1 up", "write-2 up"],
        ["read-2", "worker", "write-1", "write-2"],
    )
    change(system, "nodes-restart", node="read-1")
    change(system, "nodes-remove", node="write-1")
    assert seen() == (["read-1 up", "read-2 up", "write-2 up"], ["read-1", "read-2", "worker", "write-2"])
    people[0].get("/").submit("Post", text="By a new node")
    settle(system)
    assert "By a new node" in people[1].get("/").page.text


def test_front_door_has_a_thread_for_each_request_that_may_run_or_wait(start_system: StartSystem) -> None:
    system = start_system(connections=600)
    assert system.front_door.threads < 600
    change(system, "nodes-slots", node="write-1", slots="60")
    assert system.balancer.capacity == 9 * 68 and system.front_door.threads == 600


def test_write_whose_node_is_killed_is_not_confirmed_and_the_next_one_is_done_by_the_new_node(
    system: System, people: list[Client]
) -> None:
    ada, grace, _ = people
    change(system, "switch", name="write_delay_ms", value="10000")
    ada.get("/")
    posting = threading.Thread(target=ada.submit, args=("Post",), kwargs={"text": "Is it there?"})
    posting.start()
    while not system.nodes[-1].in_flight:
        assert posting.is_alive()
    change(system, "nodes-kill", node="write-1")
    posting.join(5)  # at once, though it was to take ten seconds
    assert ada.page.status == 503 and "not confirmed" in ada.page.text
    assert grace.get("/").page.status == 200  # who only reads does not notice
    change(system, "switch", name="write_delay_ms", value="0")
    change(system, "nodes-restart", node="write-1")
    ada.get("/").submit("Post", text="Now it is.")
    settle(system)
    page = grace.get("/").page
    assert "Now it is." in page.text and "Is it there?" not in page.text


def test_where_nothing_runs_there_is_nothing_to_switch(start_system: StartSystem) -> None:
    system = start_system()
    system.stop()
    with pytest.raises(Refused, match="No minisocial runs on"):
        change(system, "switch", name="policy", value="random")


class Reader(threading.Thread):
    """Opens pages until it is told to stop, and notes every answer."""

    def __init__(self, client: Client, stop: threading.Event) -> None:
        super().__init__()
        self.client, self.stop, self.statuses = client, stop, list[int]()
        self.start()

    def run(self) -> None:
        while not self.stop.is_set():
            self.statuses.append(self.client.get("/").page.status)


class Writer(Reader):
    """Posts numbered texts."""

    def __init__(self, client: Client, stop: threading.Event) -> None:
        self.sent = list[str]()
        super().__init__(client, stop)

    def run(self) -> None:
        for number in range(10_000):
            if self.stop.is_set():
                return
            self.sent.append(f"number {number} of many")
            self.statuses.append(self.client.get("/").submit("Post", text=self.sent[-1]).answers[0].status)


def churn(system: System) -> Iterator[str]:
    """Everything that may happen to nodes without a write being lost."""
    for _ in range(2):
        yield "nodes-add read"
        yield "nodes-add write"
        yield "nodes-restart read-1"
        yield "nodes-kill read-2"
        yield "nodes-restart write-1"
        yield "nodes-slots read-1 1"
        yield "nodes-restart read-2"
        yield "switch policy random"
        yield f"nodes-drain {system.nodes[-1].name}"
        yield f"nodes-remove {system.nodes[-1].name}"
        yield "nodes-kill read-1"
        yield "switch services merged"
        yield "nodes-restart read-1"
        yield "switch services separate"
        yield "nodes-slots read-1 4"


def test_nobody_notices_when_nodes_are_added_drained_killed_and_restarted(system: System, people: list[Client]) -> None:
    """Reads are answered all the while; of the writes none is lost or made twice, since no writing node is killed."""
    names = {"nodes-slots": ("node", "slots"), "nodes-add": ("service",), "switch": ("name", "value")}
    ada, grace, visitor = people
    stop = threading.Event()
    crowd = [Reader(grace, stop), Reader(visitor, stop), Writer(ada, stop)]
    try:
        for step in churn(system):
            name, *values = step.split()
            seen = [len(person.statuses) for person in crowd]
            change(system, name, **dict(zip(names.get(name, ("node",)), values, strict=True)))
            for person, before in zip(crowd, seen, strict=True):
                while len(person.statuses) <= before:
                    assert person.is_alive(), f"after {step}"
                    stop.wait(0.001)
    finally:
        stop.set()
        for person in crowd:
            person.join(20)
    assert set(crowd[0].statuses) == set(crowd[1].statuses) == {200}
    assert isinstance(crowd[2], Writer) and set(crowd[2].statuses) == {303}
    settle(system)
    kept = [row[0] for shard in system.cluster.shards for row in posts(system, shard)]
    assert sorted(kept) == sorted([*crowd[2].sent, "Good morning #sun"])
    assert all(node.in_flight == 0 for node in system.nodes)


def posts(system: System, shard: str) -> list[tuple[str]]:
    with system.cluster.read(shard) as reader:
        return reader.rows("SELECT text FROM posts")
