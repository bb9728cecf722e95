"""When all connections are taken: who makes room, and that nobody loses a request by it."""

import socket
import threading
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.proxy.conftest import WAIT, Doors, connect
from tests.proxy.waiting import until

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Gate:
    """A site that has the front door's own thread wait, as none should, so that requests arrive meanwhile."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/gate":
            self.entered.set()
            assert self.go_on.wait(WAIT)
        start_response("200 OK", [])
        return [b"done"]


def is_answered(client: socket.socket) -> bool:
    return client.recv(65536).startswith(b"HTTP/1.1 200")


def connect_from(address: str, port: int) -> socket.socket:
    """A connection of another machine, as far as the door can tell."""
    try:
        return socket.create_connection(("127.0.0.1", port), WAIT, source_address=(address, 0))
    except OSError:
        pytest.skip("this machine has one loopback address only")


def test_connection_is_not_closed_for_others_when_a_request_has_just_arrived_on_it(doors: Doors) -> None:
    gate = Gate()
    door = doors.open(gate, at_once=True, connections=2, settling_seconds=0)
    with connect(door) as kept, connect(door) as busy:
        for client in (kept, busy):
            client.sendall(REQUEST)
            assert is_answered(client)
        busy.sendall(REQUEST.replace(b"/ ", b"/gate "))
        assert gate.entered.wait(WAIT)
        with connect(door) as new:
            kept.sendall(REQUEST)
            new.sendall(REQUEST)
            gate.go_on.set()
            assert is_answered(busy) and is_answered(kept) and is_answered(new)


def test_many_silent_connections_keep_nobody_out(doors: Doors) -> None:
    door = doors.open(connections=4, settling_seconds=0)
    with ExitStack() as opened:
        for _ in range(200):
            opened.enter_context(connect(door))
        with connect(door) as new:
            new.settimeout(WAIT)
            new.sendall(REQUEST)
            assert is_answered(new)


def test_idle_chatter_on_all_connections_keeps_nobody_out(doors: Doors) -> None:
    door = doors.open(connections=2, settling_seconds=0.3)
    with ExitStack() as opened:
        chatty = [opened.enter_context(connect(door)) for _ in range(2)]
        until(lambda: door.snapshot().connections == 2)
        new = opened.enter_context(connect(door))
        new.sendall(REQUEST)
        new.settimeout(0.05)

        def is_served() -> bool:
            for client in chatty:
                with suppress(OSError):  # it was closed
                    client.sendall(b"\r\n")  # what may stand before a request, and is none
            with suppress(TimeoutError):
                return is_answered(new)
            return False

        until(is_served)


def test_one_machine_with_half_requests_on_most_connections_keeps_nobody_out(doors: Doors) -> None:
    door = doors.open(connections=4, greedy_seconds=0, crowded_seconds=1000)
    with ExitStack() as opened:
        other = opened.enter_context(connect_from("127.0.0.2", door.port))
        other.sendall(REQUEST[:20])
        for _ in range(3):
            opened.enter_context(connect(door)).sendall(REQUEST[:20])
        with connect(door) as new:
            new.sendall(REQUEST)
            assert is_answered(new)
        other.sendall(REQUEST[20:])  # who has one connection has all the time there is
        assert is_answered(other)


def test_half_requests_of_many_machines_have_time_also_in_a_crowd(doors: Doors) -> None:
    door = doors.open(connections=2, greedy_seconds=0, crowded_seconds=1000)
    with ExitStack() as opened:
        slow = [opened.enter_context(connect_from(address, door.port)) for address in ("127.0.0.2", "127.0.0.3")]
        for client in slow:
            client.sendall(REQUEST[:20])
        new = opened.enter_context(connect(door))
        new.sendall(REQUEST)
        new.settimeout(1.2)  # longer than the door looks away
        with pytest.raises(TimeoutError):
            new.recv(1)
        for client in slow:
            client.sendall(REQUEST[20:])
            assert is_answered(client)


def test_connection_that_has_just_come_is_given_a_moment_to_say_what_it_wants(doors: Doors) -> None:
    door = doors.open(connections=1, settling_seconds=1000)
    with connect(door) as first, connect(door) as second:
        until(lambda: door.snapshot().connections == 1)
        second.sendall(REQUEST)
        second.settimeout(0.7)  # longer than the door looks away
        with pytest.raises(TimeoutError):
            second.recv(1)
        first.sendall(REQUEST)
        assert is_answered(first)


def test_answer_that_nobody_reads_makes_room_for_somebody_who_waits(doors: Doors) -> None:
    def huge(environ: Any, start_response: Any) -> list[bytes]:
        body = b"x" * (16 << 20 if environ["PATH_INFO"] == "/huge" else 1)
        start_response("200 OK", [])
        return [body]

    door = doors.open(huge, connections=1, crowded_seconds=0)
    with connect(door) as silent:
        silent.sendall(REQUEST.replace(b"/ ", b"/huge "))
        assert silent.recv(12) == b"HTTP/1.1 200"
        with connect(door) as new:
            new.sendall(REQUEST)
            assert is_answered(new)


def test_whole_request_is_answered_although_the_next_one_comes_slowly(doors: Doors) -> None:
    gate = Gate()
    door = doors.open(gate, request_seconds=0)
    with connect(door) as client:
        client.sendall(REQUEST.replace(b"/ ", b"/gate ") + b"GET / HT")
        assert gate.entered.wait(WAIT)
        client.settimeout(0.7)  # longer than the door looks away
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(WAIT)
        gate.go_on.set()
        assert is_answered(client)
