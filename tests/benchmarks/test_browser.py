import socket
import threading

import pytest

from minisocial.benchmarks.browser import Browser, Form, read_forms
from minisocial.errors import Unavailable
from tests.benchmarks.fakes import ScriptedServer, answer

PAGE = b"""<!doctype html>
<form action="/search"><input name="q" value=""></form>
<form method="post" action="/@p12/friend"><input type="hidden" name="csrf" value="a&amp;b">
<input type="hidden" name="next" value="/@p12?x=p123"><button class="primary">Add
 friend</button></form>
<form method="post" action="/posts"><textarea name="text"></textarea><select name="visibility"><option>x</select>
<input type="checkbox" name="loud" value="1"><input type="checkbox" name="kind" value="1" checked>
<button>Post</button></form>"""


def test_forms_are_read_with_their_fields_and_buttons() -> None:
    search, friend, post = read_forms(PAGE.decode())
    assert search == Form("/search", {"q": ""})
    assert friend == Form("/@p12/friend", {"csrf": "a&b", "next": "/@p12?x=p123"}, ("Add friend",))
    assert post == Form("/posts", {"text": "", "visibility": "", "kind": "1"}, ("Post",))


def test_a_form_can_be_carried_over_to_another_person() -> None:
    form = read_forms(PAGE.decode())[1].for_another("p12", "p7")
    assert (form.action, form.fields["next"]) == ("/@p7/friend", "/@p7?x=p123")


def test_cookies_are_kept_sent_and_taken_back() -> None:
    first = answer("200 OK", PAGE, "Set-Cookie: pre=1; Path=/; HttpOnly", "Set-Cookie: session=abc; Path=/")
    second = answer("303 See Other", b"", "Set-Cookie: pre=; Path=/; Max-Age=0")
    with ScriptedServer(first, second) as server:
        browser = Browser("127.0.0.1", server.port)
        browser.submit(browser.form("/@p12", button="Add friend"))
        browser.close()
        assert "Cookie" not in server.requests[0]
        assert "Cookie: pre=1; session=abc" in server.requests[1]
    assert browser.cookies == {"session": "abc"}
    assert "\r\nCookie: session=abc\r\n" in browser.encoded("/")


def test_a_form_is_encoded_whole() -> None:
    head, body = Browser("here", 80).encoded_form(Form("/posts", {"text": "ä & b"})).split("\r\n\r\n")
    assert body == "text=%C3%A4+%26+b"
    assert head.startswith("POST /posts HTTP/1.1\r\nHost: here:80\r\n")
    assert f"Content-Length: {len(body)}" in head


def test_a_refusal_and_a_missing_form_stop_it() -> None:
    with ScriptedServer(answer("200 OK", PAGE), answer("429 Too Many Requests")) as server:
        browser = Browser("127.0.0.1", server.port)
        with pytest.raises(Unavailable, match="no form with Wave"):
            browser.form("/", button="Wave")
        with pytest.raises(Unavailable, match="429"):
            browser.page("/")
        browser.close()


def test_a_log_in_without_a_session_is_noticed() -> None:
    form = b'<form action="/login"><input name="username"><input name="password" type="password"></form>'
    with ScriptedServer(answer("200 OK", form)) as server:
        browser = Browser("127.0.0.1", server.port)
        with pytest.raises(Unavailable, match="could not log in"):
            browser.log_in("p1", "minisocial")
        browser.close()
        assert server.requests[1].endswith("username=p1&password=minisocial")


def test_a_page_is_asked_for_again_where_the_kept_connection_was_closed() -> None:
    """Between two measurements a member's connection is idle for longer than the front door keeps it."""

    def answer_once_each(listener: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer_once_each, args=(listener,))
        server.start()
        browser = Browser("127.0.0.1", listener.getsockname()[1])
        assert [browser.page("/"), browser.page("/")] == ["page", "page"]
        browser.close()
        server.join(10)
