from typing import Any

import pytest

from minisocial import wsgi
from minisocial.balancer import Balancer
from minisocial.nodes import Node
from tests.fakes import FakeSite, ManualClock, environ_of, plain_error_page


class Box:
    """Answers with a value of its own, and otherwise as any WSGI application does."""

    def __init__(self) -> None:
        self.answer = wsgi.Response("200 OK", [("X-Way", "value")], b"as a value")

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        raise AssertionError("the value was at hand")

    def respond(self, environ: Any) -> wsgi.Response:
        return self.answer


def collected(app: Any, environ: Any) -> wsgi.Response:
    """What a server that knows nothing of values gets."""
    return wsgi.call(app.__call__, environ)  # a method has no other methods


def test_box_that_has_its_answer_as_a_value_hands_it_on() -> None:
    box = Box()
    assert wsgi.call(box, environ_of()) is box.answer


def test_application_is_run_and_closed() -> None:
    class Body(list):  # type: ignore[type-arg]
        closed = False

        def close(self) -> None:
            self.closed = True

    body = Body([b"a", b"b"])

    def app(environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [("X-Way", "chunks")])(b"written, ")
        return body

    assert wsgi.call(app, environ_of()) == wsgi.Response("200 OK", [("X-Way", "chunks")], b"written, ab")
    assert body.closed


@pytest.mark.parametrize("code", ["200 OK", "500 Broken", "503 Busy"])
def test_boxes_answer_a_server_as_they_answer_each_other(code: str) -> None:
    def node() -> Node:
        return Node("read-1", "read", FakeSite(b"page", code, cache_control="private"), slots=1)

    def balancer(node: Node) -> Balancer:
        return Balancer({"read": [node]}, error_page=plain_error_page, clock=ManualClock())

    assert collected(node(), environ_of()) == wsgi.call(node(), environ_of())
    assert collected(balancer(node()), environ_of()) == wsgi.call(balancer(node()), environ_of())


def test_down_node_is_refused_in_both_ways() -> None:
    node = Node("read-1", "read", FakeSite(), slots=1)
    node.take_down()
    balancer = Balancer({"read": [node]}, error_page=plain_error_page, clock=ManualClock())
    answers = collected(balancer, environ_of()), wsgi.call(balancer, environ_of())
    assert [answer.code for answer in answers] == [503, 503]
    assert answers[0] == answers[1]


def test_bare_answer_keeps_what_it_says_of_the_body() -> None:
    answer = wsgi.Response("200 OK", [("Content-Length", "4")], b"page")
    assert answer.bare() == wsgi.Response("200 OK", [("Content-Length", "4")], b"")
