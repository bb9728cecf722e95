"""What a writer notes of its work, outside of the database: before each operation, and after its answer.

One file per writer, one line per note. The audit adds what it found, so that the next one is stricter:

    account 123456        whose posts these are
    B 17 U 9001 3fe2…     operation 17 begins: it changes post 9001 to a text of this digest
    A 17 0 1099511627800  it was acknowledged: shard 0, position; this line is synced
    N 17 Unavailable: …   it was surely refused (or taken back by the writer itself)
    M 17                  there was no such post, so the writer took it back
    ? 17                  it is in doubt; so is one without any note after its B
    L 17                  the audit: it was acknowledged and is lost
    Y 17   X 17           the audit: it was in doubt, and is there / is not there
    =                     the audit: all above is decided
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

INSERT, UPDATE, DELETE, LIKE, UNDONE = "IUDLR"  # kinds of operations; the last one is taken back by its writer
DOUBT, SAVED, REFUSED, MISSING, LOST = "doubt", "saved", "refused", "missing", "lost"  # states
AFTER = {"A": SAVED, "N": REFUSED, "M": MISSING, "?": DOUBT, "L": LOST, "Y": SAVED, "X": REFUSED}  # note → state


@dataclass(slots=True)
class Operation:
    """One write block of a writer, as its notes tell."""

    number: int
    kind: str
    post: int
    digest: str
    state: str = DOUBT
    shard: str = ""
    position: int = 0  # of its commit; 0 if it never was acknowledged
    why: str = ""  # it was refused
    is_decided: bool = False  # an audit has seen how it ended


@dataclass(slots=True)
class History:
    """All that a writer noted."""

    writer: int
    account: int = 0
    operations: dict[int, Operation] = field(default_factory=dict)

    @property
    def next_number(self) -> int:
        return max(self.operations, default=0) + 1


class Notes:
    """The file of one writer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if path.stat().st_size:
            self._write("")  # the last line may be torn

    def account(self, id: int) -> None:
        self._write(f"account {id}")

    def begins(self, number: int, kind: str, post: int, digest: str) -> None:
        self._write(f"B {number} {kind} {post} {digest}")

    def saved(self, number: int, shard: str, position: int) -> None:
        """It was acknowledged. From here on it may never be lost, so this note may not either."""
        self._write(f"A {number} {shard} {position}")
        os.fsync(self._file)

    def ended(self, number: int, mark: str, why: str = "") -> None:
        """It ended in another way: "N", "M" or "?"; or an audit found out how: "L", "Y" or "X"."""
        self._write(f"{mark} {number} {why}".rstrip())

    def decided(self) -> None:
        self._write("=")

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


def notes_path(folder: Path, writer: int) -> Path:
    return folder / f"writer-{writer}.notes"


def read_notes(folder: Path, writer: int) -> History:
    """What a writer noted so far."""
    path = notes_path(folder, writer)
    lines = path.read_text().splitlines() if path.exists() else []
    return history_of(writer, lines)


def history_of(writer: int, lines: Iterable[str]) -> History:
    """The history that these lines tell; a torn line tells nothing."""
    history = History(writer)
    undecided: list[Operation] = []
    for line in lines:
        mark, *rest = line.split(" ", 4) if line else [""]
        try:
            if mark == "=":
                for operation in undecided:
                    operation.is_decided = True
                undecided.clear()
            elif mark == "account":
                history.account = int(rest[0])
            elif mark == "B":
                begun = Operation(int(rest[0]), rest[1], int(rest[2]), rest[3])
                history.operations[begun.number] = begun
                undecided.append(begun)
            elif mark in AFTER:
                _end(history.operations[int(rest[0])], mark, rest[1:])
        except (IndexError, KeyError, ValueError):
            continue
    return history


def _end(operation: Operation, mark: str, rest: list[str]) -> None:
    if mark == "A":
        operation.shard, operation.position = rest[0], int(rest[1])
    elif mark == "N":
        operation.why = " ".join(rest)
    operation.state = AFTER[mark]


def posts_left(history: History) -> set[int]:
    """The posts a writer may go on with: surely there, and nothing about them in doubt."""
    posts: set[int] = set()
    doubtful: set[int] = set()
    for operation in history.operations.values():
        if operation.state == DOUBT:
            doubtful.add(operation.post)
        elif operation.state == SAVED and operation.kind == INSERT:
            posts.add(operation.post)
        elif operation.state == SAVED and operation.kind == DELETE:
            posts.discard(operation.post)
    return posts - doubtful
