"""When a commit is safe with durability "replicated": once a second copy has it, whatever happens to the first."""

from typing import TYPE_CHECKING

from minisocial.database import log
from minisocial.database.copies import Copy
from minisocial.errors import InDoubt

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

CLOSE = 1.0  # seconds; a replica further behind confirms nothing soon


def confirm(shard: "Shard", position: int) -> None:
    """Waits until enough replicas have a commit, or the term of the commit is over; raises InDoubt.

    After a fail-over only what the new leader had of that term counts: what the failed file had may be gone, and
    positions of the new term say nothing about it.
    """
    term = log.term_of(position)
    with shard.changed:
        shard.changed.wait_for(lambda: is_decided(shard, term, position), shard.confirm_seconds)
        survived = shard.survived.get(term)
        is_safe = has_acks(shard, position) if survived is None else survived >= position
    if not is_safe:
        raise InDoubt("No second copy confirmed the change in time, so it may or may not last.")


def is_decided(shard: "Shard", term: int, position: int) -> bool:
    """Whether waiting longer can change nothing."""
    return term in shard.survived or shard.closing.is_set() or has_acks(shard, position)


def has_acks(shard: "Shard", position: int) -> bool:
    """Whether enough replicas have reached a position."""
    replicas = (copy for copy in shard.copies if copy is not shard.primary and copy.path)
    return sum(copy.position >= position for copy in replicas) >= shard.acks


def is_awaited(shard: "Shard", copy: Copy) -> bool:
    """Whether too few other replicas follow closely enough to confirm a commit without this one."""
    others = (one for one in shard.copies if one not in (copy, shard.primary))
    return sum(one.is_readable and not one.is_held and shard.lag(one) < CLOSE for one in others) < shard.acks
