"""What a benchmark found, as tables of text."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from minisocial.benchmarks.client import Result

MIB = 1 << 20
NAME = 26  # characters


@dataclass(frozen=True, slots=True)
class Pair:
    """One round: bare Waitress and the page, one right after the other."""

    bare: Result
    page: Result

    @property
    def ratio(self) -> float:
        return self.page.rate / self.bare.rate if self.bare.rate else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """All rounds of one page; `mark` is the ratio to reach."""

    name: str
    pairs: Sequence[Pair]
    mark: float | None = None

    @property
    def ratio(self) -> float:
        return statistics.median(pair.ratio for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes at one moment."""

    name: str
    amount: int
    mark: int | None = None


def lines_of(lines: Sequence[Line], memory: Sequence[Memory]) -> Iterator[str]:
    """The whole report; every figure is the median of the rounds."""
    yield from table(lines)
    yield ""
    yield f"{'resident memory':<{NAME}}        MiB"
    for moment in memory:
        verdict = "" if moment.mark is None else f"   under {moment.mark // MIB} {_tick(moment.amount < moment.mark)}"
        yield f"{moment.name:<{NAME}} {moment.amount / MIB:10.1f}{verdict}"
    yield generator(lines)


def table(lines: Sequence[Line], beside: str = "bare Waitress, 8 KB", of: str = "of bare") -> Iterator[str]:
    """Lines that were all measured beside the same thing, which is shown first."""
    yield f"{'':<{NAME}} requests/s   p50 ms   p95 ms   p99 ms {of:>9}   to reach"
    yield _row(beside, [pair.bare for line in lines for pair in line.pairs])
    for line in lines:
        verdict = "" if line.mark is None else f"{line.mark:9.2f} {_tick(line.ratio >= line.mark)}"
        yield f"{_row(line.name, [pair.page for pair in line.pairs])} {line.ratio:9.2f}  {verdict}".rstrip()
        yield from _troubles(line)


def _row(name: str, results: Sequence[Result]) -> str:
    rate, p50, p95, p99 = (
        statistics.median(getattr(result, figure) for result in results)
        for figure in ("rate", "p50_ms", "p95_ms", "p99_ms")
    )
    return f"{name:<{NAME}} {rate:10,.0f} {p50:8.1f} {p95:8.1f} {p99:8.1f}"


def _troubles(line: Line) -> Iterator[str]:
    refused = sum(pair.page.refused for pair in line.pairs)
    broken = sum(pair.page.broken for pair in line.pairs)
    if refused or broken:
        seen = sorted({status for pair in line.pairs for status in pair.page.statuses if status >= "400"})
        yield f"  ✗ {refused} refused ({', '.join(seen)}), {broken} connections lost"


def plain_line(name: str, amount: float, unit: str, mark: float, is_least: bool = False) -> str:
    """A figure of its own, with what it may be at most, or has to be at least."""
    is_reached = amount >= mark if is_least else amount <= mark
    return f"{name:<48} {amount:8.2f} {unit:<3} {'at least' if is_least else 'at most'} {mark:g} {_tick(is_reached)}"


def generator(lines: Sequence[Line]) -> str:
    """The generator must not be what was measured."""
    results = [result for line in lines for pair in line.pairs for result in (pair.bare, pair.page)]
    busiest = max((result.cpu_seconds / result.seconds for result in results if result.seconds), default=0.0)
    return f"The load generator was busy for {busiest:.0%} of one core at most" + (
        "; it may have been the limit." if busiest > 0.9 else "."
    )


def _tick(is_reached: bool) -> str:
    return "✓" if is_reached else "✗"
