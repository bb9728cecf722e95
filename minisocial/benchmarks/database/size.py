"""How much the benchmark of the database does, and for how long."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Size:
    """What fits a run of two to three minutes."""

    rounds: int = 10  # of each pair; its median is shown
    seconds: float = 0.25  # of each half of a pair: many short rounds stand a busy machine better than few long ones
    threads: tuple[int, ...] = (1, 8, 32)  # that write at once
    slow_threads: int = 16  # that write at once to a slow disk
    slow_commit: float = 0.005  # seconds a commit takes longer there
    behind: int = 100_000  # changes a replica that was away has to catch up with
    catch_ups: int = 3
    pace: int = 1000  # changes a second where the follower is watched
    lag_seconds: float = 4.0
    failures: int = 5  # primaries that are lost, and as many that are relieved
    big_bytes: int = 128 * MIB  # of the database that is copied and moved
    copies: int = 3
    feeds: int = 200  # people with a feed of 800 posts, in the file that is read


QUICK = Size(
    rounds=1,
    seconds=0.1,
    behind=2000,
    catch_ups=1,
    lag_seconds=0.3,
    failures=1,
    big_bytes=4 * MIB,
    copies=1,
    feeds=10,
)
