"""What replicas do and what they cost: how fast they apply, how far they lag, whom they slow down."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from itertools import cycle

from minisocial.benchmarks.client import percentile
from minisocial.benchmarks.database.crew import Crew, Work, alternating, rate, wait
from minisocial.benchmarks.database.figures import Alone, Pair
from minisocial.benchmarks.database.reads import FEED
from minisocial.benchmarks.database.stage import PATIENCE, POLL, SHARD, Stage, replicas, seconds_until
from minisocial.database import Cluster
from minisocial.database.copies import Copy

WRITERS = 4
SELDOM = 0.01  # seconds between two looks at a copy beside writers, who should not feel them
LAG_EVERY = 0.002  # seconds between two looks at the lag
CATCH_UP_MARK = 0.8
PAGES_MARK = 0.85
ROWS = 10  # in each write block beside which pages are rendered
PAGE_WRITERS = 2


def alone(stage: Stage, cluster: Cluster) -> Iterator[Alone]:
    """How fast a follower is, and how close."""
    stage.say("Followers ...")
    rates = sorted(_apply_rate(stage, cluster) for _ in range(stage.size.catch_ups))
    yield Alone("changes/s a follower applies, catching up", percentile(rates, 0.5), rates[0], "slowest")
    yield _lag(stage, cluster)


def _apply_rate(stage: Stage, cluster: Cluster) -> float:
    away = replicas(cluster)[0]
    with _away(cluster, away):
        stage.fill(cluster, stage.size.behind)
        cluster.settle(PATIENCE)
    return stage.size.behind / _caught_up(cluster, away)


def _lag(stage: Stage, cluster: Cluster) -> Alone:
    size, shard, lags = stage.size, cluster.named(SHARD), list[float]()
    with Crew(stage.writing(cluster), WRITERS, pause=WRITERS / size.pace) as crew:
        end = time.perf_counter() + size.lag_seconds
        while time.perf_counter() < end:
            wait(LAG_EVERY)
            lags += [shard.lag(copy) * 1000 for copy in replicas(cluster)]
    lags.sort()
    note = f"p99; {crew.rate():,.0f} writes/s were made"
    return Alone(f"replicas' lag at {size.pace:,} writes/s, ms", percentile(lags, 0.5), percentile(lags, 0.99), note)


def beside_itself(stage: Stage, cluster: Cluster) -> Iterator[Pair]:
    """How much writers and readers have left while replicas are at work."""
    stage.say("Replicas beside writers and readers ...")
    yield _writers_while_catching_up(stage, cluster)
    yield from _pages_while_applying(stage, cluster)


def _writers_while_catching_up(stage: Stage, cluster: Cluster) -> Pair:
    """Beside the mean of before, when it is away, and after, when it follows as always: so a machine that gets
    slower or faster meanwhile counts for nothing."""
    meanwhile, beside = list[float](), list[float]()
    for _ in range(stage.size.catch_ups):
        away, stretch = replicas(cluster)[0], 2 * stage.size.seconds
        with _away(cluster, away):
            stage.fill(cluster, stage.size.behind)
            cluster.settle(PATIENCE)
            with Crew(stage.writing(cluster), WRITERS) as crew:
                began = time.perf_counter()
                wait(stretch)
                returns = time.perf_counter()
                cluster.release(SHARD, away.name)
                _caught_up(cluster, away, SELDOM)
                ended = time.perf_counter()
                wait(stretch)
        meanwhile.append(crew.rate(returns, ended))
        beside.append((crew.rate(began, returns) + crew.rate(ended, ended + stretch)) / 2)
    return Pair(f"writes/s, {WRITERS} writers, while a replica catches up", meanwhile, beside, CATCH_UP_MARK)


def _pages_while_applying(stage: Stage, cluster: Cluster) -> Iterator[Pair]:
    """Three states: nobody writes; writers write and replicas wait; and replicas apply what they write."""
    size = stage.size
    page = _page(cluster, size.feeds)

    def pages() -> float:
        return rate(page, 1, size.seconds)

    def while_written() -> float:
        with Crew(stage.writing(cluster, ROWS), PAGE_WRITERS, pause=PAGE_WRITERS * ROWS / size.pace):
            return pages()

    def while_held() -> float:
        with ExitStack() as held:
            for copy in replicas(cluster):
                held.enter_context(_away(cluster, copy))
            found = while_written()
        cluster.settle(PATIENCE)
        return found

    applied, without = alternating(size.rounds, while_written, while_held)
    written, quiet = alternating(size.rounds, while_held, pages)
    yield Pair(f"pages/s, while 2 replicas apply {size.pace:,} changes/s", applied, without, PAGES_MARK)
    yield Pair("pages/s, while these changes are written", written, quiet)


def _page(cluster: Cluster, people: int) -> Work:
    """A feed read and rendered, as a request thread would."""
    accounts = cycle(range(people))

    def page() -> int:
        with cluster.read(SHARD) as reader:
            rows = reader.rows(FEED, (next(accounts),))
        "".join(_rendered(*row) for row in rows)
        return reader.position

    return page


def _rendered(id: int, author: int, text: str, likes: int, replies: int) -> str:
    return f'<li id="{id}"><b>{author}</b> <p>{escape(text)}</p> {likes} likes, {replies} replies</li>'


@contextmanager
def _away(cluster: Cluster, copy: Copy) -> Iterator[None]:
    """A replica that does not follow meanwhile."""
    cluster.hold(SHARD, copy.name)
    try:
        yield
    finally:
        cluster.release(SHARD, copy.name)


def _caught_up(cluster: Cluster, copy: Copy, poll: float = POLL) -> float:
    """The seconds until a copy has what is there now."""
    head = cluster.position(SHARD)
    return seconds_until(lambda: copy.position >= head, "a replica to catch up", poll)
