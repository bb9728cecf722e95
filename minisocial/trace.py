"""The trace of a request: which box did what, and for how long.

A trace is begun at the front door and is the *current* one of its thread while it runs; boxes add
spans to whatever is current without knowing who asked. The request's id travels on through outbox,
queue, worker and mail, and each task leaves a trace of its own under the same id, so the whole
story of a friend request can be read under one id.

Names used: proxy, balancer, node, local, global, database, outbox, queue, worker, mail.
"""

import random
import threading
import time
from collections import deque
from contextvars import ContextVar
from types import TracebackType
from typing import NamedTuple

from minisocial.waiting import WouldWait

MAX_SPANS = 400  # per trace; more are counted, not kept


class Span(NamedTuple):  # and no dataclass: a request makes a dozen of them
    box: str
    what: str
    at_ms: float  # since the trace began
    ms: float


_new = tuple.__new__  # a third of the time that `Span(...)` takes


class Trace:
    """What one request, or one task, did. Written by one thread at a time."""

    __slots__ = ("_limit", "_zero", "dropped", "id", "ms", "name", "spans", "started_at", "status")

    def __init__(self, id: str, name: str, limit: int = MAX_SPANS) -> None:
        self.id = id
        self.name = name
        self.started_at = time.time()
        self.ms = 0.0
        self.status = ""
        self.spans: list[Span] = []
        self.dropped = 0
        self._limit = limit
        self._zero = time.perf_counter()

    def add(self, box: str, what: str, began: float, ended: float) -> None:
        """A finished span; times as `time.perf_counter()` gives them."""
        if len(self.spans) < self._limit:
            self.spans.append(_new(Span, (box, what, (began - self._zero) * 1000, (ended - began) * 1000)))
        else:
            self.dropped += 1

    def finish(self) -> None:
        self.ms = (time.perf_counter() - self._zero) * 1000


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace | None:
    """The trace of the request or task this thread works on."""
    return _current.get()


def request_id() -> str:
    """The id of the current request, or "" outside of any."""
    trace = _current.get()
    return trace.id if trace else ""


def new_id() -> str:
    """An id for a request: unlike any other, and no secret.

    Not from the operating system: asking it lets go of the interpreter, and a busy one is long in coming back.
    """
    return f"{random.getrandbits(64):016x}"


class span:
    """`with span("database", "shard 0 replica b"): ...` adds a span to the current trace, if any.

    `what` may be changed inside the block, when the outcome is known.
    """

    __slots__ = ("_began", "_trace", "box", "what")

    def __init__(self, box: str, what: str = "") -> None:
        self.box = box
        self.what = what

    def __enter__(self) -> "span":
        self._trace = _current.get()
        self._began = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._trace is not None:
            self._trace.add(self.box, self.what, self._began, time.perf_counter())


def note(box: str, what: str) -> None:
    """A span that takes no time: something that was seen on the way."""
    trace = _current.get()
    if trace is not None:
        now = time.perf_counter()
        trace.add(box, what, now, now)


class _Begun:
    """The block in which a trace is the current one. What begins anew in another thread leaves none here."""

    __slots__ = ("_token", "_trace", "_tracer")

    def __init__(self, tracer: "Tracer", trace: Trace) -> None:
        self._tracer = tracer
        self._trace = trace

    def __enter__(self) -> Trace:
        self._token = _current.set(self._trace)
        return self._trace

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _current.reset(self._token)
        self._trace.finish()
        if kind is not WouldWait:
            self._tracer.keep(self._trace)


class Tracer:
    """Keeps the last few hundred traces of one system; `enabled` may be switched while running.

    Switched off it keeps none and notes no spans. Requests have their ids nevertheless.
    """

    def __init__(self, keep: int = 400, enabled: bool = True) -> None:
        self.enabled = enabled
        self._lock = threading.Lock()  # guards _traces against a reader that walks it
        self._traces: deque[Trace] = deque(maxlen=keep)

    def begin(self, id: str, name: str) -> "_Begun":
        """`with tracer.begin(id, name) as trace:` makes a new trace current for the block, and keeps it afterwards."""
        return _Begun(self, Trace(id, name) if self.enabled else Trace(id, name, limit=0))

    def keep(self, trace: Trace) -> None:
        """Takes a trace that is complete; the oldest one goes."""
        if not self.enabled:
            return
        with self._lock:
            self._traces.append(trace)

    def find(self, id: str) -> list[Trace]:
        """All traces of a request: its own and those of the tasks it caused, oldest first."""
        with self._lock:
            return [trace for trace in self._traces if trace.id == id]

    def recent(self, limit: int = 50) -> list[Trace]:
        """The newest traces, newest first."""
        with self._lock:
            return list(self._traces)[: -limit - 1 : -1]
