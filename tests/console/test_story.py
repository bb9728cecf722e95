from minisocial.console.story import lines, story
from minisocial.trace import Trace


def trace(name: str, began: float, ms: float, *spans: tuple[str, float, float]) -> Trace:
    """A finished trace; spans are a box, and from when to when in milliseconds."""
    made = Trace("abc", name)
    made.started_at = began
    zero = made._zero
    for box, at, end in spans:
        made.add(box, "", zero + at / 1000, zero + end / 1000)
    made.ms = ms
    return made


def test_chapters_come_in_the_order_they_began() -> None:
    task = trace("task deliver", 1000.25, 5)
    request = trace("POST /", 1000.0, 10)
    told = story([task, request])
    assert [(c.name, round(c.after_ms)) for c in told] == [("POST /", 0), ("task deliver", 250)]


def test_bars_lie_where_the_time_went() -> None:
    (chapter,) = story([trace("GET /", 0, 10, ("database", 5, 7.5), ("node", 0, 10))])
    assert [(bar.box, bar.x, bar.width) for bar in chapter.bars] == [("node", 0, 1000), ("database", 500, 250)]


def test_bars_stay_on_the_page() -> None:
    (chapter,) = story([trace("task", 0, 10, ("queue", -300, 0), ("worker", 9, 11), ("mail", 4, 4))])
    assert all(0 <= bar.x <= 1000 and bar.width >= 3 for bar in chapter.bars)
    (queue,) = [bar for bar in chapter.bars if bar.box == "queue"]
    assert (queue.x, queue.width, round(queue.ms)) == (0, 3, 300)
    assert queue.is_write


def test_a_trace_of_no_length_is_drawn() -> None:
    (chapter,) = story([trace("GET /", 0, 0, ("proxy", 0, 0))])
    assert chapter.bars[0].width == 3


def test_a_line_names_each_box_once() -> None:
    (line,) = lines([trace("GET /", 0, 3, ("node", 0, 3), ("database", 1, 2), ("database", 2, 3))])
    assert line.boxes == "node › database"


def test_what_says_that_it_writes_is_drawn_so() -> None:
    made = Trace("abc", "POST /")
    for box, what in (("node", "write-1"), ("database", "shard 0 write"), ("database", "shard 0 replica b")):
        made.add(box, what, made._zero, made._zero)
    (chapter,) = story([made])
    assert [bar.is_write for bar in chapter.bars] == [True, True, False]
