"""From the commit of a like to its notification, idle and beside people who post, each again as soon as they can."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minisocial.background import Task
from minisocial.benchmarks.background.size import Size
from minisocial.benchmarks.background.stage import Arrivals, people, system
from minisocial.benchmarks.client import percentile
from minisocial.benchmarks.database.figures import Alone
from minisocial.system import System

SHARD = "0"
CROWD = 2  # threads that post


def measure(scratch: Path, size: Size) -> list[Alone]:
    """Milliseconds."""
    starts: dict[int, float] = {}

    def probe(task: Task) -> None:
        starts[task.id] = time.perf_counter()

    with system(scratch / "visible", lambda made: made.background.handle({"probe": probe})) as made:
        arrivals = Arrivals(made, "notifications", time.perf_counter)
        author, *fans = people(made, "ada", *(f"fan{number}" for number in range(4)))
        begun = [_start(made, starts) for _ in range(size.likes)]
        idle = list(_likes(made, arrivals, author, fans, size.likes))
        with _crowd(made, arrivals, fans):
            busy = list(_likes(made, arrivals, author, fans, size.likes))
    return [
        _figure("from a commit to the start of its task, idle, ms", begun),
        _figure("from a like to its notification, idle, ms", idle),
        _figure(f"from a like to its notification, {CROWD} threads post, ms", busy),
    ]


def _figure(name: str, values: list[float]) -> Alone:
    values = sorted(value * 1000 for value in values)
    return Alone(name, percentile(values, 0.5), percentile(values, 0.99), "worst: the 99th percentile")


def _start(made: System, starts: dict[int, float]) -> float:
    with made.cluster.write(SHARD) as tx:
        id = made.background.add(tx, SHARD, "probe", {})
    committed = time.perf_counter()
    made.background.drain()
    return max(0.0, starts[id] - committed)


def _likes(made: System, arrivals: Arrivals, author: int, fans: list[int], number: int) -> Iterator[float]:
    """One after the other: each waits for its notification."""
    for count in range(number):
        fan = fans[count % len(fans)]
        with made.cluster.session({}):
            post = made.social.posts.publish(author, f"post {count}", "everyone").post.id
            made.social.posts.like(fan, post)
        committed = time.perf_counter()
        yield max(0.0, arrivals.wait_for(f"like:{post}:{fan}") - committed)


@contextmanager
def _crowd(made: System, arrivals: Arrivals, authors: list[int]) -> Iterator[None]:
    """They wait until their last post has been told of: else they would leave more to do than can be done, and the
    figure would be how long that has been going on."""
    stop = threading.Event()

    def work(author: int) -> None:
        count = 0
        while not stop.is_set():
            with made.cluster.session({}):
                post = made.social.posts.publish(author, f"noise {(count := count + 1)} for @ada", "everyone").post.id
            arrivals.wait_for(f"mention:{post}")

    threads = [threading.Thread(target=work, args=(author,), daemon=True) for author in authors[:CROWD]]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
