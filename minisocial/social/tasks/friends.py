"""Friends after the answer: the other side of a friendship or a follow is brought to what one side says."""

from minisocial.background import Task
from minisocial.database import Transaction
from minisocial.social.friends import (
    ENDED,
    FRIENDS,
    NONE,
    RECEIVED,
    REQUESTED,
    forget_request,
    write_follow,
    write_friendship,
)
from minisocial.social.notifications import notify
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect


class FriendTasks:
    """The tasks that carry a word to the other side."""

    def __init__(self, social: Social) -> None:
        self._social = social
        self._store = social.store

    def mirror_friendship(self, task: Task) -> None:
        """Bring the other side's register to the state that somebody gave theirs."""
        account, other, state = task.args["account"], task.args["other"], task.args["state"]
        with effect(self._store, task, account) as tx:
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
        with effect(self._store, task, account) as tx:
            if write_follow(tx, "followers", account, other, active, task.args["version"]) and active:
                key = f"follow:{other}:{task.args['version']}"
                notify(tx, self._store.cluster.new_id(account), account, key, "follow", other)
                self._fill_feed_later(tx, other, account)

    def _fill_feed_later(self, tx: Transaction, account: int, author: int) -> None:
        """Not before the author's side knows its new reader, or a post published in between would reach nobody:

        1. the feed is filled     2. a post is published, and `fan_out` reads who follows     3. that side is told
        """
        self._store.later(tx, "fill_feed", account=account, author=author)
