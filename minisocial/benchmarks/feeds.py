"""The benchmark `feeds`: a post of somebody with very many followers, put into all their feeds or merged in at reading.

Both forms run one after the other on the same people. An ordinary post before each is what "as fast as any
other" is measured against; likes that go on meanwhile show whether small tasks pass in between.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from minisocial.seed.description import Community, Follow, Person
from minisocial.seed.load import load
from minisocial.settings import Settings
from minisocial.system import System

STAR, PLAIN = "star", "p1"
BEGAN = 1_700_000_000_000  # milliseconds since 1970
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 60.0
LIKE_EVERY_SECONDS = 0.05

T = TypeVar("T")


@dataclass(slots=True)
class Figures:
    """Milliseconds, of one form."""

    plain: list[float] = field(default_factory=list)  # until an ordinary post was acknowledged
    star: list[float] = field(default_factory=list)  # until the star's was
    everywhere: list[float] = field(default_factory=list)  # from then until it was in all feeds
    small: list[float] = field(default_factory=list)  # meanwhile, from a like to its notification
    read: list[float] = field(default_factory=list)  # a follower's home feed after it


def run(quick: bool = False) -> None:
    """Measure, and print the table."""
    followers, posts = (300, 2) if quick else (10_000, 7)
    with tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch:
        click.echo(f"Making {followers:,} people who follow one ...")
        forms = {"put into all feeds": followers + 1, "merged in at reading": followers - 1}
        for number, (form, merge_above) in enumerate(forms.items()):
            settings = Settings(
                data=Path(scratch) / "data", port=0, rate_limits=False, password_cost=4, merge_above=merge_above
            )
            system = System(settings)
            system.start(prepare=None if number else partial(_fill, followers))
            try:
                with system.cluster.session({}):
                    _show(form, _Bench(system, followers).measure(posts))
            finally:
                system.stop()


class _Bench:
    """One system, and the star in it."""

    def __init__(self, system: System, followers: int) -> None:
        self._system = system
        self._social = system.social
        named = system.social.accounts.named
        self._star, self._plain, self._reader = named(STAR).id, named(PLAIN).id, named(f"p{followers - 1}").id
        self._followers = followers

    def measure(self, posts: int) -> Figures:
        figures = Figures()
        for number in range(posts):
            self._one_post(figures, number)
        return figures

    def _one_post(self, figures: Figures, number: int) -> None:
        liked, ms = _timed(lambda: self._social.posts.publish(self._plain, f"plain {number}", "everyone").post.id)
        figures.plain.append(ms)
        self._system.background.drain(PATIENCE_SECONDS)
        is_over = threading.Event()
        likes = threading.Thread(target=self._like, args=(liked, is_over, figures.small))
        likes.start()
        try:
            post, ms = _timed(lambda: self._social.posts.publish(self._star, f"star {number}", "everyone").post.id)
            figures.star.append(ms)
            figures.everywhere.append(_timed(lambda: self._wait(lambda: self._is_everywhere(post)))[1])
        finally:
            is_over.set()
            likes.join()
        found, ms = _timed(lambda: self._social.feeds.home(self._reader).items[0].post.id)
        figures.read.append(ms)
        if found != post:
            raise RuntimeError("a follower does not see the post")

    def _like(self, post: int, is_over: threading.Event, taken: list[float]) -> None:
        """Ever other people like a post; each waits for the author's notification."""
        with self._system.cluster.session({}):
            for number in range(2, self._followers):
                if is_over.wait(LIKE_EVERY_SECONDS):
                    return
                account = self._social.accounts.named(f"p{number}").id
                self._social.posts.like(account, post)
                key = f"like:{post}:{account}"
                taken.append(_timed(lambda key=key: self._wait(lambda: self._is_told(key)))[1])  # type: ignore[misc]

    def _is_told(self, key: str) -> bool:
        sql = "SELECT 1 FROM notifications WHERE account = ? AND key = ?"
        with self._social.store.fresh(self._plain) as reader:
            return reader.row(sql, (self._plain, key)) is not None

    def _is_everywhere(self, post: int) -> bool:
        """In all feeds, stored; or at once, if it is merged."""
        if self._social.broadcasters.since(self._star) is not None:
            return True
        cluster, stored = self._system.cluster, 0
        for shard in cluster.shards:
            with cluster.read(shard, cluster.position(shard)) as reader:
                stored += reader.rows(_STORED, (self._star, post))[0][0]
        return stored == self._followers + 1

    def _wait(self, is_done: Callable[[], bool]) -> None:
        pause, last = threading.Event(), time.monotonic() + PATIENCE_SECONDS
        while not is_done():
            if time.monotonic() > last:
                raise RuntimeError(f"it took more than {PATIENCE_SECONDS:.0f} s")
            pause.wait(LOOK_SECONDS)


_STORED = "SELECT count(*) FROM home_feed WHERE author = ? AND post = ?"


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    done = work()
    return done, (time.perf_counter() - began) * 1000


def _fill(followers: int, system: System) -> None:
    load(system, _community(followers), lambda *_: None)


def _community(followers: int) -> Community:
    names = [STAR, *(f"p{number}" for number in range(1, followers + 1))]
    people = [Person(name, name.title(), "", BEGAN, BEGAN, approves_followers=name != STAR) for name in names]
    follows = [Follow(name, STAR, BEGAN + number) for number, name in enumerate(names[1:])]
    return Community("Many", "", "", BEGAN + followers, people, [], follows, [], [])


def _show(form: str, figures: Figures) -> None:
    click.echo(f"\n{form}                                  median       max")
    for what, values in (
        ("an ordinary post is acknowledged after", figures.plain),
        ("the star's post is acknowledged after", figures.star),
        ("and is in all feeds after", figures.everywhere),
        ("meanwhile a like is told of after", figures.small),
        ("a follower's home feed is read in", figures.read),
    ):
        if values:
            click.echo(f"  {what:<42} {statistics.median(values):8.1f} {max(values):9.1f}  ms")
