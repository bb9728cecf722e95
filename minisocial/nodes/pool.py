"""The pool: all request nodes of a system, made, added, drained, killed, restarted and removed while it runs."""

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from minisocial.errors import Refused
from minisocial.nodes.node import Node, NodeSnapshot

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SERVICES = ("read", "write")
MOST_NODES = 64  # of a service
MOST_SLOTS = 256  # of a node


class Made(NamedTuple):
    """What a node is made of: a new application, and what is to be done when nothing needs it any more."""

    app: "WSGIApplication"
    farewell: Callable[[], object]


class Balance(Protocol):
    """What the pool needs of the load balancer."""

    def add(self, node: Node, is_warm: bool = False) -> None: ...
    def remove(self, node: Node) -> None: ...
    def replace(self, old: Node | None, new: Node, is_warm: bool = False) -> None: ...


class Pool:
    """Makes request nodes and tells the balancer of them.

    Promise: no request fails because a node is added, drained, restarted or removed, and the last node of
    a service that is up is neither drained nor removed. Nodes are disposable: a restarted one is a new
    one of the same name, with a new application and an empty local cache.

    When it fails: a killed node loses what it was working on. The balancer asks another one where that
    is safe.
    """

    def __init__(
        self,
        make: Callable[[str], Made],
        balance: Balance,
        *,
        slots: dict[str, int],
        write_delay_ms: int = 0,
        probe_path: str = "/",
        resized: Callable[[], object] = lambda: None,
    ) -> None:
        """`make(name)` makes what a node is made of; `slots`: of each node, by service.

        `resized` is called when all nodes together may hold more or fewer requests than before.
        """
        self._make = make
        self._balance = balance
        self._write_delay = write_delay_ms / 1000
        self._probe_path = probe_path
        self._changing = threading.Lock()  # held by whoever changes the pool, to the end; no request waits for it
        self._slots = dict(slots)
        self._made = dict.fromkeys(SERVICES, 0)
        self._resized = resized
        self.nodes: tuple[Node, ...] = ()  # replaced, never changed

    def fill(self, **numbers: int) -> None:
        """The first nodes: `fill(read=2, write=1)`."""
        for service, number in numbers.items():
            for _ in range(number):
                node = self._new(self._next_name(service), service, self._slots[service])
                self.nodes = (*self.nodes, node)
                self._balance.add(node, is_warm=True)
        self._resized()

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def snapshot(self) -> tuple[NodeSnapshot, ...]:
        return tuple(node.snapshot() for node in self.nodes)

    def find(self, name: str) -> Node:
        """The node of that name; refuses if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise Refused(f"There is no node {name[:40]!r}. There are: {', '.join(node.name for node in self.nodes)}.")

    def add(self, service: str) -> Node:
        """One more node of a service."""
        if service not in SERVICES:
            raise Refused(f"There is no service {service[:40]!r}; a node is for {' or '.join(SERVICES)}.")
        with self._changing:
            if sum(node.service == service for node in self.nodes) >= MOST_NODES:
                raise Refused(f"There are {MOST_NODES} {service} nodes, and no more than that are taken.")
            node = self._new(self._next_name(service), service, self._slots[service])
            self.nodes = tuple(sorted((*self.nodes, node), key=lambda each: each.service))  # stable: read ones first
            self._balance.add(node)
            self._resized()
        return node

    def drain(self, name: str) -> None:
        """The node takes no new requests; those that run end."""
        with self._changing:
            node = self.find(name)
            self._check_other(node, "drained")
            node.drain()

    def kill(self, name: str) -> None:
        """The node is gone in this moment, and with it what it was working on; until it is restarted or removed."""
        with self._changing:
            self.find(name).kill()

    def restart(self, name: str) -> Node:
        """A new node takes the place of that name; what runs on the old one ends there."""
        with self._changing:
            old = self.find(name)
            new = self._new(name, old.service, old.slots)
            self.nodes = tuple(new if node is old else node for node in self.nodes)
            self._balance.replace(old, new)
            old.retire()
        return new

    def remove(self, name: str) -> None:
        """The node takes no new requests and is gone from the list; what runs there ends."""
        with self._changing:
            node = self.find(name)
            self._check_other(node, "removed")
            self.nodes = tuple(other for other in self.nodes if other is not node)
            self._balance.remove(node)
            node.retire()
            self._resized()

    def resize(self, name: str, slots: int) -> None:
        """So many requests at once from now on, for this one node."""
        _check_slots(slots)
        with self._changing:
            self._resize((self.find(name),), slots)

    def slots(self, service: str) -> int:
        """How many slots each new node of a service gets."""
        return self._slots[service]

    def resize_all(self, service: str, slots: int) -> None:
        """So many requests at once for each node of a service, also those to come."""
        _check_slots(slots)
        with self._changing:
            self._slots[service] = slots
            self._resize((node for node in self.nodes if node.service == service), slots)

    @property
    def write_delay_ms(self) -> int:
        """How much longer each write takes: a fault to look at."""
        return round(self._write_delay * 1000)

    @write_delay_ms.setter
    def write_delay_ms(self, milliseconds: int) -> None:
        with self._changing:
            self._write_delay = milliseconds / 1000
            for node in self.nodes:
                node.write_delay = self._write_delay

    def _new(self, name: str, service: str, slots: int) -> Node:
        made = self._make(name)
        node = Node(name, service, made.app, slots, probe_path=self._probe_path, farewell=made.farewell)
        node.write_delay = self._write_delay
        return node

    def _next_name(self, service: str) -> str:
        """A name that was never used, so that nobody takes a node for another one."""
        self._made[service] += 1
        return f"{service}-{self._made[service]}"

    def _resize(self, nodes: Iterable[Node], slots: int) -> None:
        for node in nodes:
            node.slots = slots
        self._resized()

    def _check_other(self, node: Node, done: str) -> None:
        others = [other for other in self.nodes if other is not node and other.service == node.service]
        if node.state == "up" and not any(other.state == "up" for other in others):
            raise Refused(
                f"{node.name} is the last {node.service} node that is up, so it is not {done}. Add one first."
            )


def _check_slots(slots: int) -> None:
    if not 1 <= slots <= MOST_SLOTS:
        raise Refused(f"A node has from 1 to {MOST_SLOTS} slots.")
