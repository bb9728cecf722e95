"""People after the answer: the other side of a block is told, and who is suspended is taken out of the numbers."""

from minisocial.background import Task
from minisocial.errors import Unavailable
from minisocial.social.registers import write_active
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect, is_suspended
from minisocial.social.tasks.posts import count_reply, uncount_reply

ROUNDS = 5  # how often the replies of somebody are counted anew while others change their mind


class PeopleTasks:
    """The tasks that carry what somebody is to everybody, or nobody to one."""

    def __init__(self, social: Social) -> None:
        self._social = social
        self._store = social.store

    def mirror_block(self, task: Task) -> None:
        """Tell the side of who is blocked, and end there what was between the two."""
        account, other, active = task.args["account"], task.args["other"], task.args["active"]
        with effect(self._store, task, account) as tx:
            if write_active(tx, "blocked_by", account, other, active, task.args["version"]) and active:
                self._social.blocks.end_all(tx, account, other)

    def carry_standing(self, task: Task) -> None:
        """Finish a suspension or a change of role that died between the directory and the person's shard."""
        self._social.moderation.carry(task.args["account"])

    def recount_replies(self, task: Task) -> None:
        """Take what a suspended person replied out of the numbers that everybody sees, or put it in again.

        It ends when the person is still what they were when it began: of two that run at once, for a
        suspension and its end, the earlier one sees what has changed, and begins again.
        """
        account = task.args["account"]
        for _ in range(ROUNDS):
            was_suspended = self._recount(account)
            with self._store.write(account) as tx:
                if is_suspended(tx, account) == was_suspended:
                    if tx.shard == task.shard:
                        task.finish(tx)
                    return
        raise Unavailable("This person is suspended and let in again all the time.")  # tried again later

    def _recount(self, account: int) -> bool:
        with self._store.fresh(account) as reader:
            hidden = is_suspended(reader, account)
            replies = reader.rows(_PUBLIC_REPLIES, (account,))
        for reply, parent in replies:
            (uncount_reply if hidden else count_reply)(self._store, reply, parent)
        return hidden


_PUBLIC_REPLIES = """
    SELECT id, in_reply_to FROM posts WHERE author = ? AND in_reply_to IS NOT NULL AND visibility = 'everyone'
"""
