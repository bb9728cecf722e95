"""What the benchmark of the database found, as tables of text."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NAME = 54  # characters


@dataclass(frozen=True, slots=True)
class Pair:
    """Something that was measured in rounds, each time right beside something else; `mark` is the ratio to reach."""

    name: str
    ours: Sequence[float]
    beside: Sequence[float]
    mark: float | None = None

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: what slows a machine for a while slows both halves of a round."""
        return statistics.median(
            ours / beside if beside else 0.0 for ours, beside in zip(self.ours, self.beside, strict=True)
        )

    @property
    def is_reached(self) -> bool:
        return self.mark is None or self.ratio >= self.mark

    def line(self) -> str:
        verdict = "" if self.mark is None else f"{self.mark:9.2f} {'✓' if self.is_reached else '✗'}"
        ours, beside = number(statistics.median(self.ours)), number(statistics.median(self.beside))
        return f"{self.name:<{NAME}} {ours:>10} {beside:>10} {self.ratio:7.2f} {verdict}".rstrip()


@dataclass(frozen=True, slots=True)
class Alone:
    """Something with nothing to hold it against; `worst` is its other end, as `note` explains."""

    name: str
    median: float
    worst: float | None = None
    note: str = ""

    def line(self) -> str:
        worst = "" if self.worst is None else number(self.worst)
        return f"{self.name:<{NAME}} {number(self.median):>10} {worst:>10}   {self.note}".rstrip()


Figure = Pair | Alone


@dataclass(frozen=True, slots=True)
class Table:
    """Figures that belong together, under one headline."""

    title: str
    columns: Sequence[str]
    figures: Sequence[Figure]

    def lines(self) -> Iterator[str]:
        """The table, with an empty line in front."""
        first, second, *more = (*self.columns, "", "")
        yield ""
        yield f"{self.title:<{NAME}} {first:>10} {second:>10} {'  '.join(more)}".rstrip()
        for figure in self.figures:
            yield figure.line()


def missed(tables: Sequence[Table]) -> list[str]:
    """The names of the figures that did not reach their mark."""
    return [
        figure.name
        for table in tables
        for figure in table.figures
        if isinstance(figure, Pair) and not figure.is_reached
    ]


def number(value: float) -> str:
    """As many digits as tell something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
