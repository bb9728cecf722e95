"""The `Server-Timing` header: the boxes a request crossed, as browsers show them."""

from functools import lru_cache
from operator import attrgetter

from minisocial.trace import Span, Trace

LONGEST = 1000  # characters of the whole header
LONGEST_NOTE = 60
LOOKED_UP = ("local", "global", "database")  # boxes whose work would tell what is not there from what is not for you


def server_timing(trace: Trace) -> str:
    """One entry per box, in the order they were reached: `local;desc="19/21", database;...;dur=0.4, total;dur=3`."""
    total = f"total;dur={trace.ms:.2f}"
    room = LONGEST - len(total)
    entries: list[str] = []
    for box, spans in _by_box(trace.spans).items():
        if trace.status == "404" and box in LOOKED_UP:
            continue
        entry = _entry(box, spans)
        room -= len(entry) + 2
        if room >= 0:
            entries.append(entry)
    return ", ".join([*entries, total])


def _by_box(spans: list[Span]) -> dict[str, list[Span]]:
    """Spans are written when they end; a box is reached when its first one began."""
    boxes: dict[str, list[Span]] = {}
    for span in sorted(spans, key=_begin):
        boxes.setdefault(span.box, []).append(span)
    return boxes


_begin = attrgetter("at_ms")


def _entry(box: str, spans: list[Span]) -> str:
    if len(spans) == 1:
        note, milliseconds = spans[0].what, spans[0].ms
    else:
        note, milliseconds = _summary([span.what for span in spans]), sum(span.ms for span in spans)
    if box == "database":
        note = f"{note}, {len(spans)} quer{'y' if len(spans) == 1 else 'ies'}"
    described = f'{box};desc="{_quotable(note)}"' if note else box
    return f"{described};dur={milliseconds:.2f}" if milliseconds else described


def _summary(notes: list[str]) -> str:
    """Hits out of asked are added up; of other notes the first stands for all, with their number."""
    parts = [note.partition("/") for note in notes]
    if all(hits.isdigit() and asked.isdigit() for hits, _, asked in parts):
        return f"{sum(int(hits) for hits, _, _ in parts)}/{sum(int(asked) for _, _, asked in parts)}"
    distinct = list(dict.fromkeys(note for note in notes if note))
    return distinct[0] + (f" + {len(distinct) - 1} more" if len(distinct) > 1 else "") if distinct else ""


@lru_cache(1024)
def _quotable(note: str) -> str:
    """Text that may stand in quotes in a header."""
    note = note[:LONGEST_NOTE]
    if note.isascii() and note.isprintable() and '"' not in note and "\\" not in note:
        return note
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in note)
