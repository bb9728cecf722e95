"""What a backup says of itself: from when it is, what is in it, and by what to know that it is whole."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from minisocial.errors import Refused

NAME = "manifest.json"
FORMAT = 1
LONGEST = 256 << 20  # bytes of a manifest; a million files take less
LATEST = 250_000_000_000_000  # milliseconds since 1970; a calendar knows no day after the year 9999
PLACE = "database/a"  # one place alone is a majority of one, so the backup starts as it is
PATH = re.compile(
    rf"{PLACE}/(control\.json|shard-[a-z0-9]+-[0-9]+\.db)|minisocial\.toml|dead\.db"
    r"|(mail|media)(/(?!\.\.?(/|$))[^/\\:\x00-\x1f\x7f]+)+"
)
NOT_A_MANIFEST = "Its manifest is not one that minisocial wrote."


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file, and by what to know it again."""

    path: str  # in the backup, and in the data folder it becomes
    bytes: int
    sha256: str  # hexadecimal


@dataclass(frozen=True, slots=True)
class ShardPart:
    """One shard: its position at the moment of the backup, and how many rows each table had then."""

    name: str
    path: str
    position: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The last entry of a backup."""

    program: str  # version of minisocial
    schema: int  # version of the tables
    at: int  # milliseconds since 1970: all shards are as they were at this one moment
    shards: tuple[ShardPart, ...]
    files: tuple[FilePart, ...]

    @property
    def unpacked(self) -> int:
        """The bytes it takes when it is unpacked."""
        return sum(file.bytes for file in self.files)

    def __str__(self) -> str:
        when = datetime.fromtimestamp(self.at / 1000).strftime("%Y-%m-%d %H:%M:%S")
        rows = sum(count for shard in self.shards for table, count in shard.rows.items() if table != "_log")
        return (
            f"The backup holds the state of {when}: {rows:,} rows in {len(self.shards)} shards, "
            f"{len(self.files):,} files, {size(self.unpacked)} when unpacked."
        )

    def written(self) -> bytes:
        """As it stands in the backup."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()


def may_hold(path: str) -> bool:
    """Whether a file of this name belongs into a data folder. Nothing else is packed, and nothing else unpacked."""
    return PATH.fullmatch(path) is not None


def size(count: int) -> str:
    """Bytes, for people."""
    return f"{count / (1 << 20):,.1f} MiB" if count >= 1 << 20 else f"{count / 1024:,.0f} KiB"


def read(text: bytes) -> Manifest:
    """The manifest of a backup that may be damaged, or made up; refuses with what is wrong with it."""
    try:
        given = json.loads(text)
        if given["format"] > FORMAT:
            raise Refused(f"A newer minisocial ({given['program']}) made it; use that one.")
        manifest = Manifest(
            program=_text(given["program"]),
            schema=_count(given["schema"]),
            at=_count(given["at"]),
            shards=tuple(_shard(shard) for shard in given["shards"]),
            files=tuple(_file(file) for file in given["files"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused(NOT_A_MANIFEST) from None
    paths, names = [file.path for file in manifest.files], [shard.name for shard in manifest.shards]
    is_double = len(set(paths)) < len(paths) or len(set(names)) < len(names)
    if is_double or manifest.at > LATEST or not {shard.path for shard in manifest.shards} <= set(paths):
        raise Refused(NOT_A_MANIFEST)
    return manifest


def _shard(given: Any) -> ShardPart:
    rows = {_text(table): _count(rows) for table, rows in given["rows"].items()}
    if not re.fullmatch(rf"{PLACE}/shard-{re.escape(_text(given['name']))}-[0-9]+\.db", _path(given["path"])):
        raise ValueError("the file of another shard")
    return ShardPart(_text(given["name"]), _path(given["path"]), _count(given["position"]), rows)


def _file(given: Any) -> FilePart:
    return FilePart(_path(given["path"]), _count(given["bytes"]), _text(given["sha256"]))


def _text(given: Any) -> str:
    if not isinstance(given, str) or not given.isprintable():
        raise TypeError("no text")
    return given


def _count(given: Any) -> int:
    if type(given) is not int or not 0 <= given < 1 << 63:
        raise TypeError("no count")
    return given


def _path(given: Any) -> str:
    """Only names that a backup can have: none leads out of the folder it is unpacked into."""
    if not may_hold(_text(given)):
        raise Refused(f"It holds {given!r}, which does not belong into a data folder.")
    return str(given)
