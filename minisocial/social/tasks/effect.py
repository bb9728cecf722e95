"""What tasks of several nouns need: a last write block, and a post as it is now."""

from collections.abc import Iterator
from contextlib import contextmanager

from minisocial.background import Task
from minisocial.database import Reader, Transaction
from minisocial.social.post import COLUMNS, Post, from_row
from minisocial.social.store import Store


@contextmanager
def effect(store: Store, task: Task, id: int) -> Iterator[Transaction]:
    """The last write block of a task; if its outbox row lies on that shard, it goes in the same commit.

    It does not lie there if whom it concerns lives elsewhere, or has moved since it was written.
    """
    with store.write(id) as tx:
        yield tx
        if tx.shard == task.shard:
            task.finish(tx)


def was_deleted(store: Store, task: Task, id: int) -> bool:
    """Whether a post was deleted while a task of its shard spread it; if not, the task is finished.

    1. the task reads the post     2. it is deleted, and `retract` finds nothing to take back yet
    3. the task spreads it: a dead post in feeds, a counter one too high, for ever
    So the task looks once more, in the block that ends it: a deletion that comes before is undone by
    the caller; one that comes after has everything there to take back.
    """
    with store.write(id) as tx:
        is_there = tx.row("SELECT 1 FROM posts WHERE id = ?", (id,)) is not None
        if is_there and tx.shard == task.shard:
            task.finish(tx)
    return not is_there


def fresh_post(store: Store, id: int) -> Post | None:
    """A post as it is now, or None."""
    with store.fresh(id) as reader:
        row = reader.row(f"SELECT {COLUMNS} FROM posts WHERE id = ?", (id,))
    return from_row(row) if row else None


def is_suspended(rows: Transaction | Reader, account: int) -> bool:
    """Whether somebody is suspended, as their own side says."""
    return rows.row("SELECT 1 FROM accounts WHERE id = ? AND suspended_at IS NOT NULL", (account,)) is not None
