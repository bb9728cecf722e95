"""A crowd at one page: two hundred real connections, and one render for all of them."""

import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minisocial.proxy.collapse import PATIENCE
from tests.client import Client
from tests.proxy.waiting import until
from tests.scenarios.visitors import Visited, connect, open_house, read

MANY = 199  # all connections the front door takes, but one
ASK = b"GET /explore HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Visited, Client]]:
    with open_house(tmp_path) as opened:
        yield opened


def gather(system: Visited, header: bytes = b"") -> list[socket.socket]:
    """A crowd of whom the first is held at the node, and all others wait for it."""
    system.gate.path = "/explore"
    clients = [connect(system) for _ in range(MANY)]
    for client in clients:
        client.sendall(ASK % header)
    assert system.gate.entered.wait(20)
    until(lambda: system.proxy.collapse.waiting == MANY - 1)
    return clients


def cookies(client: Client) -> bytes:
    return f"Cookie: {'; '.join(f'{name}={value}' for name, value in client.cookies.items())}\r\n".encode()


def answers(clients: list[socket.socket]) -> list[tuple[bytes, bytes]]:
    """The status line and the body each has got."""
    got = []
    for client in clients:
        head, _, body = read(client).partition(b"\r\n\r\n")
        got.append((head.partition(b"\r\n")[0], body))
        client.close()
    return got


@pytest.mark.parametrize("is_member", [False, True])
def test_two_hundred_connections_at_once_are_one_render_and_hold_up_nobody(
    house: tuple[Visited, Client], is_member: bool
) -> None:
    system, ada = house
    crowd = gather(system, cookies(ada.get("/explore")) if is_member else b"")
    assert Client(system.url).get("/login").page.status == 200  # somebody else, who needs a node too
    system.gate.go_on.set()
    got = answers(crowd)
    assert system.gate.asked == 1
    assert len(set(got)) == 1 and b"200 OK" in got[0][0] and b"Hello strangers" in got[0][1]


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_leader_that_fails_or_is_killed_releases_everybody_and_costs_one_more_render(
    house: tuple[Visited, Client], error: Any
) -> None:
    system, _ = house
    system.gate.error = error
    system.gate.failures = 2 if error is ValueError else 1  # what a node raises, the balancer tries on the other one
    renders = system.gate.failures + 1
    crowd = gather(system)
    system.gate.go_on.set()
    got = answers(crowd)
    assert Counter(line for line, _ in got) == {b"HTTP/1.1 200 OK": MANY - 1, b"HTTP/1.1 500 Internal Server Error": 1}
    assert system.gate.asked == renders


def test_page_that_cannot_be_made_costs_two_renders_and_others_are_served(house: tuple[Visited, Client]) -> None:
    system, _ = house
    system.gate.failures = 1000
    crowd = gather(system)
    system.gate.go_on.set()
    got = answers(crowd)
    assert Counter(line.split()[1] for line, _ in got) == {b"503": MANY - 2, b"500": 2}
    assert system.gate.asked == 4  # each on two nodes
    assert Client(system.url).get("/login").page.status == 200


def test_nobody_waits_for_ever_for_a_leader_that_hangs(house: tuple[Visited, Client]) -> None:
    system, _ = house
    crowd = gather(system)
    system.moved.ahead += PATIENCE  # the first waits on, for nothing; whoever comes now waits no more
    late = connect(system)
    late.sendall(ASK % b"")
    assert b"Hello strangers" in read(late)
    late.close()
    system.gate.go_on.set()
    assert {line for line, _ in answers(crowd)} == {b"HTTP/1.1 200 OK"}
    assert system.gate.asked == 2
