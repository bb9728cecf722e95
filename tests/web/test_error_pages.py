"""The same pages for the boxes in front."""

import json

from minisocial.web import ErrorPage

PAGE = ErrorPage(lambda name: f"/static/x/{name}")


def test_a_box_in_front_answers_with_a_whole_page() -> None:
    answer = PAGE(
        {"PATH_INFO": "/", "minisocial.request_id": "abc-123"}, 503, "All hands are busy.", [("Retry-After", "3")]
    )
    assert answer.status == "503 Service Unavailable"
    assert answer.header("Retry-After") == "3"
    assert answer.header("Cache-Control").startswith("private")
    assert "default-src 'none'" in answer.header("Content-Security-Policy")
    assert int(answer.header("Content-Length")) == len(answer.body)
    html = answer.body.decode()
    assert "All hands are busy." in html
    assert "abc-123" in html
    assert "\0" not in html


def test_what_it_is_told_is_escaped() -> None:
    assert b"Nothing at &lt;i&gt;." in PAGE({"PATH_INFO": "/"}, 404, "Nothing at <i>.").body


def test_a_status_without_words_of_its_own_has_a_page() -> None:
    assert PAGE({}, 418, "No coffee.").status.startswith("418 ")
    assert b"No coffee." in PAGE({}, 418, "No coffee.").body


def test_machines_get_json() -> None:
    answer = PAGE({"PATH_INFO": "/", "HTTP_ACCEPT": "application/json"}, 404, "Not here.")
    assert json.loads(answer.body) == {"error": "Not here.", "status": 404}
