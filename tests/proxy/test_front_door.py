"""The front door, over real sockets: limits, strictness, identities, a graceful stop."""

import http.client
import logging
import socket
import threading
from typing import Any

import pytest

from minisocial.errors import Overloaded, Unavailable
from minisocial.proxy import FrontDoor
from minisocial.trace import request_id
from tests.fakes import FakeSite, ask
from tests.proxy.conftest import LIMIT, WAIT, Doors, connect, fetch, raw
from tests.proxy.waiting import until

# what each answer carries


def test_every_answer_has_an_id_and_the_boxes_it_crossed(doors: Doors) -> None:
    answer = fetch(doors.open())
    assert answer.text == "hello" and answer.headers["Server-Timing"].startswith("total;dur=")
    assert len(answer.headers["X-Request-Id"]) == 16
    assert "waitress" not in str(answer.headers).lower() and not answer.headers["Server"]


def test_id_is_the_one_boxes_and_the_trace_know(doors: Doors) -> None:
    seen: list[str] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.extend([environ["minisocial.request_id"], request_id()])
        return doors.site(environ, start_response)

    answer = ask(doors.make(app), "/page")
    assert set(seen) == {answer.header("X-Request-Id")}
    (trace,) = doors.tracer.find(seen[0])
    assert (trace.name, trace.status) == ("GET /page", "200") and trace.ms > 0


def test_id_is_taken_over_from_the_trusted_proxy_only(doors: Doors) -> None:
    given = "abc-DEF_12345678"
    assert ask(doors.make(), x_request_id=given).header("X-Request-Id") != given
    trusting = doors.make(trusted_proxy="127.0.0.1")
    assert ask(trusting, x_request_id=given).header("X-Request-Id") == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space in it", "line\r\nbreak-line", "ümlautümlaut"])
def test_odd_id_is_replaced_even_from_the_trusted_proxy(doors: Doors, given: str) -> None:
    answer = ask(doors.make(trusted_proxy="127.0.0.1"), x_request_id=given)
    assert answer.header("X-Request-Id") != given


def test_head_has_the_headers_of_get_and_no_body(doors: Doors) -> None:
    door = doors.open()
    answer = fetch(door, method="HEAD")
    assert answer.text == "" and answer.headers["Content-Length"] == "5"
    assert ask(door, method="HEAD").body == b""


def test_connection_is_kept_after_200_304_and_an_empty_answer(doors: Doors) -> None:
    door = doors.open()
    client = http.client.HTTPConnection("127.0.0.1", door.port, timeout=WAIT)
    client.connect()
    first = client.sock
    for status in ("200 OK", "304 Not Modified", "204 No Content", "200 OK"):
        doors.site.status, doors.site.body = status, b"hello" if status == "200 OK" else b""
        client.request("GET", "/")
        client.getresponse().read()
        assert client.sock is first
    client.close()


def test_http_1_0_is_closed_unless_it_asks_to_be_kept(doors: Doors) -> None:
    door = doors.open()
    assert b"\r\nConnection: close\r\n" in raw(door, b"GET / HTTP/1.0\r\n\r\n")
    twice = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2
    assert raw(door, twice).count(b"\r\n\r\nhello") == 2


def test_access_log_has_path_status_and_id_but_no_secret(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "minisocial.access"):
        answer = ask(doors.make(), "/page", query="code=s3cret")
        ask(doors.make(), "/join/s3cret")
        ask(doors.make(), "/a\nb")
        ask(doors.make(), "/invites/s3cret/revoke")
        ask(doors.make(), "/" + "a" * 30_000)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("GET /page 200 ") and lines[0].endswith(answer.header("X-Request-Id"))
    assert "s3cret" not in str(lines) and lines[1].startswith("GET /join/… 200 ")
    assert "\n" not in lines[2]
    assert len(lines[4]) < 300
    assert not any("s3cret" in trace.name for trace in doors.tracer.recent())


# when the application fails


