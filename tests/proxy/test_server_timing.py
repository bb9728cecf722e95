"""The Server-Timing header: short, safe and in order."""

from minisocial.proxy.server_timing import server_timing
from minisocial.trace import Trace


def trace_of(*spans: tuple[str, str]) -> Trace:
    """Boxes entered one after the other and left the other way round, as they are."""
    trace = Trace("id", "GET /")
    for at, (box, what) in reversed(list(enumerate(spans))):
        trace.add(box, what, at, at + 0.001)
    return trace


def entries(*spans: tuple[str, str]) -> list[str]:
    return [entry.partition(";dur=")[0] for entry in server_timing(trace_of(*spans)).split(", ")]


def test_boxes_come_in_the_order_they_were_reached_and_the_total_last() -> None:
    assert entries(("proxy", "miss"), ("balancer", "read-2"), ("node", "read-2")) == [
        'proxy;desc="miss"', 'balancer;desc="read-2"', 'node;desc="read-2"', "total",
    ]  # fmt: skip


def test_hits_of_one_box_are_added_up() -> None:
    assert entries(("local", "19/21"), ("local", "0/3")) == ['local;desc="19/24"', "total"]


def test_queries_are_counted() -> None:
    header = server_timing(trace_of(*[("database", "shard 0 replica b")] * 3))
    assert 'database;desc="shard 0 replica b, 3 queries";dur=3.00' in header
    assert '"shard 1 primary, 1 query"' in server_timing(trace_of(("database", "shard 1 primary")))


def test_box_without_a_note_has_none() -> None:
    assert entries(("proxy", "")) == ["proxy", "total"]


def test_header_stays_below_one_kibibyte() -> None:
    spans = [(f"box{number}", f"{'long ' * 50}{number}") for number in range(40)]
    header = server_timing(trace_of(*spans))
    assert len(header) < 1024 and ", total;dur=" in header


def test_nothing_can_break_out_of_the_quotes() -> None:
    assert entries(("proxy", 'a"b\\c\r\nSet-Cookie: x=ü')) == ['proxy;desc="a?b?c??Set-Cookie: x=?"', "total"]


def test_many_copies_are_named_by_the_first() -> None:
    trace = Trace("id", "GET /")
    for copy in ("shard 0 replica b", "shard 1 replica c", "shard 0 replica b"):
        trace.add("database", copy, 0, 0.001)
    assert 'database;desc="shard 0 replica b + 1 more, 3 queries"' in server_timing(trace)


def test_a_page_that_is_not_there_does_not_tell_what_was_looked_up_to_know_it() -> None:
    trace = trace_of(("node", "read-1"), ("local", "3/4"), ("database", "shard 0 replica b"))
    trace.status = "404"
    assert [entry.partition(";")[0] for entry in server_timing(trace).split(", ")] == ["node", "total"]
