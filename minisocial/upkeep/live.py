"""Switches and request nodes of a running system, changed and told in sentences."""

from collections.abc import Sequence
from typing import Protocol

from minisocial.errors import Refused
from minisocial.upkeep.switches import Switches, SwitchSnapshot
from minisocial.upkeep.table import table


class Node(Protocol):
    """As much of a request node, or of its snapshot, as is told."""

    @property
    def name(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def slots(self) -> int: ...
    @property
    def in_flight(self) -> int: ...


class Served(Node, Protocol):
    """... and what it has done."""

    @property
    def served(self) -> int: ...
    @property
    def failed(self) -> int: ...


class Nodes(Protocol):
    """What can be done to request nodes."""

    def snapshot(self) -> Sequence[Served]: ...
    def add(self, service: str) -> Node: ...
    def drain(self, name: str) -> None: ...
    def kill(self, name: str) -> None: ...
    def restart(self, name: str) -> Node: ...
    def remove(self, name: str) -> None: ...
    def resize(self, name: str, slots: int) -> None: ...


def switch(switches: Switches, name: str, value: str) -> str:
    """Changes a switch and says what it is now; all of them, without a name."""
    if not name:
        return "\n".join(table([("switch", "is", "may be", "what it is"), *map(_row, switches.snapshot())]))
    if not value:
        raise Refused(f"To what should {name[:40]} be switched? It can be seen without a name: switch.")
    now = switches.change(name, value)
    return f"{now.name} is {now.value} now, until the system stops; it starts with {now.at_start}."


def listing(nodes: Nodes) -> str:
    """Every request node as a table."""
    rows = [
        (node.name, node.state, str(node.slots), str(node.in_flight), str(node.served), str(node.failed))
        for node in nodes.snapshot()
    ]
    return "\n".join(table([("node", "state", "slots", "running", "served", "failed"), *rows]))


def resize(nodes: Nodes, name: str, slots: str) -> str:
    """Changes how many requests a node works on at a time."""
    if not (slots.isdecimal() and len(slots) < 6):
        raise Refused(f"{slots[:20]} is no number of slots.")
    nodes.resize(name, int(slots))
    return f"{name} works on up to {int(slots)} requests at a time now."


def _row(switch: SwitchSnapshot) -> tuple[str, ...]:
    return switch.name, switch.value, switch.allowed, switch.about
