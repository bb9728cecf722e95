import pytest

from minisocial.benchmarks.client import Job, LoadGenerator, Result, percentile
from tests.benchmarks.fakes import ScriptedServer, answer

HELLO = "GET / HTTP/1.1\r\nHost: here\r\n\r\n"


def run(server: ScriptedServer, *connections: list[str], once: bool = True, seconds: float = 10) -> Result:
    return LoadGenerator(Job("127.0.0.1", server.port, seconds, connections, once)).run()


def test_each_request_is_sent_once_and_its_answer_counted() -> None:
    with ScriptedServer(answer()) as server:
        result = run(server, [f"GET /{n} HTTP/1.1\r\n\r\n" for n in range(5)], [HELLO, HELLO])
        assert sorted(server.requests) == sorted([*(f"GET /{n} HTTP/1.1\r\n\r\n" for n in range(5)), HELLO, HELLO])
        assert server.opened == 2
    assert (result.answers, result.statuses, result.broken) == (7, {"200": 7}, 0)
    assert 0 < result.p50_ms <= result.p95_ms <= result.p99_ms
    assert result.rate == pytest.approx(7 / result.seconds)


def test_without_once_it_goes_round_until_the_time_is_over() -> None:
    with ScriptedServer(answer()) as server:
        result = run(server, [HELLO], once=False, seconds=0.2)
    assert result.answers > 2
    assert result.seconds < 5


def test_a_long_answer_ends_where_its_length_says() -> None:
    with ScriptedServer(answer(body=b"\r\n\r\n" * 5000), answer(body=b"")) as server:
        assert run(server, [HELLO, HELLO, HELLO]).answers == 3


def test_a_chunked_answer_ends_with_its_last_chunk() -> None:
    chunks = b"5\r\nhello\r\n" * 2000 + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with ScriptedServer(head + chunks) as server:
        result = run(server, [HELLO, HELLO])
    assert (result.answers, result.broken) == (2, 0)


def test_refused_requests_do_not_count_for_the_rate() -> None:
    with ScriptedServer(answer("303 See Other"), answer("503 Service Unavailable")) as server:
        result = run(server, [HELLO] * 4)
    assert (result.answers, result.refused) == (4, 3)
    assert result.rate == pytest.approx(1 / result.seconds)


def test_after_an_answer_that_closes_it_comes_back() -> None:
    with ScriptedServer(answer("200 OK", b"bye", "Connection: close")) as server:
        result = run(server, [HELLO] * 3)
        assert server.opened >= 3
    assert (result.answers, result.broken) == (3, 0)


def test_a_lost_connection_is_counted_and_replaced() -> None:
    with ScriptedServer(answer(), None, answer()) as server:
        result = run(server, [HELLO] * 4)
    assert (result.answers, result.broken) == (3, 1)


def test_a_server_that_always_hangs_up_is_given_up() -> None:
    with ScriptedServer(None) as server:
        result = run(server, [HELLO], once=False)
    assert (result.answers, result.rate) == (0, 0.0)
    assert result.broken == 51


def test_percentiles_by_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7
    assert percentile([], 0.5) == 0
