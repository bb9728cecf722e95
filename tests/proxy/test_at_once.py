"""Answering at once: in the front door's own thread what is at hand, in another one what has to wait."""

import logging
import threading
from typing import Any

import pytest

from minisocial import waiting
from minisocial.proxy import FrontDoor
from minisocial.trace import Tracer
from tests.fakes import plain_error_page
from tests.proxy.conftest import Doors, fetch, raw

OWN = "front door"  # the name of its thread


class Site:
    """Says which thread it ran in; below /slow and for each POST it has to wait first."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append(path)
        if path.startswith("/slow") or environ["REQUEST_METHOD"] == "POST":
            waiting.ahead()
            self.entered.set()
            assert self.go_on.wait(10)
        if path == "/bug":
            raise ValueError("bug")
        start_response("200 OK", [("Content-Type", "text/plain")])
        name = OWN if threading.current_thread().name == OWN else "another"
        return [f"{name} {path} ".encode() + environ["wsgi.input"].read()]


@pytest.fixture
def site() -> Site:
    return Site()


def open_door(doors: Doors, site: Site, **more: Any) -> FrontDoor:
    return doors.open(site, at_once=True, **more)


def test_what_is_at_hand_is_answered_in_the_thread_that_read_the_request(doors: Doors, site: Site) -> None:
    assert fetch(open_door(doors, site), "/page").text == f"{OWN} /page "
    assert site.asked == ["/page"]


def test_what_has_to_wait_is_begun_anew_in_another_thread_and_holds_nobody_up(doors: Doors, site: Site) -> None:
    door = open_door(doors, site)
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(fetch(door, "/slow").text))
    slow.start()
    assert site.entered.wait(10)
    assert fetch(door, "/quick").text == f"{OWN} /quick "
    assert not answers
    site.go_on.set()
    slow.join(10)
    assert answers == ["another /slow "]


def test_a_form_that_has_to_wait_arrives_whole(doors: Doors, site: Site) -> None:
    site.go_on.set()
    assert fetch(open_door(doors, site), "/form", "POST", b"text=hello").text == "another /form text=hello"


def test_a_request_begun_anew_is_counted_logged_and_traced_once(
    doors: Doors, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.go_on.set()
    door = open_door(doors, site)
    with caplog.at_level(logging.INFO, logger="minisocial.access"):
        id = fetch(door, "/slow").headers["X-Request-Id"]
    assert site.asked == ["/slow", "/slow"]  # the first time, it only said that it would wait
    assert door.snapshot().requests == 1
    assert [record.getMessage().partition(" 200 ")[0] for record in caplog.records] == ["GET /slow"]
    assert [trace.id for trace in doors.tracer.recent()] == [id]


def test_of_requests_sent_in_one_go_the_first_is_answered_at_once_and_all_in_order(doors: Doors, site: Site) -> None:
    site.go_on.set()
    paths = ["/a", "/slow", *(f"/{number}" for number in range(40))]
    lines = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n" for path in paths]
    said = raw(open_door(doors, site), ("\r\n".join(lines) + "Connection: close\r\n\r\n").encode()).decode()
    first, *others = bodies = _bodies(said)
    assert [words[-1] for words in bodies] == paths
    assert first[0] == "front" and {words[0] for words in others} == {"another"}


def _bodies(said: str) -> list[list[str]]:
    """The bodies of all answers, each as words; an answer may begin right behind one."""
    parts = said.split("HTTP/1.1 200 OK\r\n")[1:]
    return [part.partition("\r\n\r\n")[2].split() for part in parts]


def test_a_bug_is_answered_and_the_door_goes_on(doors: Doors, site: Site) -> None:
    door = open_door(doors, site)
    assert fetch(door, "/bug").status == 500
    assert fetch(door, "/page").text == f"{OWN} /page "
    assert door.snapshot().failed == 1


def test_a_door_whose_application_promises_nothing_answers_in_other_threads(doors: Doors, site: Site) -> None:
    assert fetch(doors.open(site), "/page").text == "another /page "


def test_a_request_under_way_at_the_stop_is_finished(doors: Doors, site: Site) -> None:
    door = open_door(doors, site)
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(fetch(door, "/slow").text))
    slow.start()
    assert site.entered.wait(10)
    stopping = threading.Thread(target=door.stop, args=(10,))
    stopping.start()
    site.go_on.set()
    slow.join(10)
    stopping.join(10)
    assert answers == ["another /slow "]


def test_two_doors_in_one_process_do_not_know_of_each_other(doors: Doors, site: Site) -> None:
    patient = FrontDoor(
        site, host="127.0.0.1", port=0, threads=2, tracer=Tracer(), error_page=plain_error_page, at_once=False
    )
    doors.made.append(patient)
    patient.start()
    assert fetch(open_door(doors, site), "/page").text == f"{OWN} /page "
    assert fetch(patient, "/page").text == "another /page "


def test_the_way_can_be_switched_while_it_runs(doors: Doors, site: Site) -> None:
    door = open_door(doors, site)
    for at_once in (False, True, False):
        door.at_once = at_once
        fetch(door, "/wakes")  # the loop may be on its way to the network, by the old rule
        assert fetch(door, "/page").text.startswith(OWN) == at_once
