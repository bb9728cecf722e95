"""Many threads ask while nodes are added, drained, killed, restarted and resized, and services merged and separated."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from minisocial.balancer import FORMS, POLICIES, Balancer
from minisocial.nodes import Made, Pool
from tests.fakes import ask, plain_error_page

MOST_SLOTS = 3
PAUSES = (0.0, 0.0, 0.0, 0.0005, 0.002)


class Sites:
    """Makes applications that note who runs in them, and how many at a time; now and then one fails."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs: Counter[str] = Counter()  # by request
        self.failed: set[str] = set()  # requests that failed in an application
        self.overrun: list[int] = []
        self.gone: list[str] = []

    def make(self, name: str) -> Made:
        running, chance, pause = [0], random.Random(name), threading.Event()

        def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
            with self.lock:
                running[0] += 1
                self.runs[environ["PATH_INFO"]] += 1
                if running[0] > MOST_SLOTS:
                    self.overrun.append(running[0])
                is_failing = chance.random() < 0.02 and environ["PATH_INFO"] != "/probe"
                if is_failing:
                    self.failed.add(environ["PATH_INFO"])
            try:
                pause.wait(chance.choice(PAUSES))
                if is_failing:
                    raise ValueError("bug")
                start_response("200 OK", [])
                return [b"done"]
            finally:
                with self.lock:
                    running[0] -= 1

        return Made(app, lambda: self.gone.append(name))


class World:
    def __init__(self) -> None:
        self.sites = Sites()
        self.balancer = Balancer(
            {"read": (), "write": ()}, error_page=plain_error_page, wait_ms=20_000, spawn=lambda work: work()
        )
        self.pool = Pool(self.sites.make, self.balancer, slots={"read": 2, "write": 2}, probe_path="/probe")
        self.pool.fill(read=2, write=2)
        self.answers: dict[str, int] = {}  # status of each request

    def visit(self, who: int, requests: int) -> None:
        """A person who asks one thing after the other."""
        for number in range(requests):
            method = "POST" if number % 3 == 0 else "GET"
            path = f"/{method}/{who}/{number}"
            try:
                self.answers[path] = ask(self.balancer, path, method, REMOTE_ADDR=f"10.0.0.{who}").code
            except ValueError:
                self.answers[path] = 500

    def stir(self, chance: random.Random) -> None:
        """Changes something, and leaves at least two nodes of each service up, so that there is another one to ask."""
        node = chance.choice(self.pool.nodes)
        if sum(other.service == node.service and other.state == "up" for other in self.pool.nodes) < 3:
            self.pool.add(node.service)
        actions: list[Callable[[], object]] = [
            lambda: self.pool.drain(node.name),
            lambda: self.pool.remove(node.name),
            lambda: self.pool.restart(node.name),
            lambda: self.pool.kill(node.name),
            lambda: self.pool.kill(node.name),
            lambda: self.pool.resize(node.name, chance.randint(1, MOST_SLOTS)),
            lambda: setattr(self.balancer, "policy", chance.choice(list(POLICIES))),
            lambda: setattr(self.balancer, "form", chance.choice(FORMS)),
            self.balancer.step,
        ]
        chance.choice(actions)()


@pytest.mark.parametrize("seed", range(3))
def test_no_slot_is_overrun_or_lost_and_no_write_is_sent_twice(seed: int) -> None:
    world, chance = World(), random.Random(seed)
    visitors = [threading.Thread(target=world.visit, args=(who, 150)) for who in range(8)]
    for visitor in visitors:
        visitor.start()
    stirred = 0
    while any(visitor.is_alive() for visitor in visitors):
        if len(world.answers) >= 2 * stirred:  # the faster they ask, the more happens
            world.stir(chance)
            stirred += 1
    for visitor in visitors:
        visitor.join(30)

    runs, failed = world.sites.runs, world.sites.failed
    assert len(world.answers) == 8 * 150
    assert not world.sites.overrun
    for path, code in world.answers.items():
        if path.startswith("/POST"):
            assert runs[path] <= 1, f"{path} was sent {runs[path]} times"
            assert code in (200, 503) or path in failed, f"{path} was answered with {code}"
            assert runs[path] == 1 or code == 503, f"{path} was answered with {code} and never run"
    reads = [code for path, code in world.answers.items() if path.startswith("/GET")]
    unlucky = sum(code != 200 for code in reads)  # they met two faults, one right after the other
    assert unlucky <= len(reads) / 50, f"{unlucky} of {len(reads)} reads failed"

    for node in world.pool.nodes:
        assert node.in_flight == 0
        if node.state == "up":
            assert sum(node.reserve() for _ in range(10)) == node.slots
    assert not any(service.waiting for service in world.balancer.snapshot().services)
