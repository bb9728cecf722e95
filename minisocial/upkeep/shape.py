"""The database's shape, changed and told in sentences: who leads, places, shards, and whether copies are equal."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from minisocial import ids
from minisocial.database import Cluster
from minisocial.database.loss.verification import EQUAL, SKIPPED, Verdict
from minisocial.database.snapshot import CopySnapshot, Move
from minisocial.errors import MinisocialError, Refused, Unavailable
from minisocial.upkeep.jobs import Progress

PAUSE = 0.2  # seconds between two looks
PATIENCE = 60.0  # seconds in which nothing goes on; then it is left to itself
SOME_ROWS = 10_000  # between two lines of progress
UNFILLED = ("missing", "copying", "suspect")  # states of a copy that is not, or not yet, what it should be
TRAVELS, ARRIVED = ("copying", "catching up"), "clearing"  # states of a move


class Left(NamedTuple):
    """What is still to be done, "" when nothing is; and whether something is going on that takes its time."""

    what: str
    is_going_on: bool = False


def promote(cluster: Cluster, shard: str, place: str) -> str:
    """Lets the copy in a place lead."""
    _check_shard(cluster, shard)
    _check_place(cluster, place)
    if place == leader(cluster, shard):
        return f"Place {place} leads shard {shard} already."
    if _state(cluster, shard, place) in UNFILLED:
        raise Refused(f"Place {place} has no sound copy of shard {shard} that could lead. Try again when it has one.")
    cluster.promote(shard, place)
    return f"Place {place} leads shard {shard} now."


def add_replica(cluster: Cluster, folder: Path | None, progress: Progress) -> str:
    """One more place, and waits until every shard has a copy there; one without a primary can not be copied."""
    name = cluster.add_replica(folder)
    progress(f"Place {name} is added, and is being filled.")
    left = wait_until(partial(_unfilled, cluster, name), progress)
    if left:
        return f"Place {name} is added. {left}; the rest follows by itself."
    without = [shard for shard in cluster.names if not leader(cluster, shard)]
    if without:
        return f"Place {name} is added. Shard {', '.join(without)} has no primary to copy from: that follows by itself."
    return f"Place {name} has a copy of every shard."


def remove_replica(cluster: Cluster, place: str) -> str:
    """One place less."""
    _check_place(cluster, place)
    cluster.remove_replica(place)
    return f"Place {place} is removed, with its files. There are {', '.join(p.name for p in cluster.places)} now."


def add_shard(cluster: Cluster) -> str:
    """One more shard, empty."""
    name = cluster.add_shard()
    return f"Shard {name} is there, and empty: `shards spread` moves a fair share of everything onto it."


def move(cluster: Cluster, logical: str, shard: str, progress: Progress) -> str:
    """Moves one logical shard, and waits until it is there."""
    number = _logical(logical)
    if shard not in cluster.shards:
        raise Refused(f"There is no shard {shard[:20]} that holds people; there are {', '.join(cluster.shards)}.")
    cluster.move(number, shard)
    left = wait_until(partial(_unmoved, cluster, number), progress)
    return (
        f"{left}; it goes on by itself."
        if left
        else f"Logical shard {number} lies on shard {_home(cluster, number)} now."
    )


def call_off(cluster: Cluster, logical: str) -> str:
    """Lets one that is on its way stay where it is."""
    number = _logical(logical)
    cluster.call_off(number)
    return f"Logical shard {number} stays on shard {_home(cluster, number)}; what was copied of it is removed."


def _home(cluster: Cluster, logical: int) -> str:
    return cluster.shard_of(ids.join(0, logical))


def _logical(text: str) -> int:
    if not (text.isdecimal() and int(text) < ids.LOGICAL_SHARDS):
        raise Refused(f"{text[:20]} is no logical shard: they are numbered from 0 to {ids.LOGICAL_SHARDS - 1}.")
    return int(text)


def spread_out(cluster: Cluster, progress: Progress) -> str:
    """Moves logical shards until each shard has its fair share of them."""
    cluster.spread_out()
    left = wait_until(partial(_unmoved, cluster), progress)
    return f"{left}; it goes on by itself." if left else f"Every shard has its share: {_shares(cluster)}."


def verify(cluster: Cluster, shard: str, place: str, progress: Progress) -> str:
    """Compares copies with their primary row by row; raises an error with the sentence if any differed."""
    if shard:
        _check_shard(cluster, shard)
    if place:
        _check_place(cluster, place)
    if shard and place and place == leader(cluster, shard):
        raise Refused(f"Place {place} leads shard {shard}; the others are compared with it. Name one of them, or none.")
    verdicts: list[Verdict] = []
    for name in [shard] if shard else cluster.names:
        for copy in [place] if place else [each.name for each in cluster.places]:
            if copy != leader(cluster, name):
                progress(f"Shard {name}, place {copy} …")
                verdicts += _compare(cluster, name, copy)
    troubles = [str(verdict) for verdict in verdicts if verdict.outcome != EQUAL]
    if troubles:
        raise Unavailable("\n".join(troubles))
    rows = sum(verdict.rows for verdict in verdicts)
    return f"{len(verdicts)} copies compared with their primaries, {rows:,} rows in all: everything is equal."


def _compare(cluster: Cluster, shard: str, place: str) -> list[Verdict]:
    """One copy that can not be compared does not end the others."""
    try:
        return cluster.verify(shard, place, thorough=True)
    except MinisocialError as error:
        why = f"Copy {place} of shard {shard} could not be compared: {error}"
        return [Verdict(shard, place, SKIPPED, why)]


def wait_until(left: Callable[[], Left], progress: Progress, pause: float = PAUSE, patience: float = PATIENCE) -> str:
    """Waits until nothing is left, and tells of what is; gives it back when nothing has gone on for a while."""
    clock = threading.Event()
    told, still = "", 0.0
    while (now := left()).what:
        progress(now.what if now.what != told else "")
        still = still + pause if now.what == told and not now.is_going_on else 0.0
        if still > patience:
            return now.what
        told = now.what
        clock.wait(pause)
    return ""


# --- what is told of it


def listing(cluster: Cluster, data: Path) -> str:
    """Every copy of every shard as a table, then the places, the shares, and what goes on."""
    rows: list[tuple[str, ...]] = [("shard", "place", "role", "state", "position", "lag")]
    snapshot = cluster.snapshot()
    for shard in snapshot.shards:
        for copy in sorted(shard.copies, key=lambda copy: copy.name):
            lag = f"{copy.lag_ms} ms" if copy.role == "replica" else ""
            rows.append((shard.name, copy.name, copy.role, copy.state, str(copy.position), lag))
    lines = [*_table(rows), "", *_places(cluster, data), "", f"Logical shards: {_shares(cluster)}."]
    return "\n".join([*lines, *(f"{_course(move)}: {move.state}" for move in snapshot.moves)])


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _places(cluster: Cluster, data: Path) -> Iterator[str]:
    for place in cluster.places:
        inside = place.folder.is_relative_to(data.absolute())
        folder = place.folder.relative_to(data.absolute()) if inside else place.folder
        problem = place.problem()
        yield f"Place {place.name}: {folder}" + (f"  ({problem})" if problem else "")


def _shares(cluster: Cluster) -> str:
    """How many logical shards lie on each shard."""
    counted = Counter(_home(cluster, logical) for logical in range(ids.LOGICAL_SHARDS))
    return ", ".join(f"{counted[shard]} on {shard}" for shard in cluster.shards)


def leader(cluster: Cluster, shard: str) -> str:
    """The place that leads a shard; "" while none does."""
    return next((copy.name for copy in _copies(cluster, shard) if copy.role == "primary"), "")


def _copies(cluster: Cluster, shard: str) -> tuple[CopySnapshot, ...]:
    return next((each.copies for each in cluster.snapshot().shards if each.name == shard), ())


def _state(cluster: Cluster, shard: str, place: str) -> str:
    return next((copy.state for copy in _copies(cluster, shard) if copy.name == place), "missing")


def _unfilled(cluster: Cluster, place: str) -> Left:
    """How many shards have a copy in a place, of those that can be copied."""
    states = [_state(cluster, shard, place) for shard in cluster.names if leader(cluster, shard)]
    filled = sum(state not in UNFILLED for state in states)
    if filled == len(states):
        return Left("")
    return Left(f"{filled} of {len(states)} shards are copied to place {place}", "copying" in states)


def _unmoved(cluster: Cluster, logical: int | None = None) -> Left:
    """Which logical shards, or whether one of them, are on the way; what is left behind is cleared away later."""
    moves = [move for move in cluster.snapshot().moves if move.state != ARRIVED and logical in (None, move.logical)]
    if not moves:
        return Left("")
    more = f", then {len(moves) - 1} more" if len(moves) > 1 else ""
    return Left(_course(moves[0]) + more, any(move.state in TRAVELS and not move.problem for move in moves))


def _course(move: Move) -> str:
    """Where it moves, and what is worth a new line: many rows, and trouble."""
    some = f", {move.rows // SOME_ROWS * SOME_ROWS:,} rows so far" if move.rows >= SOME_ROWS else ""
    why = f" ({move.problem})" if move.problem else ""
    return f"Logical shard {move.logical} moves from shard {move.source} to {move.target}{some}{why}"


def _check_shard(cluster: Cluster, shard: str) -> None:
    if shard not in cluster.names:
        raise Refused(f"There is no shard {shard[:20]}; there are {', '.join(cluster.names)}.")


def _check_place(cluster: Cluster, place: str) -> None:
    names = [each.name for each in cluster.places]
    if place not in names:
        raise Refused(f"There is no place {place[:20]}; there are {', '.join(names)}.")
