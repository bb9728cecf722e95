"""Tables of plain text."""

from collections.abc import Iterable, Iterator


def table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A line for each row, its columns below each other."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
