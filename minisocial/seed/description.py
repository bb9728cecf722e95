"""A community written down: who is in it, who knows whom, who said what. No identifiers, no tables.

People are named by their usernames, posts by their place in `Community.posts`; times are
milliseconds since 1970 and lie in the past.
"""

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 24 * 60 * 60 * 1000  # milliseconds


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    display_name: str
    bio: str
    joined_at: int
    looked_at: int  # when they last looked at their notifications: later ones are new
    is_admin: bool = False
    approves_followers: bool = True
    invited_by: str | None = None


@dataclass(frozen=True, slots=True)
class Friendship:
    """`asked` sent the request; unless it is accepted it still waits for `other`."""

    asked: str
    other: str
    at: int
    is_accepted: bool = True


@dataclass(frozen=True, slots=True)
class Follow:
    """One way: `follower` reads what `followed` publishes."""

    follower: str
    followed: str
    at: int


@dataclass(frozen=True, slots=True)
class Post:
    author: str
    text: str  # no two posts have the same
    at: int
    visibility: str = "everyone"  # everyone, friends, direct
    in_reply_to: int | None = None  # the place of an earlier post


@dataclass(frozen=True, slots=True)
class Like:
    account: str
    post: int
    at: int


@dataclass(frozen=True, slots=True)
class Community:
    """Everything there is to load; `posts` are in the order of their times, no two at the same one."""

    name: str
    description: str
    code_of_conduct: str
    described_at: int  # everything in it happened before
    people: Sequence[Person]
    friendships: Sequence[Friendship]
    follows: Sequence[Follow]
    posts: Sequence[Post]
    likes: Sequence[Like]
