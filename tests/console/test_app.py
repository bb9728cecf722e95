import logging

import pytest

from minisocial.trace import span
from tests.console.fakes import Database, Node, Shard, Site, shard, snapshot
from tests.pages import Reader

FOR_OPERATORS = ["/console", "/console/status.json", "/console/console.css", "/metrics", "/console/traces/abc"]


@pytest.mark.parametrize("path", FOR_OPERATORS)
def test_for_strangers_the_console_does_not_exist(path: str) -> None:
    site = Site()
    with site.tracer.begin("abc", "GET /"):
        pass
    assert site.get(path).code == 200
    answer = site.get(path, is_local=False)
    assert answer.code == 404
    assert answer.body == site.get("/console/nothing").body  # as any address that is not there
    assert answer.header("X-Page") == "error"


def test_the_overview_shows_every_box_with_its_numbers() -> None:
    page = Reader(Site().get("/console").body.decode()).root
    headings = [heading.text for heading in page.all("h2")]
    boxes = ["Proxy", "Balancer", "Nodes", "Cache", "Database", "Background", "Upkeep", "Process"]
    assert headings == [*boxes, "Newest requests and tasks"]
    database = page.one("section", id="database").text
    assert "directory a primary" in database
    assert "a/shard-0-1.db" in database
    assert "1,234" in page.one("section", id="cache").text
    assert "50.0 MiB" in page.one("section", id="process").text
    assert "Everything works." in page.text
    assert "READ NODES" in page.one("pre").raw_text


def test_pages_have_no_inline_style_or_script_and_nothing_from_elsewhere() -> None:
    site = Site()
    with site.tracer.begin("abc", "GET /"), span("database", "shard 0 replica b"):
        pass
    for path in ("/console", "/console/traces/abc"):
        answer = site.get(path)
        page = Reader(answer.body.decode()).root
        assert not [e for e in page.walk() if "style" in e.attrs or e.tag in ("style", "script")]
        assert not [e for e in page.walk() for value in e.attrs.values() if "//" in value]
        styles = [link.attrs["href"] for link in page.all("link", rel="stylesheet")]
        assert styles[0] == "/static/1/minisocial.css"
        assert all(site.get(style).header("Content-Type").startswith("text/css") for style in styles[1:])
        assert "default-src 'none'" in answer.header("Content-Security-Policy")
        assert answer.header("Cache-Control") == "no-store"


def test_what_people_wrote_is_escaped() -> None:
    site = Site(snapshot(nodes=(Node("<script>", "read"),)))
    with site.tracer.begin("abc", "GET /<script>"), span("database", "<script>"):
        pass
    for path in ("/console", "/console/traces/abc"):
        assert b"<script>" not in site.get(path).body
        assert b"&lt;script&gt;" in site.get(path).body


def test_a_trace_shows_the_request_and_the_tasks_it_caused() -> None:
    site = Site()
    with site.tracer.begin("abc", "POST /@ada/friend") as trace:
        trace.status = "303"
        with span("node", "write-1"):
            pass
    with site.tracer.begin("other", "GET /"):
        pass
    with site.tracer.begin("abc", "task deliver"), span("mail", "to grace"):
        pass
    listed = Reader(site.get("/console").body.decode()).root.one("section", id="traces")
    assert [link.attrs["href"] for link in listed.all("a")] == [
        "/console/traces/abc",
        "/console/traces/other",
        "/console/traces/abc",
    ]
    page = Reader(site.get("/console/traces/abc").body.decode()).root
    assert [heading.text for heading in page.all("h2")] == ["POST /@ada/friend", "task deliver"]
    first, second = page.all("section")
    assert "303" in first.text and "node write-1" in first.text
    assert "mail to grace" in second.text
    assert [len(section.all("rect")) for section in (first, second)] == [1, 1]


def test_a_trace_that_is_gone_is_a_page_that_says_so() -> None:
    answer = Site().get("/console/traces/abc")
    assert answer.code == 404
    assert b"not kept any more" in answer.body


def test_live_and_ready_say_little_to_strangers() -> None:
    site = Site(snapshot(database=Database((shard("0", a="down"),))))
    assert site.get("/livez", is_local=False).code == 200
    stranger = site.get("/readyz", is_local=False)
    assert (stranger.code, stranger.body) == (503, b"not ready\n")
    assert stranger.header("Retry-After") == "2"
    assert site.get("/readyz").body == b"not ready\nShard 0 has no primary, so it takes no writes.\n"
    assert Site().get("/readyz", is_local=False).body == b"ready\n"


def test_other_methods_are_refused() -> None:
    assert Site().get("/console", "POST").code == 405
    assert Site().get("/console", "HEAD").body == b""


def test_a_mistake_of_ours_is_logged_and_told_plainly(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(snapshot(database=Database((Shard("0", (None,)),))))  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        answer = site.get("/console")
    assert answer.code == 500
    assert answer.body == b"Something broke on our side."
    assert caplog.records[0].exc_info is not None
