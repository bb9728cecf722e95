"""Edits: a post gets other words; what it said before stays to be read by those who may see it."""

import json
from dataclasses import dataclass, replace

from minisocial.database import Transaction
from minisocial.errors import Conflict, Forbidden, NotFound, Refused
from minisocial.social import text as texts
from minisocial.social.post import COLUMNS, POST, Post, PostView, from_row
from minisocial.social.posts import NOT_THERE, Posts, check_direct
from minisocial.social.store import Store

MOST = 50  # edits of one post
MEANWHILE = "You changed this post somewhere else meanwhile. It is below as it is now; send yours again to replace it."


@dataclass(frozen=True, slots=True)
class Version:
    """What a post said until then, in milliseconds since 1970."""

    until: int
    text: str


class Edits:
    """Changing one's own posts, and what they said before."""

    def __init__(self, store: Store, posts: Posts) -> None:
        self._store = store
        self._posts = posts

    def own(self, viewer: int, id: int) -> PostView:
        """One's own post, to be edited; Forbidden if it is somebody else's."""
        view = self._posts.get(id, viewer)
        if view.post.author != viewer:
            raise Forbidden("Only who wrote a post can edit it.")
        return view

    def edit(self, viewer: int, id: int, text: str, based_on: int) -> None:
        """Give one's own post other words; feeds, tags and who is mentioned follow.

        `based_on` is the `edited_at` of what the person had before them, 0 for a post never edited:
        of two edits at once the second is told, as a `Conflict`. The same words again are no edit.
        """
        self.own(viewer, id)
        text = texts.clean("text", text, texts.POST_LENGTH, lines=True, empty="Please write something first.")
        mentioned = self._posts.mentions(viewer, text)
        with self._store.write(id) as tx:
            row = tx.row(f"SELECT {COLUMNS} FROM posts WHERE id = ?", (id,))
            if row is None:
                raise NotFound(NOT_THERE)
            before = from_row(row)
            if text == before.text:
                return
            if based_on != (before.edited_at or 0):
                raise Conflict("text", MEANWHILE)
            self._write(tx, before, _edited(before, text, mentioned, self._store.clock.milliseconds()))

    def _write(self, tx: Transaction, before: Post, after: Post) -> None:
        _keep(tx, before, after)
        tx.execute(
            "UPDATE posts SET text = ?, mentions = ?, edited_at = ? WHERE id = ?",
            (after.text, json.dumps(after.mentions, separators=(",", ":")), after.edited_at, after.id),
        )
        _retag(tx, before, after)
        was, now = dict(before.mentions), dict(after.mentions)
        if new := [account for account in now if account not in was]:
            self._store.later(tx, "tell_of_post", post=after.id, only=new)
        if after.visibility == "direct" and was.keys() != now.keys():
            # their own feed keeps it, also when it mentioned themselves
            left = [account for account in was if account not in now and account != after.author]
            self._store.later(tx, "readdress", post=after.id, left=left)

    def history(self, view: PostView) -> list[Version]:
        """What a post that the viewer sees said before, the latest first."""
        if view.post.edited_at is None:
            return []
        with self._store.beside(POST, view.post.id) as reader:
            rows = reader.rows(
                "SELECT until, text FROM post_versions WHERE post = ? ORDER BY until DESC LIMIT ?", (view.post.id, MOST)
            )
        return [Version(*row) for row in rows]


def _edited(before: Post, text: str, mentioned: dict[int, str], now: int) -> Post:
    """The post as it will be. Who is answered directly stays addressed, though no word of the text says so."""
    names = set(texts.mentioned(before.text))
    implied = {account: name for account, name in before.mentions if name not in names}
    if before.visibility == "direct":
        mentioned = mentioned | implied
        check_direct(mentioned)
    at = max(now, (before.edited_at or 0) + 1)  # also when the clock steps back: it tells the states apart
    return replace(before, text=text, mentions=tuple(mentioned.items()), edited_at=at)


def _keep(tx: Transaction, before: Post, after: Post) -> None:
    row = tx.row("SELECT count(*) FROM post_versions WHERE post = ?", (before.id,))
    if row and row[0] >= MOST:
        raise Refused(f"This post was edited {MOST} times, which is enough. Please write a new one.")
    tx.execute(
        "INSERT INTO post_versions (post, until, text) VALUES (?, ?, ?)", (before.id, after.edited_at, before.text)
    )


def _retag(tx: Transaction, before: Post, after: Post) -> None:
    was, now = texts.tags(before.text), texts.tags(after.text)
    for tag in set(was).difference(now):
        tx.execute("DELETE FROM post_tags WHERE tag = ? AND post = ?", (tag, after.id))
    for tag in set(now).difference(was):
        tx.execute("INSERT OR IGNORE INTO post_tags (tag, post) VALUES (?, ?)", (tag, after.id))
