"""Reading one entry through the tiers of the cache: from the memory of a node, and from the file for all."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial.cache import Caches, Kind, ReadThrough
from minisocial.database import Change

KEYS = 500
SHARD = "0"
LOCAL_MARK, GLOBAL_MARK = 5.0, 60.0  # microseconds
POST: Kind[Any] = Kind("post", encode=list, decode=tuple)
ROW = (1, 2, "Nothing to see here, I am only measuring. " * 4, "everyone", None, 1, (), 3, 4)


@dataclass(frozen=True, slots=True)
class Reading:
    """How long one entry takes, in microseconds."""

    name: str
    microseconds: float
    mark: float


def measure(folder: Path, rounds: int) -> list[Reading]:
    """Medians over rounds of some hundred entries each, asked for one by one.

    In processor time: nothing in here waits, and the neighbours on a busy machine are not to be measured.
    """
    caches: Caches[Change] = Caches(folder / "tiers", lambda change: (), lambda shard: 0)
    caches.start()
    try:
        first, second = caches.for_node("first"), caches.for_node("second")
        _read(first)  # loads all
        local, shared = [], []
        for _ in range(rounds):
            second.local.clear()
            shared.append(_timed(lambda: _read(second)))
            local.append(_timed(lambda: _read(second)))
    finally:
        caches.stop()
    return [
        Reading("one entry, from the node's memory", statistics.median(local), LOCAL_MARK),
        Reading("one entry, from the cache for all", statistics.median(shared), GLOBAL_MARK),
    ]


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) / KEYS * 1e6


def _read(node: ReadThrough) -> None:
    for number in range(KEYS):
        node.one(POST, SHARD, number, _load)


def _load(ids: Sequence[int], at_least: int) -> tuple[Mapping[int, Any], int]:
    return dict.fromkeys(ids, ROW), 1
