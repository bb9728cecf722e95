"""Posts after the answer: a reply joins its thread, and who is addressed is told."""

from minisocial.background import Task
from minisocial.errors import NotFound
from minisocial.social.post import Post
from minisocial.social.social import Social
from minisocial.social.store import Store
from minisocial.social.tasks.effect import fresh_post, is_suspended, was_deleted
from minisocial.social.tasks.telling import tell


class PostTasks:
    """The tasks about threads, and about who is told of a post."""

    def __init__(self, social: Social) -> None:
        self._social = social
        self._store = social.store

    def join_thread(self, task: Task) -> None:
        """Tell the post replied to, and the first post of the thread, of a reply."""
        post = fresh_post(self._store, task.args["post"])
        if post is None or post.in_reply_to is None:
            return
        # the number is for all: it must not tell of a reply that some may not see
        if post.visibility == "everyone" and not self._is_suspended(post.author):
            count_reply(self._store, post.id, post.in_reply_to)
        with self._store.write(post.root) as tx:
            tx.execute("INSERT OR IGNORE INTO threads (root, post) VALUES (?, ?)", (post.root, post.id))
        if was_deleted(self._store, task, post.id):
            leave_thread(self._store, post.id, post.in_reply_to, post.root)

    def _is_suspended(self, author: int) -> bool:
        with self._store.fresh(author) as reader:
            return is_suspended(reader, author)

    def tell_of_post(self, task: Task) -> None:
        """Notify who is replied to or mentioned, if they may see the post."""
        post = fresh_post(self._store, task.args["post"])
        if post is None:
            return
        told = dict.fromkeys((id for id, _ in post.mentions), "mention")
        if post.in_reply_to is not None and (parent := fresh_post(self._store, post.in_reply_to)):
            told[parent.author] = "reply"
        told.pop(post.author, None)
        only = task.args.get("only")  # after an edit: who was not mentioned before
        for account, kind in told.items():
            if (only is None or account in only) and self._may_see(account, post):
                with self._store.write(account) as tx:
                    tell(self._store, tx, account, f"{kind}:{post.id}", kind, post.author, post.id)

    def _may_see(self, account: int, post: Post) -> bool:
        try:
            self._social.posts.get(post.id, account)
        except NotFound:
            return False
        return True


def leave_thread(store: Store, id: int, parent: int, root: int) -> None:
    """Take a reply that was deleted out of its thread and its parent's counter."""
    uncount_reply(store, id, parent)
    with store.write(root) as tx:
        tx.execute("DELETE FROM threads WHERE root = ? AND post = ?", (root, id))


def count_reply(store: Store, id: int, parent: int) -> None:
    """Count a reply with the post it is for, once."""
    with store.write(parent) as tx:
        if tx.execute(_REPLY, (parent, id)).rowcount:
            tx.execute("UPDATE posts SET replies = replies + 1 WHERE id = ?", (parent,))


def uncount_reply(store: Store, id: int, parent: int) -> None:
    """Take a reply out of that number, if it is in it."""
    with store.write(parent) as tx:
        if tx.execute("DELETE FROM replies WHERE post = ? AND reply = ?", (parent, id)).rowcount:
            tx.execute("UPDATE posts SET replies = replies - 1 WHERE id = ?", (parent,))


_REPLY = "INSERT OR IGNORE INTO replies (post, reply) SELECT id, ?2 FROM posts WHERE id = ?1"
