"""The story of one request: its own trace and those of the tasks it caused, as rows with bars."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from minisocial.trace import Span, Trace

# drawn in the colour of writes, as is all that says so itself: "write-1", "shard 0 write"
WRITING = frozenset({"outbox", "queue", "worker", "mail"})


@dataclass(frozen=True, slots=True)
class Bar:
    """A span, and where it lies on a line 1,000 units long."""

    box: str
    what: str
    at_ms: float
    ms: float
    x: float
    width: float
    is_write: bool


@dataclass(frozen=True, slots=True)
class Chapter:
    """A request, or a task; `after_ms` is how long after the first chapter it began."""

    name: str
    status: str
    at: str
    after_ms: float
    ms: float
    bars: list[Bar]
    dropped: int


@dataclass(frozen=True, slots=True)
class Line:
    """A trace in the list of the newest ones."""

    id: str
    name: str
    status: str
    at: str
    ms: float
    boxes: str


def story(traces: Sequence[Trace]) -> list[Chapter]:
    """The chapters in the order in which they began; `traces` share one request's id."""
    ordered = sorted(traces, key=lambda trace: trace.started_at)
    return [_chapter(trace, ordered[0].started_at) for trace in ordered]


def lines(traces: Sequence[Trace]) -> list[Line]:
    """One line for each trace."""
    return [Line(t.id, t.name, t.status, _clock_time(t.started_at), t.ms, _boxes(t)) for t in traces]


def _chapter(trace: Trace, zero: float) -> Chapter:
    bars = [_bar(span, max(trace.ms, 0.001)) for span in sorted(trace.spans, key=lambda span: span.at_ms)]
    after_ms = (trace.started_at - zero) * 1000
    return Chapter(trace.name, trace.status, _clock_time(trace.started_at), after_ms, trace.ms, bars, trace.dropped)


def _bar(span: Span, whole_ms: float) -> Bar:
    """A wait that was over before the chapter began lies at its very start."""
    x = min(max(span.at_ms / whole_ms, 0), 1) * 1000
    end = min(max((span.at_ms + span.ms) / whole_ms, 0), 1) * 1000
    is_write = span.box in WRITING or "write" in span.what
    return Bar(span.box, span.what, span.at_ms, span.ms, round(x, 1), round(max(end - x, 3), 1), is_write)


def _clock_time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _boxes(trace: Trace) -> str:
    """The boxes it crossed, each once, in the order in which they were reached."""
    return " › ".join(dict.fromkeys(span.box for span in sorted(trace.spans, key=lambda span: span.at_ms)))
