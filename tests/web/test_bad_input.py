"""What bad input gets: a page that says what happened and what to do, never a trace, never a 500."""

import json
import logging

import pytest

from minisocial.errors import NoPrimary
from tests.web.conftest import World
from tests.web.fakes import Answer

FORM = "application/x-www-form-urlencoded"


def token_of(world: World) -> str:
    return f"csrf-of-{world.ada.id}"


def check_page(answer: Answer, code: int) -> None:
    assert answer.code == code
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert "<h1" in answer.text
    assert "Traceback" not in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/@",
        "/@ada/",
        "/@ada/abc",
        "/@ada/99999999999999999999",
        "/@ada/9223372036854775808",
        "/@ada/0",
        "/@ada/1/2/3",
        "/posts/abc",
        "/join/%3Cscript%3E",
        "/tags/",
        "/tags/a%0Ab",
        "/.env",
        "/@%00",
        "/@ada%E2%80%8B",
        "/explore?max_id=abc",
        "/explore?max_id=-1",
        "/explore?min_id=9223372036854775808",
        "/@ada?max_id=1.5",
        "/?max_id=",
        "/explore?max_id=%D9%A3",
    ],
)
def test_what_is_not_there_is_not_found(world: World, path: str) -> None:
    check_page(world.client("ada").get(path), 404)


@pytest.mark.parametrize("path", ["/%FF", "/@ad%FFa", "/tags/%C3", "/explore?max_id=%FF", "/explore?" + "a=1&" * 99])
def test_a_damaged_address_is_said_to_be_one(world: World, path: str) -> None:
    answer = world.client("ada").get(path)
    check_page(answer, 400)
    assert "damaged" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/login", "GET,HEAD,POST"),
        ("PUT", "/", "GET,HEAD"),
        ("GET", "/@ada/friend", "POST"),
        ("POST", "/@ada", "GET,HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(world: World, method: str, path: str, allowed: str) -> None:
    answer = world.client("ada").send(method, path)
    check_page(answer, 405)
    assert answer.header("Allow").replace(" ", "") == allowed


def test_a_nul_character_is_taken_out_and_the_rest_kept(world: World) -> None:
    answer = world.client("ada").submit("/", "/posts", {"text": "before\0after", "visibility": "everyone"})
    check_page(answer, 422)
    assert "beforeafter</textarea>" in answer.text
    assert "NUL" in answer.text


def test_broken_utf_8_is_shown_as_far_as_it_goes(world: World) -> None:
    body = b"csrf=" + token_of(world).encode() + b"&visibility=everyone&text=caf%C3%A9+%FF+noir"
    answer = world.client("ada").send("POST", "/posts", body, FORM)
    check_page(answer, 422)
    assert "café � noir</textarea>" in answer.text
    assert "not valid UTF-8" in answer.text


def test_text_beyond_latin_1_arrives_as_it_was_sent(world: World) -> None:
    text = "Größe 数学 🧮 é"
    client = world.client("ada")
    client.submit("/", "/posts", {"text": text, "visibility": "everyone"})
    assert text in client.get("/").text


def test_a_multipart_form_is_read_too(world: World) -> None:
    fields = {"csrf": token_of(world), "text": "Größe 🧮", "visibility": "everyone"}
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    client = world.client("ada")
    assert client.send("POST", "/posts", (parts + "--x--\r\n").encode(), "multipart/form-data; boundary=x").code == 303
    assert "Größe 🧮" in client.get("/").text


def test_a_long_text_in_a_multipart_form_is_too_much_and_no_file(world: World) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n{"y" * 150_000}\r\n--x--\r\n'.encode()
    check_page(world.client("ada").send("POST", "/posts", body, "multipart/form-data; boundary=x"), 413)


def test_a_file_is_not_taken(world: World) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="text"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    check_page(world.client("ada").send("POST", "/posts", body, "multipart/form-data; boundary=x"), 413)


def test_a_form_beyond_what_is_read_is_too_much(world: World) -> None:
    check_page(world.client("ada").send("POST", "/posts", b"text=" + b"y" * 110_000, FORM), 413)


def test_a_very_long_text_is_kept(world: World) -> None:
    text = "long " * 3000
    answer = world.client("ada").submit("/", "/posts", {"text": text, "visibility": "everyone"})
    check_page(answer, 422)
    assert text in answer.text


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=y",
        "multipart/x; boundary=x",
        ";",
        "a/b; =",
        "text/plain",
    ],
)
def test_a_form_that_is_none_is_refused(world: World, kind: str) -> None:
    answer = world.client("ada").send("POST", "/posts", b"--x\r\nnonsense", kind)
    assert answer.code in (400, 403)
    check_page(answer, answer.code)


