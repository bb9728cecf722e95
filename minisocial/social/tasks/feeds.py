"""Home feeds after the answer: a post goes to who follows its author, and a new friend brings earlier posts.

What concerns many feeds is a chain: a task does some hundred of them and leaves the next one in the outbox, in
the transaction that ends it. So other tasks pass in between, and after a kill it goes on where it was.
"""

import json
from collections.abc import Collection, Sequence

from minisocial.background import Task
from minisocial.errors import Unavailable
from minisocial.social import home_feeds
from minisocial.social.broadcasters import ROOM
from minisocial.social.feed_building import fill, newest_for_all, rebuild, take_back
from minisocial.social.post import Post
from minisocial.social.registers import reads
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect, fresh_post
from minisocial.social.tasks.posts import leave_thread

AT_ONCE = 400  # feeds of a task
ROWS_AT_ONCE = 16_000  # entries of a task that stores many posts


class FeedTasks:
    """The tasks about home feeds: `at_once` feeds a task; with more than `merge_above` followers see `Broadcasters`."""

    def __init__(self, social: Social, merge_above: int, at_once: int = AT_ONCE) -> None:
        self._store = social.store
        self._broadcasters = social.broadcasters
        self._merge_above = merge_above
        self._at_once = at_once

    # --- one post, many feeds

    def fan_out(self, task: Task) -> None:
        """Put a post into the home feeds of those who follow its author and may see it, some hundred at a time."""
        post, after = fresh_post(self._store, task.args["post"]), task.args.get("after", 0)
        if post is None:
            self._take_back(task)
        elif post.visibility == "direct":
            mentioned = [post.author, *(id for id, _ in post.mentions)]
            self._put_in(task, post, self._followers_among(post.author, mentioned), has_more=False)
        elif self._is_merged(post.author, is_first=not after):
            self._put_in(task, post, [post.author], has_more=False)
        else:
            readers = self._followers(post.author, after, self._at_once)
            self._put_in(task, post, readers if after else [post.author, *readers], len(readers) == self._at_once)

    def _put_in(self, task: Task, post: Post, readers: Sequence[int], has_more: bool) -> None:
        home_feeds.add(self._store, readers, post.author, [post.id])
        following = {"post": post.id, "author": post.author, "after": readers[-1]} if has_more else None
        if not self._go_on(task, post, following):
            home_feeds.remove(self._store, readers, [post.id])
            self.fan_out(task)

    def _go_on(self, task: Task, post: Post, following: dict[str, int] | None) -> bool:
        """End a task and leave the next one of its chain; False, and neither, if the post was deleted meanwhile.

        1. the task reads the post     2. it is deleted, and `retract` finds nothing to take back yet
        3. the task puts it into feeds: a dead post, for ever
        So the task looks once more, in the block that ends it: a deletion that comes before is undone by
        the caller; one that comes after has everything there to take back. So it is with a direct post
        that is for others by now.
        """
        with self._store.write(post.id) as tx:
            row = tx.row("SELECT edited_at FROM posts WHERE id = ?", (post.id,))
            if row is None or (post.visibility == "direct" and row[0] != post.edited_at):
                return False
            if following:
                self._store.later(tx, task.name, **following)
            if tx.shard == task.shard:
                task.finish(tx)
        return True

    def _take_back(self, task: Task) -> None:
        """The post is gone; a run before this one may have been killed between putting it in and looking again."""
        if author := task.args.get("author"):
            with effect(self._store, task, author) as tx:
                self._store.later(tx, "retract", post=task.args["post"], author=author, in_reply_to=None, root=0)

    def retract(self, task: Task) -> None:
        """Take a deleted post out of feeds, some hundred at a time, and out of its thread and its parent's counter."""
        args, after = task.args, task.args.get("after", 0)
        if not after and args["in_reply_to"] is not None:
            leave_thread(self._store, args["post"], args["in_reply_to"], args["root"])
        readers = self._followers(args["author"], after, self._at_once)
        home_feeds.remove(self._store, readers if after else [args["author"], *readers], [args["post"]])
        if len(readers) == self._at_once:
            with effect(self._store, task, args["author"]) as tx:
                self._store.later(tx, "retract", **{**args, "after": readers[-1]})

    def readdress(self, task: Task) -> None:
        """A direct post was edited: it leaves the feeds of who is not mentioned any more, and comes to who is now."""
        post = fresh_post(self._store, task.args["post"])
        mentioned = dict(post.mentions) if post else {}
        home_feeds.remove(self._store, [id for id in task.args["left"] if id not in mentioned], [task.args["post"]])
        self.fan_out(task)

    # --- those with very many followers

    def _is_merged(self, author: int, is_first: bool) -> bool:
        """Whether an author's posts are merged in when feeds are read; changes that where their followers' number says.

        Who begins to leave is stored already, so this answers no.
        """
        since = self._broadcasters.since(author)
        if is_first:
            followers = self._follower_count(author)
            if followers > self._merge_above and (since is None or since < 0):
                return self._broadcasters.begin(author)
            if followers < self._merge_above * ROOM and since is not None and since > 0:
                self._broadcasters.begin_to_leave(author)
                return False
        return since is not None and since > 0

    def store_broadcasts(self, task: Task) -> None:
        """Put the posts of somebody who leaves the broadcasters into the feeds of their followers, some at a time."""
        author, since, after = task.args["author"], task.args["since"], task.args.get("after", 0)
        if self._broadcasters.since(author) != since:
            return  # they stay after all
        posts = newest_for_all(self._store, author)
        at_once = max(1, min(self._at_once, ROWS_AT_ONCE // max(1, len(posts))))
        readers = self._followers(author, after, at_once)
        home_feeds.add(self._store, readers, author, posts)
        take_back(self._store, readers, posts)
        if len(readers) < at_once:
            self._broadcasters.leave(author, since)
            return
        with effect(self._store, task, author) as tx:
            self._store.later(tx, "store_broadcasts", author=author, since=since, after=readers[-1])

    # --- one feed

    def fill_feed(self, task: Task) -> None:
        """Put the newest posts of somebody newly followed into a home feed."""
        account, author = task.args["account"], task.args["author"]
        since = self._broadcasters.since(author)
        fill(self._store, account, author, with_posts=since is None or since < 0)

    def clear_feed(self, task: Task) -> None:
        """Take the posts of somebody no longer followed out of a home feed."""
        account, author = task.args["account"], task.args["author"]
        with effect(self._store, task, account) as tx:
            if account != author and not reads(tx, account, author):  # they may be followed again by now
                home_feeds.remove_author(self._store, tx, account, author)

    def rebuild_feed(self, task: Task) -> None:
        """Make a home feed anew that lost so many entries that it may not reach back far enough."""
        if not rebuild(self._store, self._broadcasters, task.args["account"]):
            raise Unavailable("Whom they follow changed while their feed was made anew.")

    # --- who follows

    def _followers(self, author: int, after: int, limit: int) -> list[int]:
        with self._store.fresh(author) as reader:
            return [id for (id,) in reader.rows(_FOLLOWERS, (author, after, limit))]

    def _followers_among(self, author: int, accounts: Collection[int]) -> list[int]:
        with self._store.fresh(author) as reader:
            return [id for (id,) in reader.rows(_FOLLOWERS_AMONG, (author, json.dumps(list(accounts))))]

    def _follower_count(self, author: int) -> int:
        """How many follow; counted as far as it matters."""
        with self._store.fresh(author) as reader:
            return len(reader.rows(_FOLLOWERS, (author, 0, self._merge_above + 1)))


_FOLLOWERS = """
    SELECT other FROM friendships WHERE account = ?1 AND state = 'friends' AND other > ?2
    UNION SELECT other FROM followers WHERE account = ?1 AND active AND other > ?2
    ORDER BY other LIMIT ?3
"""
_FOLLOWERS_AMONG = """
    SELECT value FROM json_each(?2) WHERE value = ?1
        OR EXISTS (SELECT 1 FROM friendships WHERE account = ?1 AND other = value AND state = 'friends')
        OR EXISTS (SELECT 1 FROM followers WHERE account = ?1 AND other = value AND active)
"""
