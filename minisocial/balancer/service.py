"""A service: some nodes that do the same, and a short queue in front of their slots."""

import itertools
import random
import threading
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from minisocial import waiting
from minisocial.balancer.health import Health
from minisocial.balancer.policies import POLICIES, Turn
from minisocial.clock import Clock
from minisocial.errors import NodeDown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Target(Protocol):
    """What the balancer needs of a request node."""

    name: str
    slots: int

    @property
    def state(self) -> str: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def is_free(self) -> bool: ...
    def watch(self, listener: "Callable[[], None]") -> None: ...
    def reserve(self) -> bool: ...
    def serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class ServiceSnapshot:
    """One service: who waits for a slot now, and which nodes are left alone for failing."""

    name: str
    nodes: tuple[str, ...]
    ejected: tuple[str, ...]
    waiting: int
    refused: int


class Service:
    """Hands out slots of its nodes; waits a bounded time, with a bounded number of others."""

    def __init__(self, name: str, nodes: Sequence[Target], waiting_limit: int, clock: Clock) -> None:
        self.name = name
        self.nodes = tuple(nodes)
        self.waiting_limit = waiting_limit
        self.health = {node.name: Health(clock) for node in nodes}
        self._clock = clock
        self._turns = itertools.count()
        self._random = random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._changed = threading.Condition()  # guards the three below; notified when a slot may be free
        self._waiting = 0
        self._choosy = 0  # of those waiting, who tried a node already and want another one
        self._refused = 0
        for node in nodes:
            node.watch(self._wake)

    def take(self, policy: str, client: str, wait: float, without: Container[str] = ()) -> Target:
        """A node with a slot reserved on it; raises `NodeDown` or, after `wait` seconds, `Overloaded`."""
        return self._try(policy, client, without) or self._wait_for_slot(policy, client, wait, without)

    def snapshot(self) -> ServiceSnapshot:
        ejected = tuple(name for name, health in self.health.items() if health.is_ejected)
        names = tuple(node.name for node in self.nodes)
        return ServiceSnapshot(self.name, names, ejected, self._waiting, self._refused)

    def _try(self, policy: str, client: str, without: Container[str]) -> Target | None:
        free = [node for node in self._trusted(without) if node.is_free]
        turn = Turn(next(self._turns), client, self._random)
        while free:
            node: Target = POLICIES[policy](free, turn)
            if node.reserve():
                return node
            free = [other for other in free if other is not node]  # somebody was quicker
        return None

    def _trusted(self, without: Container[str]) -> list[Target]:
        """Nodes that are up and healthy; all that are up, rather than less than half of them."""
        up = [node for node in self.nodes if node.state == "up" and node.name not in without]
        if not up:
            raise NodeDown("The part of the site that answers this is down for a moment. Please try again.")
        healthy = [node for node in up if not self.health[node.name].is_ejected]
        return healthy if 2 * len(healthy) >= len(up) else up

    def _wait_for_slot(self, policy: str, client: str, wait: float, without: Container[str]) -> Target:
        waiting.ahead()
        deadline = self._clock.monotonic() + wait
        with self._changed:
            if self._waiting >= self.waiting_limit:
                raise self._overloaded()
            self._waiting += 1
            self._choosy += bool(without)
            try:
                while True:
                    node = self._try(policy, client, without)
                    if node:
                        return node
                    if not self._changed.wait(deadline - self._clock.monotonic()):
                        raise self._overloaded()
            finally:
                self._waiting -= 1
                self._choosy -= bool(without)

    def _overloaded(self) -> Overloaded:
        self._refused += 1
        return Overloaded("Very many people are here right now. Nothing was changed. Please try again in a moment.")

    def _wake(self) -> None:
        """One slot is free, so one may go on; one more for each who might not want this node."""
        if self._waiting:
            with self._changed:
                self._changed.notify(1 + self._choosy)
