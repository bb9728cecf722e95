from minisocial.benchmarks.client import Result
from minisocial.benchmarks.report import MIB, Line, Memory, Pair, lines_of, plain_line, table


def result(rate: int, *, refused: int = 0, broken: int = 0, cpu_seconds: float = 0.3) -> Result:
    statuses = {"200": rate, "503": refused}
    return Result(rate + refused, 1.0, 2.0, 3.0, 4.0, statuses, broken, cpu_seconds)


def report(line: Line, *memory: Memory) -> str:
    return "\n".join(lines_of([line], memory))


def test_ratios_are_taken_within_a_round_and_their_median_is_shown() -> None:
    line = Line(
        "home", [Pair(result(1000), result(400)), Pair(result(100), result(10)), Pair(result(500), result(250))]
    )
    assert line.ratio == 0.4
    assert "home                              250      2.0      3.0      4.0      0.40" in report(line)
    assert "bare Waitress, 8 KB               500" in report(line)


def test_marks_are_ticked_or_crossed() -> None:
    pairs = [Pair(result(1000), result(500))]
    assert "0.50 ✓" in report(Line("home", pairs, mark=0.5))
    assert "0.51 ✗" in report(Line("home", pairs, mark=0.51))


def test_memory_is_held_against_its_mark() -> None:
    text = report(Line("home", [Pair(result(1), result(1))]), Memory("idle", 79 * MIB, 80 * MIB), Memory("loaded", MIB))
    assert "79.0   under 80 ✓" in text
    assert "✗" not in text


def test_refusals_and_a_busy_generator_are_not_hidden() -> None:
    text = report(Line("home", [Pair(result(100), result(90, refused=7, broken=2, cpu_seconds=0.95))]))
    assert "✗ 7 refused (503), 2 connections lost" in text
    assert "95% of one core at most; it may have been the limit." in text


def test_a_bare_server_that_never_answered_gives_no_ratio() -> None:
    assert Line("home", [Pair(result(0), result(10))]).ratio == 0.0


def test_a_table_names_what_its_lines_stand_beside() -> None:
    text = "\n".join(table([Line("tracing on", [Pair(result(1000), result(970))], mark=0.97)], "tracing off", "ratio"))
    assert "tracing off                     1,000" in text
    assert "0.97 ✓" in text and "bare" not in text


def test_a_figure_of_its_own_has_a_most_or_a_least() -> None:
    assert plain_line("entry", 5.01, "µs", 5).endswith("5.01 µs  at most 5 ✗")
    assert plain_line("cold", 0.4, "", 0.35, is_least=True).endswith("at least 0.35 ✓")
