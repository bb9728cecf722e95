"""Telling people of what others did: a notification, a letter, both or neither, as they chose."""

from collections.abc import Mapping

from minisocial.background import Letter, Task
from minisocial.database import Reader, Transaction
from minisocial.errors import NotFound
from minisocial.social import letters
from minisocial.social.notifications import notify
from minisocial.social.post import Post
from minisocial.social.preferences import MAIL, wants
from minisocial.social.registers import is_apart
from minisocial.social.social import Social
from minisocial.social.store import Store
from minisocial.social.tasks.effect import effect
from minisocial.social.tasks.sending import Sending


def tell(store: Store, tx: Transaction, account: int, key: str, kind: str, actor: int, post: int | None = None) -> None:
    """Tell somebody, in the open transaction of their shard, in each way they want; once per key."""
    if is_apart(tx, account, actor):  # one blocks the other
        return
    notify(tx, store.cluster.new_id(account), account, key, kind, actor, post)
    if wants(tx, account, MAIL, kind):
        version = key.partition(":")[2].replace(":", "-")
        store.later(tx, "letter", account=account, other=actor, kind=kind, version=version, post=post)


class TellingTasks:
    """The tasks that tell somebody of what others did."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._social: Social = sending.social
        self._store = sending.social.store

    def notify(self, task: Task) -> None:
        """Tell of one thing."""
        args = task.args
        account = args["account"]
        with effect(self._store, task, account) as tx:
            if account != args["actor"]:
                tell(self._store, tx, account, args["key"], args["kind"], args["actor"], args["post"])

    def letter(self, task: Task) -> None:
        """Send a letter about one thing, if at this moment it is still wanted, still true, and still to be seen."""
        account, kind = task.args["account"], task.args["kind"]
        key = f"{kind}-{task.args['version']}-{account}"
        self._sending.once(task, account, key, lambda: self._news(key, kind, account, task))

    def _news(self, key: str, kind: str, account: int, task: Task) -> Letter | None:
        other, post_id = task.args["other"], task.args.get("post")
        to = self._sending.for_news(account)
        if not to or kind not in letters.NEWS or not self._is_wanted_and_true(kind, account, other, post_id):
            return None
        actor = self._social.people.visible([other], account).get(other)
        post = self._seen_post(account, post_id)
        if actor is None or (post_id is not None and post is None):
            return None
        return letters.news(
            kind,
            self._sending.sender,
            key=key,
            to=to,
            reader=self._social.accounts.get(account),
            actor=actor,
            unsubscribe=self._sending.unsubscribe(account, kind),
            path=f"/posts/{post.id}" if post else actor.url,
            said=post.text if post else "",
            thread=f"post:{post.root}" if post else "",
        )

    def _is_wanted_and_true(self, kind: str, account: int, other: int, post: int | None) -> bool:
        """Whether such letters are wanted, and what happened was not taken back, on either side."""
        with self._store.fresh(account) as reader:
            if not wants(reader, account, MAIL, kind) or not _is_true(reader, _HERE, kind, (account, other, post)):
                return False
        with self._store.fresh(other) as reader:
            return _is_true(reader, _THERE, kind, (other, account))

    def _seen_post(self, account: int, id: int | None) -> Post | None:
        """The post it is about, if the reader may see it now."""
        if id is None:
            return None
        try:
            return self._social.posts.get(id, account).post
        except NotFound:
            return None


def _is_true(reader: Reader, table: Mapping[str, str], kind: str, params: tuple[int | None, ...]) -> bool:
    return kind not in table or reader.row(table[kind], params) is not None


_BOTH = "SELECT 1 FROM friendships WHERE account = ?1 AND other = ?2"
# A request that was accepted in the meantime was not taken back: it is told as any other.
# What must be there for news to be true still: on the shard of who is told, given (account, other, post) …
_HERE = {
    "request": f"{_BOTH} AND state IN ('received', 'friends') AND ?3 IS NULL",
    "accepted": f"{_BOTH} AND state = 'friends' AND ?3 IS NULL",
    "follow": "SELECT 1 FROM followers WHERE account = ?1 AND other = ?2 AND active AND ?3 IS NULL",
    "like": "SELECT 1 FROM likes WHERE post = ?3 AND account = ?2 AND ?1 IS NOT NULL",
}
# … and on that of who did it, who may have taken it back already, while word of it is under way: (other, account).
_THERE = {
    "request": f"{_BOTH} AND state IN ('requested', 'friends')",
    "accepted": f"{_BOTH} AND state = 'friends'",
    "follow": "SELECT 1 FROM following WHERE account = ?1 AND other = ?2 AND active",
}
