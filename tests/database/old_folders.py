"""Data folders as they were: built from the schemas that were released."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from minisocial.clock import Clock
from minisocial.database import log
from minisocial.database.connection import numbered
from minisocial.database.copies import Copy
from minisocial.database.loss.places import Place

RELEASED = Path(__file__).parent / "released"
NUMBER = 1_800_000_000_000  # in the names of the files


def released() -> list[int]:
    """The versions of the tables that somebody may have."""
    return sorted(int(path.stem[1:]) for path in RELEASED.glob("v*.sql"))


def build(data: Path, version: int, places: str = "abc") -> Path:
    """A folder of that version: a directory, shard 0 with a small club, shard 1 without people. Its database folder."""
    root = data / "database"
    scripts = re.split(r"^-- shard (\w+)\n", (RELEASED / f"v{version}.sql").read_text("utf-8"), flags=re.MULTILINE)
    by_shard = dict(zip(scripts[1::2], scripts[2::2], strict=True))
    for place in places:
        (root / place).mkdir(parents=True)
        for shard in ("directory", "0", "1"):
            with closing(sqlite3.connect(path_of(root, shard, place), isolation_level=None)) as file:
                file.execute("PRAGMA journal_mode = WAL")
                file.executescript(by_shard.get(shard, by_shard["0"]))
                if shard == "1":
                    clear(file)
                if place != places[0]:
                    log.install(file, {})  # replicas have no triggers
        (root / place / "control.json").write_text(json.dumps(control(places)))
    return root


def clear(file: sqlite3.Connection) -> None:
    """Takes the rows out, and out of the log too."""
    for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_log'").fetchall():
        file.execute(f'DELETE FROM "{name}"')
    file.execute("DELETE FROM _log WHERE seq > ?", (1 << log.TERM_SHIFT,))


def control(places: str) -> dict[str, object]:
    """The control file of 0.1.0."""
    leaders = {shard: [1, places[0]] for shard in ("directory", "0", "1")}
    issued = dict.fromkeys(leaders, 1)
    return {"version": 4, "issued": issued, "leaders": leaders, "map": ["0"] * 32 + ["1"] * 32, "places": list(places)}


def path_of(root: Path, shard: str, place: str = "a") -> Path:
    """The file of a shard in a place, newest first; a name for it if there is none."""
    there = numbered(root / place, shard) if (root / place).is_dir() else []
    return there[0][1] if there else root / place / f"shard-{shard}-{NUMBER + ord(place)}.db"


def heirs(root: Path) -> dict[str, Copy]:
    """The copies in place a, opened as a start opens them."""
    copies = {shard: Copy(shard, Place("a", root / "a", root), Clock()) for shard in ("directory", "0", "1")}
    for shard, copy in copies.items():
        copy.use(path_of(root, shard))
    return copies


def record(root: Path) -> dict[str, object]:
    """What the control file says."""
    content: dict[str, object] = json.loads((root / "a" / "control.json").read_text())
    return content
