from minisocial.benchmarks.open_loop import Offer, OpenLoop
from tests.benchmarks.fakes import ScriptedServer

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
REQUEST = "GET /{} HTTP/1.1\r\nHost: x\r\n\r\n"


def offer(port: int, **changed: float) -> Offer:
    values = {"seconds": 0.3, "rate": 200.0, "connections": 8, **changed}
    return Offer("127.0.0.1", port, requests=[REQUEST], **values)  # type: ignore[arg-type]


def test_it_sends_at_its_own_rate_and_tells_good_from_refused() -> None:
    with ScriptedServer(GOOD, BUSY, GOOD, BUSY, GOOD) as server:
        outcome = OpenLoop(offer(server.port)).run()
    assert 0 < outcome.offered <= 61
    assert outcome.refused == 2
    assert outcome.good + outcome.refused + outcome.unsent >= outcome.offered - 8
    assert outcome.goodput == outcome.good / outcome.seconds


def test_every_request_has_a_number_of_its_own() -> None:
    with ScriptedServer(GOOD) as server:
        OpenLoop(offer(server.port)).run()
    paths = [request.split()[1] for request in server.requests]
    assert len(paths) == len(set(paths)) > 10


def test_what_finds_no_connection_is_not_sent_and_counted() -> None:
    with ScriptedServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as server:  # it never ends
        outcome = OpenLoop(offer(server.port, connections=2)).run()
    assert outcome.good == 0
    assert outcome.unsent == outcome.offered - 2


def test_server_that_hangs_up_is_counted_and_connected_to_anew() -> None:
    with ScriptedServer(None, GOOD) as server:
        outcome = OpenLoop(offer(server.port, connections=1)).run()
    assert (outcome.broken, server.opened) == (1, 2)
    assert outcome.good > 10


def test_what_comes_while_it_is_warming_up_does_not_count() -> None:
    with ScriptedServer(GOOD) as server:
        outcome = OpenLoop(offer(server.port, warm_seconds=0.25)).run()
    assert outcome.good < outcome.offered
