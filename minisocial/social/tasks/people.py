"""People who part, after the answer: the other side of a block is told, and what was between the two ends there."""

from minisocial.background import Task
from minisocial.social.registers import write_active
from minisocial.social.social import Social
from minisocial.social.tasks.effect import effect


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
