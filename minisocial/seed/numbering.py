"""Gives everything in a description its identifier: past moments, spread evenly over the logical shards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minisocial import ids
from minisocial.seed.description import Community, Post
from minisocial.social import text

Mentions = tuple[tuple[int, str], ...]  # (account, username)

LAST_SEQUENCE = (1 << ids.SEQUENCE_BITS) - 1


class PastIds:
    """Makes identifiers of moments in the past, in any order, none of them twice."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def make(self, at: int, logical: int) -> int:
        """An identifier of this millisecond, or of the next one with room."""
        id = ids.join(at, logical)
        while id in self._taken:
            id = _after(id)
        self._taken.add(id)
        return id

    def make_like(self, at: int, like: int) -> int:
        """The same, on the logical shard of `like`."""
        return self.make(at, ids.logical_shard(like))


def _after(id: int) -> int:
    if id & LAST_SEQUENCE < LAST_SEQUENCE:
        return id + 1
    return ids.join(ids.milliseconds(id) + 1, ids.logical_shard(id))


@dataclass(frozen=True, slots=True)
class Numbered:
    """A community with identifiers; the lists run along those of `community`."""

    community: Community
    past_ids: PastIds
    accounts: Mapping[str, int]  # by username, in the order of `community.people`
    posts: Sequence[int]
    authors: Sequence[int]
    roots: Sequence[int]  # the post each one's thread began with
    mentions: Sequence[Mentions]
    likes: Counter[int]  # by the post's place
    replies: Counter[int]
    friendships: Sequence[int]  # versions: both sides of a friendship have the same
    follows: Sequence[int]


def number(community: Community) -> Numbered:
    """Identifiers for people and posts, and what follows from their texts and places."""
    past_ids = PastIds()
    accounts = {
        person.username: past_ids.make(person.joined_at, place % ids.LOGICAL_SHARDS)
        for place, person in enumerate(community.people)
    }
    authors = [accounts[post.author] for post in community.posts]
    posts = [past_ids.make_like(post.at, author) for post, author in zip(community.posts, authors, strict=True)]
    return Numbered(
        community=community,
        past_ids=past_ids,
        accounts=accounts,
        posts=posts,
        authors=authors,
        roots=_roots(community, posts),
        mentions=[_mentioned(post, community, accounts) for post in community.posts],
        likes=Counter(like.post for like in community.likes),
        replies=Counter(
            post.in_reply_to
            for post in community.posts
            if post.in_reply_to is not None and post.visibility == "everyone"
        ),
        friendships=[past_ids.make_like(pair.at, accounts[pair.asked]) for pair in community.friendships],
        follows=[past_ids.make_like(follow.at, accounts[follow.follower]) for follow in community.follows],
    )


def _roots(community: Community, posts: Sequence[int]) -> list[int]:
    roots: list[int] = []
    for id, post in zip(posts, community.posts, strict=True):
        roots.append(id if post.in_reply_to is None else roots[post.in_reply_to])
    return roots


def _mentioned(post: Post, community: Community, accounts: Mapping[str, int]) -> Mentions:
    names = text.mentioned(post.text)
    if post.visibility == "direct" and post.in_reply_to is not None:
        names.append(community.posts[post.in_reply_to].author)  # who is answered may read the answer
    return tuple((accounts[name], name) for name in dict.fromkeys(names) if name in accounts)
