import threading

import pytest

from minisocial import trace
from minisocial.trace import MAX_SPANS, Tracer, note, span
from minisocial.waiting import WouldWait


def test_spans_are_added_to_the_trace_of_the_request() -> None:
    tracer = Tracer()
    with tracer.begin("abc", "GET /") as begun:
        with span("node", "read-1"), span("database") as reading:
            reading.what = "shard 0 replica b"
        note("proxy", "miss")
    assert [(s.box, s.what) for s in begun.spans] == [
        ("database", "shard 0 replica b"),
        ("node", "read-1"),
        ("proxy", "miss"),
    ]
    inner, outer, _ = begun.spans
    assert outer.at_ms <= inner.at_ms
    assert inner.at_ms + inner.ms <= outer.at_ms + outer.ms <= begun.ms


def test_outside_of_a_request_spans_go_nowhere() -> None:
    with span("node", "read-1"):
        note("proxy", "miss")
    assert trace.current() is None
    assert trace.request_id() == ""


def test_the_request_id_is_known_while_it_runs_and_nested_traces_give_it_back() -> None:
    tracer = Tracer()
    with tracer.begin("outer", "GET /"):
        with tracer.begin("inner", "task deliver"):
            assert trace.request_id() == "inner"
        assert trace.request_id() == "outer"
    assert trace.request_id() == ""


def test_a_request_that_fails_leaves_its_trace() -> None:
    tracer = Tracer()
    with pytest.raises(KeyError), tracer.begin("abc", "GET /"), span("node"):
        raise KeyError
    (kept,) = tracer.recent()
    assert [s.box for s in kept.spans] == ["node"]
    assert trace.current() is None


def test_a_request_and_its_tasks_are_found_under_one_id() -> None:
    tracer = Tracer()
    for id, name in (("abc", "POST /"), ("other", "GET /"), ("abc", "task deliver")):
        with tracer.begin(id, name):
            pass
    assert [found.name for found in tracer.find("abc")] == ["POST /", "task deliver"]
    assert [found.id for found in tracer.recent()] == ["abc", "other", "abc"]
    assert [found.name for found in tracer.recent(1)] == ["task deliver"]
    assert tracer.find("nobody") == []


def test_only_so_many_traces_and_spans_are_kept() -> None:
    tracer = Tracer(keep=2)
    for number in range(3):
        with tracer.begin(str(number), "GET /"):
            for _ in range(MAX_SPANS + 5):
                note("database", "row")
    assert [found.id for found in tracer.recent()] == ["2", "1"]
    assert len(tracer.recent()[0].spans) == MAX_SPANS
    assert tracer.recent()[0].dropped == 5


def test_each_thread_has_its_own_current_trace() -> None:
    tracer = Tracer()
    seen: list[str] = []
    both_inside = threading.Barrier(2, timeout=5)

    def work(id: str) -> None:
        with tracer.begin(id, "GET /"):
            both_inside.wait()
            note("node", id)
            seen.append(trace.request_id())
            both_inside.wait()

    threads = [threading.Thread(target=work, args=(id,)) for id in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(seen) == ["one", "two"]
    assert all([s.what for s in kept.spans] == [kept.id] for kept in tracer.recent())


def test_ids_are_not_guessed() -> None:
    ids = {trace.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id) == 16 for id in ids)


def test_switched_off_nothing_is_kept_and_the_id_is_known_nevertheless() -> None:
    tracer = Tracer(enabled=False)
    with tracer.begin("abc", "GET /") as begun, span("node"):
        assert trace.request_id() == "abc"
    assert begun.spans == []
    assert tracer.recent() == []
    tracer.enabled = True
    with tracer.begin("def", "GET /"), span("node"):
        pass
    assert [len(found.spans) for found in tracer.recent()] == [1]


def test_a_request_that_begins_anew_elsewhere_leaves_no_trace_of_its_first_try() -> None:
    tracer = Tracer()
    with pytest.raises(WouldWait), tracer.begin("abc", "GET /"):
        raise WouldWait
    assert tracer.recent() == []
    assert trace.current() is None
