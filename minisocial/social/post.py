"""A post, as it lies in its table and as one person sees it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from minisocial import ids
from minisocial.cache import Kind
from minisocial.database import Reader
from minisocial.social import text as texts
from minisocial.social.accounts import Account
from minisocial.social.store import marks
from minisocial.social.text import Part


@dataclass(frozen=True, slots=True)
class Post:
    id: int
    author: int
    text: str
    visibility: str
    in_reply_to: int | None
    root: int  # the post its thread began with; itself for a first post
    mentions: tuple[tuple[int, str], ...]  # (account, username)
    likes: int
    replies: int  # those for everyone
    edited_at: int | None = None  # milliseconds since 1970; also tells one state of its text from another

    @property
    def created_at(self) -> int:
        """Milliseconds since 1970."""
        return ids.milliseconds(self.id)


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as one person sees it."""

    post: Post
    author: Account
    liked: bool

    @property
    def url(self) -> str:
        return f"/@{self.author.username}/{self.post.id}"

    @property
    def parts(self) -> list[Part]:
        """The text, cut into text, mentions, tags and links."""
        return texts.parts(self.post.text, {name for _, name in self.post.mentions})


@dataclass(frozen=True, slots=True)
class Thread:
    """A post, what it replies to (oldest first) and all that was said below it (oldest first)."""

    ancestors: list[PostView]
    post: PostView
    replies: list[PostView]


COLUMNS = "id, author, text, visibility, in_reply_to, root, mentions, likes, replies, edited_at"
_in_columns = attrgetter(*COLUMNS.split(", "))

POST: Kind[Post] = Kind(
    "post",
    encode=lambda p: list(_in_columns(p)),
    decode=lambda row: _post(row, row[6]),
)


def _post(row: Sequence[Any], mentions: Iterable[Any]) -> Post:
    id, author, text, visibility, in_reply_to, root, _, likes, replies, edited_at = row
    who = tuple((account, name) for account, name in mentions)
    return Post(id, author, text, visibility, in_reply_to, root, who, likes, replies, edited_at)


def from_row(row: Sequence[Any]) -> Post:
    """A post from the columns of its table, in their order."""
    return _post(row, json.loads(row[6]))


def load(reader: Reader, post_ids: list[int]) -> dict[int, Post]:
    found = reader.rows(f"SELECT {COLUMNS} FROM posts WHERE id IN ({marks(post_ids)})", post_ids)
    return {row[0]: from_row(row) for row in found}
