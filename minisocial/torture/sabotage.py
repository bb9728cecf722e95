"""What is done to the files of the database: one function for each kind of damage.

The one who damages is another process, so it may open files; the database's own process must not.
"""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from minisocial.database.loss.control import NAME as CONTROL

PAGE = 4096  # bytes
SMALL = 1 << 44  # an identifier below it is from the first hour of 1970, and in nobody's way
# The outbox: its rows stay where they were written, whoever moves.
OUTSIDE = "INSERT INTO outbox (id, task, args, request_id, created_at) VALUES (?, '', '{}', ?, 0)"
AWAY = "disk away"


@dataclass(frozen=True, slots=True)
class Target:
    """The copy of a shard that is to suffer."""

    shard: str
    role: str  # primary, replica
    name: str  # of its place: a, b, …
    place: Path  # its folder
    file: Path
    earlier: Path | None  # the same folder as it was some rounds before
    chance: random.Random


def delete(target: Target) -> None:
    target.file.unlink()


def delete_all(target: Target) -> None:
    """The file and its WAL."""
    target.file.unlink()
    delete_wal(target)


def delete_wal(target: Target) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{target.file}{suffix}").unlink(missing_ok=True)


def truncate(target: Target) -> None:
    size = target.file.stat().st_size
    os.truncate(target.file, target.chance.choice([0, size // 2]))


def scribble(target: Target) -> None:
    """Noise over a third of the pages."""
    pages = max(1, target.file.stat().st_size // PAGE)
    with target.file.open("r+b") as file:
        for _ in range(max(3, pages // 3)):
            file.seek(target.chance.randrange(pages) * PAGE)
            file.write(target.chance.randbytes(PAGE))


def scribble_header(target: Target) -> None:
    with target.file.open("r+b") as file:
        file.write(target.chance.randbytes(100))


def alter(target: Target) -> None:
    """A row is changed as a bad disk or a stray program may do it: the file is sound, and no log knows of it."""
    with closing(sqlite3.connect(f"{target.file.as_uri()}?mode=rw", uri=True)) as connection, connection:
        newest = "SELECT max(id) FROM posts"
        if not connection.execute(f"UPDATE posts SET likes = likes + 1 WHERE id = ({newest})").rowcount:
            raise FileNotFoundError


def leave_stray(target: Target) -> None:
    """A file that a snapshot left half way."""
    target.file.with_name(f"shard-{target.shard}-99.tmp").write_bytes(target.chance.randbytes(5000))


def lose_control(target: Target) -> None:
    (target.place / CONTROL).unlink()


def spoil_control(target: Target) -> None:
    (target.place / CONTROL).write_bytes(target.chance.randbytes(300))


def set_control_back(target: Target) -> None:
    """The file of terms is that of some rounds before."""
    if target.earlier is None:
        raise FileNotFoundError
    shutil.copyfile(target.earlier / CONTROL, target.place / CONTROL)


def set_file_back(target: Target) -> None:
    """The copy is that of some rounds before."""
    old = sorted(target.earlier.glob(f"shard-{target.shard}-*")) if target.earlier else []
    if not old:
        raise FileNotFoundError
    for file in target.place.glob(f"shard-{target.shard}-*"):
        file.unlink()
    for file in old:
        if not file.name.endswith("-shm"):
            shutil.copyfile(file, target.place / file.name)


def set_place_back(target: Target) -> None:
    """The whole disk is that of some rounds before: all shards, and the file of terms."""
    if target.earlier is None:
        raise FileNotFoundError
    shutil.rmtree(target.place)
    shutil.copytree(target.earlier, target.place, ignore=shutil.ignore_patterns("*-shm"))


def take_away(target: Target) -> None:
    """The disk is gone; `bring_back` returns it as it was."""
    target.place.rename(away(target.place))


def away(place: Path) -> Path:
    return place.with_name(place.name + ".away")


def bring_back(place: Path) -> None:
    """The disk is there again, and hides what was written to the empty folder meanwhile."""
    if not away(place).exists():
        return
    meanwhile = place.with_name(place.name + ".meanwhile")
    with suppress(FileNotFoundError):
        place.rename(meanwhile)
    away(place).rename(place)
    shutil.rmtree(meanwhile, ignore_errors=True)


def write_from_outside(file: Path) -> str:
    """A row of another program, on the primary's file; its key, or "" if the file was not to be had."""
    number = time.time_ns() % SMALL
    key = f"outside:{number}"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=3)) as connection, connection:
            connection.execute(OUTSIDE, (number, key))
    except sqlite3.Error:
        return ""
    return key


Damage = Callable[[Target], None]

# What harms the copy itself, whether the database runs or not.
TO_THE_COPY: dict[str, Damage] = {
    "deleted": delete,
    "deleted with its WAL": delete_all,
    "WAL deleted": delete_wal,
    "truncated": truncate,
    "overwritten": scribble,
    "header overwritten": scribble_header,
}
# The same, but only while it does not run.
TO_A_DEAD_COPY: dict[str, Damage] = {
    **TO_THE_COPY,
    "set back": set_file_back,
    "disk set back": set_place_back,
    AWAY: take_away,
}
# What no copy suffers from.
TO_NO_COPY: dict[str, Damage] = {
    "file of terms deleted": lose_control,
    "file of terms overwritten": spoil_control,
    "stray snapshot": leave_stray,
}
TO_NO_COPY_WHEN_DEAD: dict[str, Damage] = {**TO_NO_COPY, "file of terms set back": set_control_back}
ALTERED = "row altered"  # of a dead replica
# A copy that only lost its name can still be read by replicas that have it open, while the process lives.
KEPT_OPEN = {"deleted", "deleted with its WAL", "WAL deleted", AWAY}
# It needs a majority, and is mended only now and then: so no second place may lose it.
TAKES_TERMS = {"file of terms deleted", "file of terms overwritten", AWAY}
WHOLE_PLACE = {"disk set back", AWAY}
