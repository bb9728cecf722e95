"""A temptation: of one shard, nothing is left but a copy from an older term. It lacks what was acknowledged
since, so the database must refuse to start on it."""

import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from minisocial.database.connection import connect, files_of, head, numbered, remove
from minisocial.database.log import term_of
from minisocial.database.loss.control import read_file
from minisocial.errors import CannotStart
from minisocial.torture import sabotage
from minisocial.torture.opening import database
from minisocial.torture.world import World

Folders = Mapping[str, str]  # place → folder


@dataclass(frozen=True, slots=True)
class Relic:
    """A file of a shard as it was at an earlier kill."""

    shard: str
    place: str
    term: int  # the last it knows
    on_record: int  # the term that began since


def relics(world: World, folders: Folders) -> list[Relic]:
    """All that would tempt: their places are there, and a newer term than theirs is on record."""
    found: list[Relic] = []
    if not all(map(world.has_kept, folders)):
        return found
    for place, folder in folders.items():
        record, earlier = read_file(Path(folder)), world.earlier(place)
        for shard, (term, _) in (record["leaders"] if record and earlier else {}).items():
            known = term_in(earlier, shard) if earlier else 0
            if 0 < known < term:
                found.append(Relic(shard, place, known, term))
    return found


def term_in(folder: Path, shard: str) -> int:
    """The last term that the newest file of a shard knows; 0 if there is none to be read."""
    for _, path in numbered(folder, shard)[:1]:
        try:
            with closing(connect(path)) as connection:
                return term_of(head(connection))
        except sqlite3.Error:
            return 0
    return 0


def tempt(world: World, folders: Folders, durability: str, relic: Relic) -> str:
    """What is wrong, if the database starts; "" if it refuses. Afterwards the files are as the kill left them."""
    for folder in folders.values():
        for path in files_of(Path(folder), relic.shard):
            remove(path)
    place = Path(folders[relic.place])
    sabotage.set_file_back(
        sabotage.Target(relic.shard, "replica", relic.place, place, place, world.earlier(relic.place), random.Random())  # noqa: S311
    )
    cluster = database(world.folder, durability)
    try:
        cluster.start()
    except CannotStart:
        return ""
    finally:
        cluster.stop()
        for name, folder in folders.items():
            world.put_back(name, Path(folder))
    return (
        f"shard {relic.shard} started on a copy that knows term {relic.term}, and term {relic.on_record} is on record"
    )
