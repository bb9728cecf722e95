"""Friends after the answer: the other side of a friendship or a follow is brought to what one side says."""

from minisocial.background import Task
from minisocial.database import Transaction
from minisocial.social.registers import (
    ENDED,
    FRIENDS,
    RECEIVED,
    REQUESTED,
    forget_request,
    friendship,
    is_apart,
    write_active,
    write_friendship,
)
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect
from minisocial.social.tasks.telling import tell


class FriendTasks:
    """The tasks that carry a word to the other side."""

    def __init__(self, social: Social) -> None:
        self._social = social
        self._store = social.store

    def mirror_friendship(self, task: Task) -> None:
        """Bring the other side's register to the state that somebody gave theirs."""
        account, other, state = task.args["account"], task.args["other"], task.args["state"]
        with effect(self._store, task, account) as tx:
            before = friendship(tx, account, other)
            if not write_friendship(tx, account, other, state, task.args["version"]):
                return  # done already, or a later word was spoken
            if before == FRIENDS and state != FRIENDS:
                self._social.friends.end_following(tx, account, other)
            if state != ENDED and is_apart(tx, account, other):  # a word from before the block
                self._social.friends.part(tx, account, other)
            elif state == RECEIVED and before == REQUESTED:
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
        tell(self._store, tx, account, key, kind, other)

    def mirror_follow(self, task: Task) -> None:
        """Bring the followed person's side to what the follower's side says."""
        account, other, active = task.args["account"], task.args["other"], task.args["active"]
        with effect(self._store, task, account) as tx:
            if not write_active(tx, "followers", account, other, active, task.args["version"]) or not active:
                return
            if is_apart(tx, account, other):
                self._social.friends.part(tx, account, other)
            else:
                key = f"follow:{other}:{task.args['version']}"
                tell(self._store, tx, account, key, "follow", other)
                self._fill_feed_later(tx, other, account)

    def cut_follow(self, task: Task) -> None:
        """Bring the follower's side to the end that the followed person put to it."""
        account, other = task.args["account"], task.args["other"]
        with effect(self._store, task, account) as tx:
            if write_active(tx, "following", account, other, False, task.args["version"]):
                self._store.later(tx, "clear_feed", account=account, author=other)

    def _fill_feed_later(self, tx: Transaction, account: int, author: int) -> None:
        """Not before the author's side knows its new reader, or a post published in between would reach nobody:

        1. the feed is filled     2. a post is published, and `fan_out` reads who follows     3. that side is told
        """
        self._store.later(tx, "fill_feed", account=account, author=author)
