"""Which copy a reader gets: a replica that has all they have seen, in turn; else the primary; else what is left."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minisocial.database.copies import Copy
from minisocial.errors import ReplicaBehind

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

LAG_LIMIT = 5.0  # seconds; a replica further behind is not read
READ_SECONDS = 1.0  # how long a reader waits for a copy that has all they have seen


def candidates(shard: "Shard", at_least: int) -> Sequence[Copy]:
    """The copies to try, best first; raises ReplicaBehind."""
    primary = shard.primary
    fit = [c for c in shard.copies if c.is_readable and c.position >= at_least and c is not primary]
    fit = [copy for copy in fit if shard.lag(copy) < LAG_LIMIT]
    if len(fit) > 1:
        shard.turn = turn = (shard.turn + 1) % len(fit)  # threads that meet here may get the same one
        fit = fit[turn:] + fit[:turn]
    if primary and primary.is_readable:
        fit.append(primary)
    return fit or last_resort(shard, at_least)


def last_resort(shard: "Shard", at_least: int) -> Sequence[Copy]:
    """When nothing is as it should be: any copy that does not take its reader back in time, or soon will not."""
    with shard.changed:
        shard.changed.wait_for(lambda: left(shard, at_least) or not left(shard, 0), READ_SECONDS)
    found = left(shard, at_least)
    if not found:
        raise ReplicaBehind("No copy of the database that can be read is new enough. Try again soon.")
    return sorted(found, key=lambda copy: copy.position, reverse=True)


def left(shard: "Shard", at_least: int) -> list[Copy]:
    """What can be read at all, even if somebody met an error there."""
    return [copy for copy in shard.copies if copy.has_joined and not copy.is_down and copy.position >= at_least]
