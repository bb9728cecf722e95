"""The scenarios' browser, against a small site of its own."""

import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

import bottle
import pytest

from tests.client import Client
from tests.pages import Reader

FRONT = """<!doctype html><html><head><title>unseen</title></head><body>
<h1>Hello &amp; welcome</h1><p>one<p>two <b>bo</b>ld
<a href="/next?max_id=5" rel="next">Older</a> <a href="https://example.org/" rel="nofollow me">elsewhere</a>
<article><p>Post by Ada</p><form method="post" action="/like"><input type="hidden" name="post" value="1">
  <button aria-label="Like">♥ 3</button></form></article>
<article><p>Post by Alan</p><form method="post" action="/like"><input type="hidden" name="post" value="2">
  <button aria-label="Like">♥ 9</button></form></article>
<form method="post" action="/echo?a=b"><input type="hidden" name="csrf" value="t&quot;k">
  <textarea name="text">
first line
</textarea><select name="visibility"><option value="everyone">All</option><option selected value="friends">Friends
</select><input type="checkbox" name="agree" value="yes"><input type="radio" name="r" value="x">
  <input name="o" disabled>
  <button name="do" value="draft">Save</button><button name="do" value="post"> Post
  it </button></form></body></html>"""


def site() -> bottle.Bottle:
    app = bottle.Bottle()
    app.get("/", callback=lambda: FRONT)

    def echo() -> dict[str, object]:
        fields = {name: bottle.request.forms.getunicode(name) for name in bottle.request.forms}
        return {"fields": fields, "query": bottle.request.query_string, "origin": bottle.request.get_header("Origin")}

    def like() -> None:
        bottle.response.set_cookie("liked", bottle.request.forms.post)
        bottle.redirect("/liked", 303)

    def liked() -> str:
        bottle.response.delete_cookie("liked")
        return f"liked {bottle.request.get_cookie('liked')} as {bottle.request.method}"

    app.post("/echo", callback=echo)
    app.post("/like", callback=like)
    app.get("/liked", callback=liked)
    app.get("/round", callback=lambda: bottle.redirect("/round"))
    app.get("/away", callback=lambda: bottle.redirect("http://example.org/"))
    app.get("/next", callback=lambda: bottle.request.query_string)
    return app


class Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with make_server("127.0.0.1", 0, site(), handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


def test_text_is_what_a_person_reads(url: str) -> None:
    page = Client(url).get("/").page
    assert page.status == 200
    assert page.text.startswith("Hello & welcome one two bold Older elsewhere Post by Ada ♥ 3")


def test_links_are_found_by_rel_and_followed(url: str) -> None:
    client = Client(url).get("/")
    assert client.page.links("next") == ["/next?max_id=5"]
    assert client.page.links("me") == ["https://example.org/"]
    assert client.click("Older").page.text == "max_id=5"


def test_a_form_sends_what_it_holds_and_what_was_filled_in(url: str) -> None:
    client = Client(url).get("/").submit("Post it", text="Grüße", agree=True)
    assert client.page.json["fields"] == {
        "csrf": 't"k',
        "text": "Grüße",
        "visibility": "friends",
        "agree": "yes",
        "do": "post",
    }
    assert client.page.json["query"] == "a=b"
    assert client.page.json["origin"] == url


def test_an_untouched_text_keeps_its_lines(url: str) -> None:
    fields = Client(url).get("/").submit("Save").page.json["fields"]
    assert fields["text"] == "first line\n"
    assert "agree" not in fields and "r" not in fields and "o" not in fields
    assert fields["do"] == "draft"


def test_the_button_beside_a_text_is_pressed_and_the_redirect_followed(url: str) -> None:
    client = Client(url).get("/")
    client.submit("Like", "Alan")
    assert client.page.text == "liked 2 as GET"
    assert [answer.status for answer in client.answers] == [303, 200]
    assert client.cookies == {}  # the second answer took the cookie back
    assert client.get("/liked").page.text == "liked None as GET"


def test_a_button_or_a_field_that_is_not_there_fails_the_test(url: str) -> None:
    client = Client(url).get("/")
    with pytest.raises(AssertionError, match="no button 'Unlike'"):
        client.submit("Unlike")
    with pytest.raises(AssertionError, match="nobody can fill in"):
        client.submit("Save", colour="red")


def test_redirects_end(url: str) -> None:
    with pytest.raises(AssertionError, match="redirects"):
        Client(url).get("/round")
    with pytest.raises(AssertionError, match="leads away"):
        Client(url).get("/away")


def test_elements_are_found_in_untidy_pages() -> None:
    page = Reader("<ul><li class='a b'>one<li>two</ul><img src=x><br/><div>three</section></div> four").root
    assert [item.text for item in page.all("li")] == ["one", "two"]
    assert page.one(cls="b").text == "one"
    assert page.text == "one two three four"