def test_exception_is_logged_with_the_id_and_never_shown(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    doors.site.error = ValueError("secret detail")
    door = doors.open()
    answer = fetch(door)
    assert answer.status == 500 and "secret" not in answer.text and "Traceback" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text and "secret detail" in caplog.text
    assert door.snapshot().failed == 1


def test_client_of_a_thread_that_is_killed_has_an_answer(doors: Doors) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise SystemExit

    assert fetch(doors.open(app)).status == 500


def test_error_with_a_status_keeps_its_sentence(doors: Doors) -> None:
    doors.site.error = Overloaded("Very busy.")
    answer = ask(doors.make())
    assert (answer.code, answer.body, answer.header("Retry-After")) == (503, b"Very busy.", "2")


# limits


def test_body_up_to_the_limit_reaches_the_application(doors: Doors) -> None:
    sizes: list[int] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        sizes.append(len(environ["wsgi.input"].read()))
        return doors.site(environ, start_response)

    door = doors.open(app)
    assert fetch(door, method="POST", body=b"x" * LIMIT).status == 200
    assert fetch(door, method="POST", body=iter([b"x" * 1000] * 4)).status == 200  # chunked
    assert sizes == [LIMIT, 4000]


@pytest.mark.parametrize("size", [LIMIT + 1, 3_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_larger_body_gets_a_page_that_says_so(doors: Doors, size: int, is_chunked: bool) -> None:
    pieces = iter([b"x" * 50_000] * (size // 50_000) + [b"x" * (size % 50_000 or 1)])
    answer = fetch(doors.open(), method="POST", body=pieces if is_chunked else b"x" * size)
    assert answer.status == 413 and "too large" in answer.text and answer.headers["X-Request-Id"]
    assert not doors.site.asked


@pytest.mark.parametrize("size", [LIMIT + 1, 99_999_999_999])
def test_whoever_asks_before_sending_too_much_is_told_at_once(doors: Doors, size: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % size
    with connect(doors.open()) as client:
        client.sendall(head)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ") and b"100 Continue" not in answer


def test_absurd_length_is_refused_without_reading(doors: Doors) -> None:
    answer = raw(doors.open(), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ") and b"generated by" not in answer


def test_headers_have_a_limit(doors: Doors) -> None:
    answer = raw(doors.open(), b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"x" * 40_000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 431 ")


def test_as_many_connections_as_configured_can_be_used(doors: Doors) -> None:
    door = doors.open(connections=20)
    clients = [connect(door) for _ in range(21)]
    try:
        for client in clients[:20]:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert door.snapshot().connections == 20
        clients[20].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        clients[0].close()  # makes room
        assert clients[20].recv(65536).startswith(b"HTTP/1.1 200")
    finally:
        for client in clients:
            client.close()


def test_threads_follow_what_the_boxes_behind_can_hold_but_are_no_more_than_connections(doors: Doors) -> None:
    go_on, running = threading.Event(), threading.Semaphore(0)

    def slow(environ: Any, start_response: Any) -> list[bytes]:
        running.release()
        assert go_on.wait(WAIT)
        start_response("200 OK", [])
        return [b"done"]

    door = doors.open(slow, threads=1, connections=8)
    askers = [threading.Thread(target=fetch, args=(door,)) for _ in range(3)]
    for asker in askers:
        asker.start()
    assert running.acquire(timeout=WAIT)
    assert not running.acquire(timeout=0.05)  # one thread, one request
    door.resize(3)
    assert running.acquire(timeout=WAIT) and running.acquire(timeout=WAIT)
    go_on.set()
    for asker in askers:
        asker.join(WAIT)
    door.resize(1)
    assert fetch(door).text == "done"
    door.resize(1000)
    assert door.threads == 8


def test_there_are_as_many_threads_as_were_needed_at_one_moment(doors: Doors) -> None:
    """Each that was ever used keeps memory, so an idle door has none, and requests one after the other have one."""
    together = threading.Barrier(3)

    def app(environ: Any, start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/together":
            together.wait(WAIT)
        start_response("200 OK", [])
        return [b"done"]

    door = doors.open(app, threads=100, connections=100)

    def threads() -> int:
        return sum(thread.name.startswith("waitress") and thread not in before for thread in threading.enumerate())

    before = [thread for thread in threading.enumerate() if thread.name.startswith("waitress")]
    dispatcher = door._listener._server.task_dispatcher
    for _ in range(5):
        assert fetch(door).text == "done"
        until(lambda: dispatcher.active_count == 0)  # an answer is there before its thread has come to rest
    assert threads() == 1
    askers = [threading.Thread(target=fetch, args=(door, "/together")) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(WAIT)
    assert threads() in (3, 4, 5)


def test_longest_idle_connection_makes_room_for_somebody_who_waits(doors: Doors) -> None:
    door = doors.open(connections=2)
    idle, busy, new = connect(door), connect(door), connect(door)
    with idle, busy, new:
        busy.sendall(b"GET / HTTP/1.1\r\nHo")
        new.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert new.recv(65536).startswith(b"HTTP/1.1 200")
        assert idle.recv(1) == b""
        busy.sendall(b"st: x\r\n\r\n")
        assert busy.recv(65536).startswith(b"HTTP/1.1 200")


def test_request_that_trickles_in_for_too_long_is_cut_off(doors: Doors) -> None:
    with connect(doors.open(request_seconds=0)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert client.recv(1) == b""


def test_slow_requests_make_room_for_somebody_who_waits(doors: Doors) -> None:
    door = doors.open(connections=2, crowded_seconds=0)
    slow, slower = connect(door), connect(door)
    with slow, slower:
        for client in (slow, slower):
            client.sendall(b"GET / HTTP/1.1\r\nHo")
        assert fetch(door).status == 200


def test_slow_requests_that_are_in_nobodys_way_have_time(doors: Doors) -> None:
    door = doors.open(connections=3, crowded_seconds=0)
    with connect(door) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHo")
        assert fetch(door).status == 200
        slow.sendall(b"st: x\r\n\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")


def test_whoever_asks_on_without_reading_is_cut_off_and_holds_no_thread(doors: Doors) -> None:
    page, asked = b"y" * (1 << 20), 60
    door = doors.open(FakeSite(page), threads=1)
    with connect(door) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * asked)
        for _ in range(asked):  # by the only thread there is, which takes turns
            assert fetch(door).status == 200
        answers = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert 0 < answers.count(b"HTTP/1.1 200") < asked
    assert answers.endswith(page)  # what was answered came whole


def test_requests_that_wait_for_a_thread_are_not_logged_one_by_one(
    doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        assert go_on.wait(WAIT)
        return doors.site(environ, start_response)

    door = doors.open(app, threads=1)
    clients = [connect(door) for _ in range(8)]
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: door.snapshot().connections == 8)
    go_on.set()
    for client in clients:
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.close()
    assert "queue" not in caplog.text.lower()


# strictness


GOOD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 5000,
        b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x@y\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://X/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x:80/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://u@x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/ HTTP/1.0\r\n\r\n",
        b"GET explore HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET mailto:a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET #a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        GOOD + b"Folded: a\r\n b\r\n\r\n",
        GOOD + b"Folded: a\r\n\tb\r\n\r\n",
        GOOD + b" Leading: a\r\n\r\n",
        GOOD + b"No colon\r\n\r\n",
        GOOD + b"Bare: a\nInjected: b\r\n\r\n",
        GOOD + b"Nul: a\0b\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(doors: Doors, request_bytes: bytes) -> None:
    answer = raw(doors.open(), request_bytes)
    assert answer.split(b"\r\n")[0].split()[1] == b"400"
    assert answer.count(b"HTTP/1.") == 1 and not doors.site.asked
    assert b"not proper HTTP" in answer and b"waitress" not in answer.lower() and b"generated" not in answer


def test_request_after_a_refused_one_is_not_read(doors: Doors) -> None:
    smuggled = b"GET /admin HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert raw(doors.open(), head + smuggled).count(b"HTTP/1.") == 1
    assert not doors.site.asked


def test_whole_address_in_the_request_line_is_fine_if_it_is_the_host(doors: Doors) -> None:
    assert b" 200 OK" in raw(doors.open(), b"GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


def test_whole_address_without_a_path_is_the_home_page(doors: Doors) -> None:
    raw(doors.open(), b"GET http://x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert doors.site.asked[0]["PATH_INFO"] == "/"


def test_headers_named_as_being_for_one_step_only_change_nothing_but_close_closes(doors: Doors) -> None:
    door = doors.open()
    one = b"GET / HTTP/1.1\r\nHost: x\r\nCookie: session=a\r\nConnection: %s\r\n\r\n"
    assert raw(door, one % b"Cookie, keep-alive" + one % b"cookie, CLOSE" + one % b"").count(b"HTTP/1.1 200") == 2
    assert [environ["HTTP_COOKIE"] for environ in doors.site.asked] == ["session=a"] * 2


def test_answer_that_brings_its_date_is_sent_with_that_one_only(doors: Doors) -> None:
    doors.site.headers = {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    door = doors.open()
    assert fetch(door).headers.get_all("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]
    doors.site.headers = {}
    assert len(fetch(door).headers.get_all("Date")) == 1


def test_header_with_an_underscore_cannot_pose_as_another(doors: Doors) -> None:
    raw(doors.open(), GOOD + b"X_Forwarded_For: 1.2.3.4\r\nX_Request_Id: 12345678\r\nConnection: close\r\n\r\n")
    (environ,) = doors.site.asked
    assert "HTTP_X_FORWARDED_FOR" not in environ and "HTTP_X_REQUEST_ID" not in environ


def test_encoded_slashes_and_dots_are_only_part_of_a_path(doors: Doors) -> None:
    fetch(doors.open(), "/%2e%2e/%2F..%2fetc%00")
    assert doors.site.asked[0]["PATH_INFO"] == "/..//../etc\0"


def test_request_from_this_machine_is_local_and_a_forwarded_one_is_not(doors: Doors) -> None:
    door = doors.open()
    fetch(door)
    fetch(door, X_Forwarded_For="127.0.0.1")
    fetch(door, Host="evil.example")
    assert [environ["minisocial.is_local"] for environ in doors.site.asked] == [True, False, False]
    assert "HTTP_X_FORWARDED_FOR" not in doors.site.asked[1]


# starting and stopping


def test_port_0_is_a_free_port_and_two_can_live_side_by_side(doors: Doors) -> None:
    one, two = doors.open(), doors.open()
    assert one.port != two.port and one.port > 0 and one.url == f"http://127.0.0.1:{one.port}"
    one.stop()
    assert fetch(two).status == 200


def test_taken_port_is_one_clear_sentence(doors: Doors) -> None:
    taken = doors.open()
    with pytest.raises(Unavailable, match=rf"Port {taken.port} .* taken .* --port"):
        doors.open(port=taken.port)


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)])
def test_impossible_address_is_one_clear_sentence(doors: Doors, host: str, port: int) -> None:
    with pytest.raises(Unavailable, match=r"Choose|Use --host") as raised:
        doors.open(host=host, port=port)
    assert "\n" not in str(raised.value)


def test_localhost_is_ipv4(doors: Doors) -> None:
    assert fetch(doors.open(host="localhost")).status == 200


def test_running_request_is_finished_before_it_stops(doors: Doors) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        entered.set()
        assert go_on.wait(WAIT)
        return doors.site(environ, start_response)

    door = doors.open(app)
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(fetch(door).text))
    asking.start()
    assert entered.wait(WAIT)
    stopping = threading.Thread(target=door.stop)
    stopping.start()
    until(lambda: is_refused(door))
    go_on.set()
    asking.join(WAIT)
    stopping.join(WAIT)
    assert answers == ["hello"] and not stopping.is_alive()


def test_idle_connection_does_not_hold_up_the_stop(doors: Doors) -> None:
    door = doors.open()
    with connect(door) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        stopping = threading.Thread(target=lambda: door.stop(grace=60))
        stopping.start()
        assert client.recv(1) == b""
        stopping.join(WAIT)
        assert not stopping.is_alive()


def test_request_that_hangs_is_given_up_after_the_grace(doors: Doors) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        entered.set()
        go_on.wait(WAIT)
        return doors.site(environ, start_response)

    door = doors.open(app)
    with connect(door) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert entered.wait(WAIT)
        door.stop(grace=0.1)
        assert is_refused(door)
    go_on.set()


def test_stopping_twice_or_before_starting_is_fine_and_it_can_start_again(doors: Doors) -> None:
    door = doors.make()
    door.stop()
    door.start()
    door.stop()
    door.stop()
    door.start()
    assert fetch(door).status == 200


def is_refused(door: FrontDoor) -> bool:
    try:
        connect(door).close()
    except ConnectionError:
        return True
    return False
