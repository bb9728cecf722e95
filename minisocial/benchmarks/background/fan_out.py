"""A post by somebody with very many followers: how fast it is acknowledged, and until it is in all their feeds."""

import statistics
import time
from pathlib import Path

from minisocial.benchmarks.background.size import Size
from minisocial.benchmarks.background.stage import PATIENCE, Arrivals, people, system
from minisocial.benchmarks.database.figures import Alone
from minisocial.system import System


def measure(scratch: Path, size: Size) -> list[Alone]:
    """Milliseconds and seconds."""
    acknowledged, alone, filled, between = list[float](), list[float](), list[float](), list[float]()
    rows = 0
    with system(scratch / "fan-out") as made:
        arrivals = Arrivals(made, "notifications", time.perf_counter)
        star, nobody, fan = people(made, "ada", "alan", "grace")
        _follow(made, star, size.followers)
        for author in (nobody, star):
            _publish(made, author, "the first one")  # which meets replicas that are being made anew
        made.background.drain(PATIENCE)
        for number in range(size.posts):
            alone.append(_publish(made, nobody, f"quiet {number}")[1])
            post, took = _publish(made, star, f"loud {number}")
            began = time.perf_counter()
            acknowledged.append(took)
            with made.cluster.session({}):
                made.social.posts.like(fan, post)
            liked = time.perf_counter()
            between.append(max(0.0, arrivals.wait_for(f"like:{post}:{fan}") - liked) * 1000)
            made.background.drain(PATIENCE)
            filled.append(time.perf_counter() - began)
            rows = _rows(made, post)
    feeds = f"{rows:,} feeds have it" if rows > 1 else "no feed has it: it is merged in when one is read"
    return [
        Alone("a post by somebody without followers, ms", statistics.median(alone), max(alone)),
        Alone(f"a post by somebody with {size.followers:,}, ms", statistics.median(acknowledged), max(acknowledged)),
        Alone("until all about it is done, s", statistics.median(filled), max(filled), feeds),
        Alone("a like meanwhile, until its notification, ms", statistics.median(between), max(between)),
    ]


def _publish(made: System, author: int, text: str) -> tuple[int, float]:
    with made.cluster.session({}):
        began = time.perf_counter()
        post = made.social.posts.publish(author, text, "everyone").post.id
        return post, (time.perf_counter() - began) * 1000


def _follow(made: System, author: int, number: int) -> None:
    """Followers as rows: on the author's side, and on their own."""
    followers = [made.cluster.new_account_id() for _ in range(number)]
    with made.cluster.load(made.cluster.shard_of(author)) as tx:
        rows = ((author, each, each) for each in followers)
        tx.executemany("INSERT INTO followers (account, other, active, version) VALUES (?, ?, 1, ?)", rows)
    for shard in made.cluster.shards:
        with made.cluster.load(shard) as tx:
            mine = [(each, author, each) for each in followers if made.cluster.shard_of(each) == shard]
            tx.executemany("INSERT INTO following (account, other, active, version) VALUES (?, ?, 1, ?)", mine)
    made.cluster.settle(PATIENCE)


def _rows(made: System, post: int) -> int:
    count = 0
    for shard in made.cluster.shards:
        with made.cluster.read(shard, made.cluster.position(shard)) as reader:
            count += reader.rows("SELECT count(*) FROM home_feed WHERE post = ?", (post,))[0][0]
    return count
