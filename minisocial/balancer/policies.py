"""Balancing policies as a table: each chooses one of the nodes that have a free slot."""

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar


class Busy(Protocol):
    """What a policy may know of a node."""

    @property
    def name(self) -> str: ...
    @property
    def in_flight(self) -> int: ...


N = TypeVar("N", bound=Busy)
in_flight = attrgetter("in_flight")


class Turn(NamedTuple):  # and no dataclass: each request makes one
    """What a choice may depend on besides the nodes."""

    number: int  # grows by one with each request
    client: str  # the address of who asks
    random: random.Random


def round_robin(nodes: Sequence[N], turn: Turn) -> N:
    """Each in turn: fair where requests are alike."""
    return nodes[turn.number % len(nodes)]


def at_random(nodes: Sequence[N], turn: Turn) -> N:
    """Any: needs no memory, and is uneven by luck."""
    return turn.random.choice(nodes)


def least_busy(nodes: Sequence[N], turn: Turn) -> N:
    """The one with the fewest running requests; among equals, in turn, or the first would get all."""
    first = turn.number % len(nodes)
    return min([*nodes[first:], *nodes[:first]], key=in_flight)


def two_choices(nodes: Sequence[N], turn: Turn) -> N:
    """The less busy of two at random: nearly as good as the least busy of all (Mitzenmacher, 1996)."""
    pair = turn.random.sample(nodes, 2) if len(nodes) > 1 else nodes
    return min(pair, key=in_flight)


def sticky(nodes: Sequence[N], turn: Turn) -> N:
    """The same node for the same client, so that its local cache is warm (rendezvous hashing).

    A node that comes or goes moves only its own clients.
    """
    return max(nodes, key=lambda node: zlib.crc32(f"{turn.client} {node.name}".encode()))


Policy = Callable[[Sequence[Any], Turn], Any]  # one of the nodes it was given

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "least_busy": least_busy,
        "round_robin": round_robin,
        "random": at_random,
        "two_choices": two_choices,
        "sticky": sticky,
    }
)