@pytest.mark.parametrize(
    ("charset", "of_part"), [("nobody-knows", ""), ("rot13", ""), ("hex", ""), ("a%00", ""), ("utf-8", "nobody-knows")]
)
def test_a_form_in_a_charset_nobody_knows_is_refused(world: World, charset: str, of_part: str) -> None:
    kind = f"Content-Type: text/plain; charset={of_part}\r\n" if of_part else ""
    body = f'--x\r\nContent-Disposition: form-data; name="text"\r\n{kind}\r\nhello\r\n--x--\r\n'.encode()
    answer = world.client("ada").send("POST", "/posts", body, f"multipart/form-data; boundary=x; charset={charset}")
    check_page(answer, 400)
    assert "came in broken" in answer.text


@pytest.mark.parametrize("reply_to", ["abc", "-1", "9" * 30, "٣", "1.5"])
def test_a_reply_to_nothing_keeps_the_text(world: World, reply_to: str) -> None:
    fields = {"text": "An answer.", "visibility": "everyone", "in_reply_to": reply_to}
    answer = world.client("ada").submit("/", "/posts", fields)
    check_page(answer, 422)
    assert "An answer.</textarea>" in answer.text


def test_a_reply_to_a_post_that_is_gone_keeps_the_text(world: World) -> None:
    fields = {"text": "An answer.", "visibility": "everyone", "in_reply_to": "12345"}
    answer = world.client("ada").submit("/", "/posts", fields)
    check_page(answer, 404)
    assert "An answer.</textarea>" in answer.text


def test_a_visibility_of_ones_own_is_refused(world: World) -> None:
    answer = world.client("ada").submit("/", "/posts", {"text": "Hm.", "visibility": "nobody"})
    check_page(answer, 422)
    assert "Hm.</textarea>" in answer.text


@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, text/html;q=0.5", "text/html;q=0.1, application/*"]
)
def test_clients_that_prefer_json_get_json(world: World, accept: str) -> None:
    answer = world.client("ada").get("/nowhere", HTTP_ACCEPT=accept)
    assert answer.code == 404
    assert json.loads(answer.body) == {"error": "There is no page at this address.", "status": 404}


@pytest.mark.parametrize(
    "accept", ["text/html, application/json;q=0.9", "*/*", "", "application/json;q=x, text/html", ",;=;,"]
)
def test_others_get_a_page(world: World, accept: str) -> None:
    check_page(world.client("ada").get("/nowhere", HTTP_ACCEPT=accept), 404)


def test_json_names_the_field_that_is_wrong(world: World) -> None:
    fields = {"text": "", "visibility": "everyone"}
    answer = world.client("ada").submit("/", "/posts", fields, HTTP_ACCEPT="application/json")
    assert json.loads(answer.body) == {"error": "Please write something first.", "status": 422, "field": "text"}


def test_a_mistake_of_ours_is_a_plain_sentence(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    client = world.client("ada")
    world.social.feeds.explore = broken
    with caplog.at_level(logging.ERROR, "minisocial.web"):
        answer = client.get("/explore")
    check_page(answer, 500)
    assert "Something broke on our side." in answer.text
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def test_a_database_that_is_away_is_said_plainly(world: World) -> None:
    def away(*_: object) -> None:
        raise NoPrimary("This part of the community cannot be reached just now.")

    client = world.client("ada")
    world.social.feeds.home = away
    world.social.notifications.unread = away  # the frame of a page fails as well
    answer = client.get("/")
    check_page(answer, 503)
    assert answer.header("Retry-After") == "2"
    assert "cannot be reached just now" in answer.text


def test_even_the_session_may_be_away(world: World) -> None:
    def away(*_: object) -> None:
        raise NoPrimary("This part of the community cannot be reached just now.")

    client = world.client("ada")
    world.social.sessions.find = away
    check_page(client.get("/"), 503)
