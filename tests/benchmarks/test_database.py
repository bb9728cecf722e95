import logging
import sys
import threading
from collections import Counter
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from minisocial.benchmarks import database
from minisocial.benchmarks.database.crew import Crew, alternating, p99, rate
from minisocial.benchmarks.database.figures import Alone, Pair, Table, missed, number
from minisocial.benchmarks.database.size import MIB, Size
from minisocial.benchmarks.database.stage import SHARD, Stage, primary, replicas
from minisocial.database.connection import connect
from minisocial.errors import Unavailable

TINY = Size(
    rounds=1,
    seconds=0.03,
    threads=(1, 32),
    slow_threads=4,
    slow_commit=0.001,
    behind=300,
    catch_ups=1,
    lag_seconds=0.05,
    failures=1,
    big_bytes=MIB,
    copies=1,
    feeds=2,
)
LINES = (
    "commits/s, 1 writer, NORMAL",
    "commits/s, 32 writers, NORMAL",
    "commits/s, 1 writer, FULL",
    "commits/s, 32 writers, FULL",
    "commits/s, 4 writers, sync of 1 ms",
    "feeds of 20 posts/processor s, through the router",
    "writes/s, 4 writers, while a replica catches up",
    "pages/s, while 2 replicas apply 1,000 changes/s",
    "pages/s, while these changes are written",
    "p99 of a write while a snapshot is made, ms",
    "changes/s a follower applies, catching up",
    "replicas' lag at 1,000 writes/s, ms",
    "fail-over, “commit”, ms",
    "fail-over, “replicated”, ms",
    "promotion, “commit”, longest wait of a writer, ms",
    "promotion, “replicated”, longest wait of a writer, ms",
    "snapshot of a primary, s per GiB",
    "move of a logical shard of 60 posts, s",
    "longest wait of a writer there, ms",
)


# the whole run


def test_a_run_prints_every_line_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = database.report(tmp_path, TINY)
    said = capsys.readouterr().out.split("\n")
    assert sorted(figure.name for table in tables for figure in table.figures) == sorted(LINES)
    for name in LINES:
        (line,) = [line for line in said if line.startswith(f"{name}  ")]
        assert any(digit in line[len(name) :] for digit in "123456789"), line
    for name in missed(tables):
        assert f"✗ below its mark: {name}" in said
    assert any("A sync takes" in line for line in said)


def test_a_run_leaves_the_interpreter_and_the_log_as_they_were(tmp_path: Path) -> None:
    logger, before = logging.getLogger("minisocial.database"), sys.getswitchinterval()
    sys.setswitchinterval(0.25)
    logger.setLevel(logging.INFO)
    try:
        with pytest.raises(FileNotFoundError):
            database.report(tmp_path / "nowhere", TINY)
        assert (sys.getswitchinterval(), logger.level) == (0.25, logging.INFO)
    finally:
        sys.setswitchinterval(before)
        logger.setLevel(logging.NOTSET)


# the report


def test_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    pair = Pair("commits/s", [1000, 10, 400], [2000, 100, 500])
    assert pair.ratio == 0.5
    assert pair.line().split() == ["commits/s", "400", "500", "0.50"]


def test_a_mark_is_ticked_when_it_is_reached_and_crossed_when_not() -> None:
    assert Pair("reads", [1.0], [2.0], mark=0.5).line().endswith("0.50 ✓")
    assert Pair("reads", [1.0], [2.0], mark=0.51).line().endswith("0.51 ✗")
    assert Pair("reads", [1.0], [0.0], mark=0.1).line().endswith("0.10 ✗")


def test_what_missed_its_mark_is_named_and_nothing_else() -> None:
    good, bad = Pair("good", [2], [1], mark=1.5), Pair("bad", [1], [1], mark=1.5)
    unmarked, alone = Pair("unmarked", [0], [1]), Alone("alone", 0.0)
    assert missed([Table("one", (), [good, unmarked]), Table("two", (), [alone, bad])]) == ["bad"]


def test_a_table_has_its_columns_over_its_figures() -> None:
    table = Table("by itself", ("median", "worst"), [Alone("lag, ms", 1.234, 56.78, "p99"), Alone("a move, s", 3)])
    empty, head, lag, move = table.lines()
    assert empty == ""
    assert lag.split("  ")[-1].strip() == "p99"
    assert head.index("worst") + len("worst") == lag.index("56.8") + len("56.8")
    assert head.index("median") + len("median") == move.index("3.00") + len("3.00")


def test_numbers_have_the_digits_that_tell_something() -> None:
    assert [number(value) for value in (12345.6, 99.94, 9.876, 0.01)] == ["12,346", "99.9", "9.88", "0.01"]


# the crew


def test_a_crew_repeats_its_work_in_all_threads_until_the_block_ends() -> None:
    turns, enough = Counter[int](), threading.Event()

    def work() -> int:
        turns[threading.get_ident()] += 1
        if len(turns) == 3 and min(turns.values()) > 3:
            enough.set()
        return 7

    with Crew(work, threads=3, pause=0.001) as crew:
        assert enough.wait(10)
    done = crew.done()
    assert len(done) == sum(turns.values())
    assert [one.at for one in done] == sorted(one.at for one in done)
    assert {one.position for one in done} == {7}
    assert crew.done(since=done[-1].at) == []


def test_what_is_refused_is_counted_and_tried_again() -> None:
    turns, succeeded = count(), threading.Event()

    def work() -> int:
        if next(turns) < 3:
            raise Unavailable("Nothing was saved.")
        succeeded.set()
        return 0

    with Crew(work, threads=1) as crew:
        assert succeeded.wait(10)
    assert crew.refused == 3


def test_an_unexpected_error_in_a_thread_ends_the_benchmark() -> None:
    def work() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Crew(work, threads=2):
        pass
    with pytest.raises(ZeroDivisionError):
        rate(work, threads=1, seconds=0.01)


def test_halves_of_a_round_take_turns_at_being_first() -> None:
    order = []

    def measure(name: str, values: "count[int]") -> float:
        order.append(name)
        return next(values)

    ours, beside = count(10), count(20)
    found = alternating(3, lambda: measure("ours", ours), lambda: measure("beside", beside))
    assert order == ["ours", "beside", "beside", "ours", "ours", "beside"]
    assert found == ([10, 11, 12], [20, 21, 22])


def test_without_any_work_done_the_rate_and_the_p99_are_nothing() -> None:
    crew = Crew(lambda: 0, threads=1)
    assert crew.rate() == 0.0
    assert p99(crew.done()) == 0.0


# the stage


def test_plain_sqlite3_writes_the_same_rows_and_no_log(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TINY)
    with stage.plain() as write:
        write()
        write()
    with closing(connect(tmp_path / "1" / "plain.db")) as connection:
        assert connection.execute("SELECT count(*) FROM posts").fetchone() == (2,)
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name GLOB '_log*'").fetchall()


def test_a_stage_fills_a_database_and_says_who_leads_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, TINY)
    with stage.cluster(replicas=1) as cluster:
        stage.fill(cluster, 1500)
        position = stage.writing(cluster, rows=2)()
        assert position == cluster.position(SHARD)
        assert (primary(cluster).name, [copy.name for copy in replicas(cluster)]) == ("a", ["b"])
        with cluster.read(SHARD, at_least=position) as reader:
            assert reader.rows("SELECT count(*), count(DISTINCT id) FROM posts") == [(1502, 1502)]
