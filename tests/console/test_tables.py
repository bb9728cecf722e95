from dataclasses import dataclass, field

from minisocial.console.tables import Table, sections
from tests.console.fakes import Copy, Database, Shard, Tier, snapshot


@dataclass(frozen=True)
class Queue:
    is_paused: bool = True
    oldest_ms: float | None = None
    depth: int = 1234567
    rate: float = 2.345
    by_name: dict[str, int] = field(default_factory=lambda: {"deliver": 2})
    waiting: tuple[str, ...] = ("a", "b")


def table(title: str, **changed: object) -> Table:
    found = [t for section in sections(snapshot(**changed)) for t in section.tables if t.title == title]
    assert len(found) == 1
    return found[0]


def test_a_new_counter_appears_by_itself() -> None:
    queue = table("queue", queue=Queue())
    assert queue.columns == ["is paused", "oldest ms", "depth", "rate", "by name", "waiting"]
    assert [cell.text for cell in queue.rows[0]] == ["yes", "–", "1,234,567", "2.3", "deliver 2", "a, b"]
    assert [cell.is_number for cell in queue.rows[0]] == [False, False, True, True, False, False]


def test_rows_within_rows_are_led_by_where_they_lie() -> None:
    copies = table("copies")
    assert copies.columns[:3] == ["shard", "name", "role"]
    assert [[cell.text for cell in row[:3]] for row in copies.rows[:4]] == [
        ["directory", "a", "primary"],
        ["directory", "b", "replica"],
        ["directory", "c", "replica"],
        ["0", "a", "primary"],
    ]


def test_positions_and_sizes_are_shown_for_people() -> None:
    copy = Copy("a", "primary", "", position=3 << 40 | 18_204)
    copies = table("copies", database=Database((Shard("0", (copy,)),)))
    assert copies.rows[0][copies.columns.index("position")].text == "3:18,204"
    shared = table("global cache", global_cache=Tier(bytes=1536))
    assert shared.rows[0][shared.columns.index("bytes")].text == "1.5 KiB"


def test_empty_lists_are_no_trouble() -> None:
    assert not [t for s in sections(snapshot(local_caches=())) for t in s.tables if t.title == "local caches"]
    assert table("database", database=Database(())).columns == ["shards", "commits"]


def test_the_process_has_memory() -> None:
    assert "memory" in table("process").columns
