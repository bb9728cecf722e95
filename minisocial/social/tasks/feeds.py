"""Home feeds after the answer: a post goes to who follows its author, and a new friend brings earlier posts."""

import json
from collections.abc import Iterable

from minisocial.background import Task
from minisocial.social import home_feeds
from minisocial.social.home_feeds import KEPT
from minisocial.social.post import Post
from minisocial.social.registers import reads
from minisocial.social.store import Store
from minisocial.social.tasks.effect import effect, fresh_post, was_deleted
from minisocial.social.tasks.posts import leave_thread

BACKFILL = 40  # posts of a new friend that one finds in the feed


class FeedTasks:
    """The tasks about home feeds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fan_out(self, task: Task) -> None:
        """Put a post into the home feed of everybody who follows its author and may see it."""
        if post := fresh_post(self._store, task.args["post"]):
            readers = list(self._readers(post))
            home_feeds.add(self._store, readers, post.id, post.author)
            if was_deleted(self._store, task, post.id):
                home_feeds.remove(self._store, readers, post.id)

    def retract(self, task: Task) -> None:
        """Take a deleted post out of feeds, its thread and its parent's counter."""
        args = task.args
        home_feeds.remove(self._store, self._followers(args["author"]), args["post"])
        if args["in_reply_to"] is not None:
            leave_thread(self._store, args["post"], args["in_reply_to"], args["root"])

    def readdress(self, task: Task) -> None:
        """A direct post was edited: it leaves the feeds of who is not mentioned any more, and comes to who is now."""
        post = fresh_post(self._store, task.args["post"])
        mentioned = dict(post.mentions) if post else {}
        home_feeds.remove(self._store, [id for id in task.args["left"] if id not in mentioned], task.args["post"])
        self.fan_out(task)

    def _readers(self, post: Post) -> Iterable[int]:
        followers = self._followers(post.author)
        if post.visibility != "direct":
            return followers
        mentioned = {id for id, _ in post.mentions}
        return (id for id in followers if id in mentioned)

    def _followers(self, author: int) -> Iterable[int]:
        with self._store.fresh(author) as reader:
            rows = reader.rows(_FOLLOWERS, (author,))
        return (row[0] for row in rows)

    def fill_feed(self, task: Task) -> None:
        """Put the newest posts of somebody newly followed into a home feed."""
        account, author = task.args["account"], task.args["author"]
        with self._store.fresh(author) as reader:
            rows = reader.rows(_NEWEST, (author, BACKFILL))
        with effect(self._store, task, account) as tx:
            if reads(tx, account, author):  # still
                tx.execute(
                    "INSERT OR IGNORE INTO home_feed (account, post, author) SELECT ?, value, ? FROM json_each(?)",
                    (account, author, json.dumps([row[0] for row in rows])),
                )
                tx.execute(_TRIM_ALL, (account, account, KEPT))

    def clear_feed(self, task: Task) -> None:
        """Take the posts of somebody no longer followed out of a home feed."""
        account, author = task.args["account"], task.args["author"]
        with effect(self._store, task, account) as tx:
            if not reads(tx, account, author):  # they may be followed again by now
                tx.execute("DELETE FROM home_feed WHERE account = ? AND author = ?", (account, author))


_FOLLOWERS = """
    SELECT other FROM friendships WHERE account = ?1 AND state = 'friends'
    UNION SELECT other FROM followers WHERE account = ?1 AND active
"""
_NEWEST = """
    SELECT id FROM posts WHERE author = ? AND visibility <> 'direct' ORDER BY id DESC LIMIT ?
"""
_TRIM_ALL = """
    DELETE FROM home_feed WHERE account = ? AND post <=
        (SELECT post FROM home_feed WHERE account = ? ORDER BY post DESC LIMIT 1 OFFSET ?)
"""
