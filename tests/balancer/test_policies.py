"""Each balancing policy, on nodes that only have a name and a load."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from minisocial.balancer import POLICIES
from minisocial.balancer.policies import Turn


@dataclass
class Loaded:
    name: str
    in_flight: int = 0


def turn(number: int = 0, client: str = "10.0.0.1") -> Turn:
    return Turn(number, client, random.Random(number))


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_chooses_the_only_node(name: str) -> None:
    only = Loaded("a")
    assert POLICIES[name]([only], turn(7)) is only


@pytest.mark.parametrize("name", ["least_busy", "round_robin"])
def test_idle_nodes_get_requests_in_turn(name: str) -> None:
    nodes = [Loaded("a"), Loaded("b"), Loaded("c")]
    chosen = [POLICIES[name](nodes, turn(number)).name for number in range(6)]
    assert chosen == ["a", "b", "c", "a", "b", "c"]


def test_least_busy_chooses_the_one_with_the_fewest_requests() -> None:
    nodes = [Loaded("a", 3), Loaded("b", 1), Loaded("c", 2)]
    assert {POLICIES["least_busy"](nodes, turn(number)).name for number in range(9)} == {"b"}


def test_two_choices_never_takes_the_busiest() -> None:
    nodes = [Loaded("a", 0), Loaded("b", 1), Loaded("c", 9)]
    chosen = Counter(POLICIES["two_choices"](nodes, turn(number)).name for number in range(200))
    assert chosen["a"] > chosen["b"] > 0 and not chosen["c"]


def test_random_uses_every_node() -> None:
    nodes = [Loaded("a", 9), Loaded("b")]
    assert {POLICIES["random"](nodes, turn(number)).name for number in range(50)} == {"a", "b"}


def test_sticky_moves_only_the_clients_of_a_node_that_left() -> None:
    nodes = [Loaded("a"), Loaded("b"), Loaded("c")]
    clients = [f"10.0.0.{number}" for number in range(60)]
    before = {client: POLICIES["sticky"](nodes, turn(3, client)).name for client in clients}
    after = {client: POLICIES["sticky"](nodes[:2], turn(9, client)).name for client in clients}
    assert set(before.values()) == {"a", "b", "c"}
    assert all(after[client] == node for client, node in before.items() if node != "c")
