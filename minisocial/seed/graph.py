"""The people of an edge list: every number a person, every edge a friendship, posts spread over them.

Everything but the graph is made up, and the same for the same graph and number of posts.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from minisocial import errors
from minisocial.clock import Clock
from minisocial.seed import phrases
from minisocial.seed.description import DAY, Community, Friendship, Like, Person, Post
from minisocial.seed.edges import Edge, read_edges
from minisocial.seed.here import Progress
from minisocial.seed.load import Seedable, load, refuse_unless_empty

MOST_POSTS = 10_000_000  # each needs its own millisecond of the last 90 days
POST_DAYS = 90
FRIENDS_DAYS = 120  # the graph grew together in the month before the first post
JOINED_DAYS = 150
FOR_FRIENDS = 0.2  # the share of posts that are for friends only
MOST_LIKES = 3


def seed_graph(system: Seedable, path: Path, posts: int, progress: Progress) -> Community:
    """Load the graph of an edge list with `posts` posts; what was loaded is returned, for `check_feeds`."""
    refuse_unless_empty(system.cluster)
    community = describe(read_edges(path), posts, Clock().milliseconds())
    load(system, community, progress)
    return community


def describe(edges: Sequence[Edge], posts: int, now: int) -> Community:
    """The community of a graph; every random choice follows from the graph's size and `posts`."""
    if not 0 <= posts <= MOST_POSTS:
        raise errors.Invalid("posts", f"The number of posts must lie between 0 and {MOST_POSTS:,}.")
    chance = random.Random(f"{len(edges)} {posts}")  # noqa: S311 - has to be repeatable, not secret
    numbers = sorted({number for edge in edges for number in edge})
    published = list(_posts(chance, numbers, posts, now))
    return Community(
        name="The Graph",
        description=f"{len(numbers):,} people and {len(edges):,} friendships, read from an edge list.",
        code_of_conduct="Everybody here is made up. Be kind to them all the same.",
        described_at=now,
        people=[_person(number, place, now) for place, number in enumerate(numbers)],
        friendships=_friendships(edges, now),
        follows=[],
        posts=published,
        likes=list(_likes(chance, published, _friends(edges), now)),
    )


def _person(number: int, place: int, now: int) -> Person:
    return Person(
        username=f"p{number}",
        display_name=phrases.name(number),
        bio=phrases.bio(number),
        joined_at=now - JOINED_DAYS * DAY + place,
        looked_at=now - DAY // 4,
        is_admin=place == 0,
    )


def _friendships(edges: Sequence[Edge], now: int) -> list[Friendship]:
    began, lasted = now - FRIENDS_DAYS * DAY, (FRIENDS_DAYS - POST_DAYS) * DAY
    return [
        Friendship(f"p{one}", f"p{other}", began + lasted * place // len(edges))
        for place, (one, other) in enumerate(edges)
    ]


def _posts(chance: random.Random, numbers: Sequence[int], count: int, now: int) -> Iterator[Post]:
    step = POST_DAYS * DAY // max(count, 1)
    for number in range(count):
        # each in a span of time of its own, so that times only ever grow
        at = now - POST_DAYS * DAY + number * step + chance.randrange(step)
        visibility = "friends" if chance.random() < FOR_FRIENDS else "everyone"
        yield Post(f"p{chance.choice(numbers)}", phrases.post(chance, number), at, visibility)


def _friends(edges: Sequence[Edge]) -> dict[str, list[str]]:
    friends: dict[str, list[str]] = {}
    for one, other in edges:
        friends.setdefault(f"p{one}", []).append(f"p{other}")
        friends.setdefault(f"p{other}", []).append(f"p{one}")
    return friends


def _likes(chance: random.Random, posts: Sequence[Post], friends: dict[str, list[str]], now: int) -> Iterator[Like]:
    """Up to three friends of the author like a post, within a day of it."""
    for place, post in enumerate(posts):
        known = friends[post.author]
        for account in chance.sample(known, min(chance.randint(0, MOST_LIKES), len(known))):
            yield Like(account, place, min(post.at + chance.randrange(1, DAY), now - 1))
