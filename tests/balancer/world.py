"""A balancer to play with: nodes whose sites do as told, requests in threads of their own."""

import threading
from typing import Any

from minisocial.balancer import Balancer
from minisocial.nodes import Node
from tests.fakes import FakeSite, ManualClock, ask, plain_error_page


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
        options = {"wait_ms": 10_000, "clock": self.clock, "spawn": lambda work: work(), **more}
        self.balancer = Balancer(services, error_page=plain_error_page, **options)

    def asked(self, name: str) -> int:
        return len(self.sites[name].asked)

    def fill(self, *names: str) -> None:
        for name in names:
            while self.nodes[name].reserve():
                pass

    def release(self, name: str) -> None:
        """One request of a full node ends."""
        self.nodes[name].serve({})


class Held:
    """A site whose requests run until they are let go."""

    def __init__(self, body: bytes = b"late") -> None:
        self.body = body
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.runs = 0

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        self.runs += 1
        self.entered.set()
        assert self.go_on.wait(10)
        start_response("200 OK", [])
        return [self.body]


class Asking(threading.Thread):
    """One request in a thread of its own."""

    def __init__(self, balancer: Balancer, **how: Any) -> None:
        super().__init__()
        self.balancer, self.how = balancer, how
        self.start()

    def run(self) -> None:
        self.answer = ask(self.balancer, **self.how)

    def ended(self) -> Any:
        self.join(10)
        return self.answer


def until(reached: Any) -> None:
    for _ in range(100_000):
        if reached():
            return
        threading.Event().wait(0.0005)
    raise AssertionError("it never came to that")
