"""What workers do after the answer: carry a change to the other shard, fill feeds, notify, write letters.

Every task may run twice, or long after the fact. Each therefore looks at what is true now, and its
effect is keyed, versioned or a set operation, so that doing it again changes nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from minisocial.background import Letter, Task
from minisocial.database import Transaction
from minisocial.errors import NotFound
from minisocial.social import home_feeds, letters
from minisocial.social.accounts import NewAccount
from minisocial.social.friends import (
    ENDED,
    FRIENDS,
    NONE,
    RECEIVED,
    REQUESTED,
    forget_request,
    reads,
    write_follow,
    write_friendship,
)
from minisocial.social.home_feeds import KEPT
from minisocial.social.notifications import notify
from minisocial.social.posts import _COLUMNS, Post, from_row
from minisocial.social.social import Social

BACKFILL = 40  # posts of a new friend that one finds in the feed
Send = Callable[[Letter], None]


class Tasks:
    """The tasks by name; `public_url` is how links in letters begin."""

    def __init__(self, social: Social, send: Send, public_url: Callable[[], str]) -> None:
        self._social = social
        self._store = social.store
        self._send = send
        self._public_url = public_url

    def handlers(self) -> Mapping[str, Callable[[Task], None]]:
        """Every task that anybody leaves in an outbox."""
        return {
            "open_account": self.open_account,
            "fan_out": self.fan_out,
            "tell_of_post": self.tell_of_post,
            "join_thread": self.join_thread,
            "retract": self.retract,
            "mirror_friendship": self.mirror_friendship,
            "mirror_follow": self.mirror_follow,
            "fill_feed": self.fill_feed,
            "clear_feed": self.clear_feed,
            "notify": self.notify,
            "letter": self.letter,
        }

    def open_account(self, task: Task) -> None:
        """Finish a sign-up that died between the directory and the person's shard."""
        self._social.accounts.open(NewAccount(**task.args))

    @contextmanager
    def _effect(self, task: Task, id: int) -> Iterator[Transaction]:
        """The last write block of a task; if its outbox row lies on that shard, it goes in the same commit.

        It does not lie there if whom it concerns lives elsewhere, or has moved since it was written.
        """
        with self._store.write(id) as tx:
            yield tx
            if tx.shard == task.shard:
                task.finish(tx)

    # --- posts ---------------------------------------------------------------------------------

    def fan_out(self, task: Task) -> None:
        """Put a post into the home feed of everybody who follows its author and may see it."""
        if post := self._post(task.args["post"]):
            readers = list(self._readers(post))
            home_feeds.add(self._store, readers, post.id, post.author)
            if self._was_deleted(task, post.id):
                home_feeds.remove(self._store, readers, post.id)

    def retract(self, task: Task) -> None:
        """Take a deleted post out of feeds, its thread and its parent's counter."""
        args = task.args
        home_feeds.remove(self._store, self._followers(args["author"]), args["post"])
        if args["in_reply_to"] is not None:
            self._leave_thread(args["post"], args["in_reply_to"], args["root"])

    def join_thread(self, task: Task) -> None:
        """Tell the post replied to, and the first post of the thread, of a reply."""
        post = self._post(task.args["post"])
        if post is None or post.in_reply_to is None:
            return
        if post.visibility == "everyone":  # the number is for all: it must not tell of a reply that some may not see
            with self._store.write(post.in_reply_to) as tx:
                if tx.execute(_REPLY, (post.in_reply_to, post.id)).rowcount:
                    tx.execute("UPDATE posts SET replies = replies + 1 WHERE id = ?", (post.in_reply_to,))
        with self._store.write(post.root) as tx:
            tx.execute("INSERT OR IGNORE INTO threads (root, post) VALUES (?, ?)", (post.root, post.id))
        if self._was_deleted(task, post.id):
            self._leave_thread(post.id, post.in_reply_to, post.root)

    def _leave_thread(self, id: int, parent: int, root: int) -> None:
        with self._store.write(parent) as tx:
            if tx.execute("DELETE FROM replies WHERE post = ? AND reply = ?", (parent, id)).rowcount:
                tx.execute("UPDATE posts SET replies = replies - 1 WHERE id = ?", (parent,))
        with self._store.write(root) as tx:
            tx.execute("DELETE FROM threads WHERE root = ? AND post = ?", (root, id))

    def _was_deleted(self, task: Task, id: int) -> bool:
        """Whether a post was deleted while a task of its shard spread it; if not, the task is finished.

        1. the task reads the post     2. it is deleted, and `retract` finds nothing to take back yet
        3. the task spreads it: a dead post in feeds, a counter one too high, for ever
        So the task looks once more, in the block that ends it: a deletion that comes before is undone by
        the caller; one that comes after has everything there to take back.
        """
        with self._store.write(id) as tx:
            is_there = tx.row("SELECT 1 FROM posts WHERE id = ?", (id,)) is not None
            if is_there and tx.shard == task.shard:
                task.finish(tx)
        return not is_there

    def tell_of_post(self, task: Task) -> None:
        """Notify who is replied to or mentioned, if they may see the post."""
        post = self._post(task.args["post"])
        if post is None:
            return
        told = dict.fromkeys((id for id, _ in post.mentions), "mention")
        if post.in_reply_to is not None and (parent := self._post(post.in_reply_to)):
            told[parent.author] = "reply"
        told.pop(post.author, None)
        for account, kind in told.items():
            if self._may_see(account, post):
                with self._store.write(account) as tx:
                    id = self._store.cluster.new_id(account)
                    notify(tx, id, account, f"{kind}:{post.id}", kind, post.author, post.id)

    def _may_see(self, account: int, post: Post) -> bool:
        try:
            self._social.posts.get(post.id, account)
        except NotFound:
            return False
        return True

    def _post(self, id: int) -> Post | None:
        with self._store.fresh(id) as reader:
            row = reader.row(f"SELECT {_COLUMNS} FROM posts WHERE id = ?", (id,))
        return from_row(row) if row else None

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

    # --- friends -------------------------------------------------------------------------------

    def mirror_friendship(self, task: Task) -> None:
        """Bring the other side's register to the state that somebody gave theirs."""
        account, other, state = task.args["account"], task.args["other"], task.args["state"]
        with self._effect(task, account) as tx:
            row = tx.row("SELECT state FROM friendships WHERE account = ? AND other = ?", (account, other))
            before = row[0] if row else NONE
            if not write_friendship(tx, account, other, state, task.args["version"]):
                return  # done already, or a later word was spoken
            if before == FRIENDS and state != FRIENDS:
                self._social.friends.end_following(tx, account, other)
            if state == RECEIVED and before == REQUESTED:
                self._social.friends.meet(tx, account, other)
            elif state == ENDED:
                forget_request(tx, account, other)
            else:
                self._announce(tx, account, other, state, task.args["version"])

    def _announce(self, tx: Transaction, account: int, other: int, state: str, version: int) -> None:
        kind = "request" if state == RECEIVED else "accepted"
        if state == FRIENDS:
            self._fill_feed_later(tx, account, other)
            self._fill_feed_later(tx, other, account)
        key = f"{kind}:{other}:{version}"
        notify(tx, self._store.cluster.new_id(account), account, key, kind, other)
        self._store.later(tx, "letter", account=account, other=other, kind=kind, version=version)

    def mirror_follow(self, task: Task) -> None:
        """Bring the followed person's side to what the follower's side says."""
        account, other, active = task.args["account"], task.args["other"], task.args["active"]
        with self._effect(task, account) as tx:
            if write_follow(tx, "followers", account, other, active, task.args["version"]) and active:
                key = f"follow:{other}:{task.args['version']}"
                notify(tx, self._store.cluster.new_id(account), account, key, "follow", other)
                self._fill_feed_later(tx, other, account)

    def _fill_feed_later(self, tx: Transaction, account: int, author: int) -> None:
        """Not before the author's side knows its new reader, or a post published in between would reach nobody:

        1. the feed is filled     2. a post is published, and `fan_out` reads who follows     3. that side is told
        """
        self._store.later(tx, "fill_feed", account=account, author=author)

    def fill_feed(self, task: Task) -> None:
        """Put the newest posts of somebody newly followed into a home feed."""
        account, author = task.args["account"], task.args["author"]
        with self._store.fresh(author) as reader:
            rows = reader.rows(_NEWEST, (author, BACKFILL))
        with self._effect(task, account) as tx:
            if reads(tx, account, author):  # still
                tx.execute(
                    "INSERT OR IGNORE INTO home_feed (account, post, author) SELECT ?, value, ? FROM json_each(?)",
                    (account, author, json.dumps([row[0] for row in rows])),
                )
                tx.execute(_TRIM_ALL, (account, account, KEPT))

    def clear_feed(self, task: Task) -> None:
        """Take the posts of somebody no longer followed out of a home feed."""
        account, author = task.args["account"], task.args["author"]
        with self._effect(task, account) as tx:
            if not reads(tx, account, author):  # they may be followed again by now
                tx.execute("DELETE FROM home_feed WHERE account = ? AND author = ?", (account, author))

    # --- telling people ------------------------------------------------------------------------

    def notify(self, task: Task) -> None:
        """Write one notification."""
        args = task.args
        account, id = args["account"], self._store.cluster.new_id(args["account"])
        with self._effect(task, account) as tx:
            if account != args["actor"]:
                notify(tx, id, account, args["key"], args["kind"], args["actor"], args["post"])

    def letter(self, task: Task) -> None:
        """Send one letter about a friendship, unless it was sent before."""
        account, kind = task.args["account"], task.args["kind"]
        key = f"{kind}-{task.args['version']}-{account}"
        with self._store.fresh(account) as reader:
            if reader.row("SELECT 1 FROM letters_sent WHERE account = ? AND key = ?", (account, key)):
                return
        self._send(self._written(key, kind, account, task.args["other"]))
        with self._effect(task, account) as tx:
            now = self._store.clock.milliseconds()
            tx.execute("INSERT OR IGNORE INTO letters_sent (account, key, at) VALUES (?, ?, ?)", (account, key, now))

    def _written(self, key: str, kind: str, account: int, other: int) -> Letter:
        social = self._social
        return letters.write(
            kind,
            key=key,
            to=social.accounts.email(account),
            reader=social.accounts.get(account),
            actor=social.accounts.get(other),
            community=social.community.get().name,
            public_url=self._public_url(),
        )


_FOLLOWERS = """
    SELECT other FROM friendships WHERE account = ?1 AND state = 'friends'
    UNION SELECT other FROM followers WHERE account = ?1 AND active
"""
_NEWEST = """
    SELECT id FROM posts WHERE author = ? AND visibility <> 'direct' ORDER BY id DESC LIMIT ?
"""
_REPLY = "INSERT OR IGNORE INTO replies (post, reply) SELECT id, ?2 FROM posts WHERE id = ?1"
_TRIM_ALL = """
    DELETE FROM home_feed WHERE account = ? AND post <=
        (SELECT post FROM home_feed WHERE account = ? ORDER BY post DESC LIMIT 1 OFFSET ?)
"""
