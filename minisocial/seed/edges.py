"""Reads an edge list: two numbers a line, plain or gzip, as published collections of graphs have them."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from minisocial import errors

GZIP_MAGIC = b"\x1f\x8b"
LONGEST_LINE = 1000  # bytes; a file without line ends is not read into memory whole
# 18 digits: with the "p" before it a number must fit into a username, and into SQLite's integers
PAIR = re.compile(rb"\s*(\d{1,18})(?:\s+|\s*[,;]\s*)(\d{1,18})\s*")

Edge = tuple[int, int]


def read_edges(path: Path) -> list[Edge]:
    """Every edge once, the lower number first, in the order of the file; edges to oneself are left out.

    Blank lines, lines beginning with # or %, and a header in the first line are skipped. Anything
    else that is not two numbers raises `errors.Invalid` with the number of its line.
    """
    try:
        with _open(path) as file:
            edges = dict.fromkeys(_pairs(file, path.name))
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise errors.Invalid("graph", f"The edge list {path} cannot be read: {_reason(error)}.") from error
    if not edges:
        raise errors.Invalid("graph", f"The edge list {path} holds no edge: it needs lines of two numbers each.")
    return list(edges)


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP_MAGIC
    return gzip.open(path, "rb") if is_gzip else path.open("rb")  # type: ignore[return-value]


def _pairs(file: BinaryIO, name: str) -> Iterator[Edge]:
    lines = iter(lambda: file.readline(LONGEST_LINE), b"")
    is_first = True
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip() or line.lstrip()[:1] in b"#%":
            continue
        pair = PAIR.fullmatch(line)
        if pair is None and not (is_first and _is_header(line)):
            raise errors.Invalid("graph", f"Line {number} of {name} is not two numbers: {_shown(line)}")
        is_first = False
        if pair is not None and int(pair[1]) != int(pair[2]):
            yield _ordered(int(pair[1]), int(pair[2]))


def _is_header(line: bytes) -> bool:
    """Words, such as "source target": nothing that could be an edge with a typing error."""
    return re.fullmatch(rb"[A-Za-z_ \t,;\"\r\n]+", line) is not None


def _ordered(one: int, other: int) -> Edge:
    return (one, other) if one < other else (other, one)


def _shown(line: bytes) -> str:
    text = line.strip().decode("utf-8", "replace")
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
