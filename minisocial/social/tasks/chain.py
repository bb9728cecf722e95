"""Work on everybody, some people at a time: shard after shard, each part a task that leaves the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minisocial.background import Task
from minisocial.database import DIRECTORY
from minisocial.social.store import Store


@dataclass(frozen=True, slots=True)
class Part:
    """A page of people on one shard; `following` are the arguments of the part after it, None after the last."""

    shard: str
    accounts: Sequence[int]
    following: dict[str, Any] | None


def part_of(store: Store, task: Task, limit: int) -> Part:
    """The people a task is about: those on `shard` after `after`, from its arguments."""
    shards = store.cluster.shards
    shard, after = task.args.get("shard", shards[0]), task.args.get("after", 0)
    with store.cluster.read(shard, store.cluster.position(shard)) as reader:
        rows = reader.rows(
            f"SELECT id FROM accounts WHERE id > ? AND {reader.own('id')} ORDER BY id LIMIT ?", (after, limit)
        )
    accounts = [id for (id,) in rows]
    if len(accounts) == limit:
        return Part(shard, accounts, {**task.args, "shard": shard, "after": accounts[-1]})
    later = shards[shards.index(shard) + 1 :]
    return Part(shard, accounts, {**task.args, "shard": later[0], "after": 0} if later else None)


def go_on(store: Store, task: Task, following: dict[str, Any] | None) -> None:
    """Leave the next part, in the transaction that ends this one; nothing if there is none."""
    if following is not None:
        with store.cluster.write(DIRECTORY) as tx:
            store.later(tx, task.name, **following)
            if tx.shard == task.shard:
                task.finish(tx)
