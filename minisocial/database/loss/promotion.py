"""Planned promotion: another copy leads, and nothing is lost.

1. The copy catches up, while writers go on.
2. Nobody writes; the open group is committed; the copy takes the little that is left.
3. It begins a new term, and writers go on with it. The one that led follows.

If it can not lead after all, the old one begins a new term itself.
"""

import logging
import sqlite3
from typing import TYPE_CHECKING

from minisocial.database.connection import Damaged
from minisocial.database.copies import Copy
from minisocial.database.loss import failover
from minisocial.database.loss.places import room
from minisocial.errors import NoPrimary, Refused, Unavailable

if TYPE_CHECKING:
    from minisocial.database.shard import Shard

KNOWN_SECONDS = 2.0  # how long a promotion waits for a replica to know of it
ENOUGH = 32 << 20  # free bytes that make a copy worth leading


def promote(shard: "Shard", copy: Copy) -> None:
    """Lets a copy lead; raises Refused or Unavailable, with everything as it was."""
    if copy.is_held:
        raise Refused(f"Copy {copy.name} of shard {shard.name} is held. Release it first.")
    if copy is shard.primary:
        return
    catch_up(shard, copy)
    hand_over(shard, copy)
    with shard.changed:  # until then, the loss of its disk and a restart would leave nobody who knows of the new term
        shard.changed.wait_for(lambda: is_known(shard, copy), KNOWN_SECONDS)


def is_known(shard: "Shard", primary: Copy) -> bool:
    """Whether another copy has all that a primary has, or none is there to have it."""
    others = [copy for copy in shard.copies if copy is not primary and copy.path and not copy.is_held]
    return not others or any(copy.position >= primary.position for copy in others)


def hand_over(shard: "Shard", copy: Copy) -> None:
    """The steps 2 and 3."""
    with shard.commits.quiet():
        old = shard.primary
        if old is None:
            raise Unavailable(f"Shard {shard.name} has no primary that could hand over. Try again soon.")
        if old is copy:
            return
        take_the_rest(shard, copy, old)
        old.writer_closes()
        shard.commits.close(NoPrimary("another copy is about to lead"))
        if failover.try_to_lead(shard, copy, anew=True):
            return shard.report(f"{copy.name} leads instead of {old.name}, as asked", logging.INFO)
        if not failover.try_to_lead(shard, old, anew=True):
            failover.fail_over(shard, Damaged("it could not lead again"))
        raise Unavailable(f"Copy {copy.name} of shard {shard.name} could not lead; the log says why.")


def catch_up(shard: "Shard", copy: Copy) -> None:
    """Without the right to write: what it lacks may be much, or the whole file."""
    try:
        shard.follower_of(copy).step()
    except (sqlite3.Error, OSError, Damaged) as error:
        raise Unavailable(f"Copy {copy.name} of shard {shard.name} can not follow: {error}") from error


def take_the_rest(shard: "Shard", copy: Copy, old: Copy) -> None:
    """With the right to write: afterwards both are at the same position."""
    try:
        with copy.busy:
            reason = shard.follower_of(copy).follow(old)
    except (sqlite3.Error, OSError, Damaged) as error:
        raise Unavailable(f"Copy {copy.name} of shard {shard.name} can not follow: {error}") from error
    if reason:
        raise Unavailable(f"Copy {copy.name} of shard {shard.name} is not ready: {reason}. Try again soon.")


def leave_full_disk(shard: "Shard") -> None:
    """If the primary's disk is full, and that of another copy is not, that one leads."""
    primary = shard.primary
    if not shard.is_full or primary is None:
        return
    shard.is_full = False
    fit = [copy for copy in shard.copies if copy is not primary and copy.path and not (copy.error or copy.is_held)]
    best = max(fit, key=lambda copy: room(copy.place.folder), default=None)
    if best is None or room(best.place.folder) < max(ENOUGH, 2 * room(primary.place.folder)):
        return
    shard.report(f"the disk of {primary.name} is full; {best.name} is to lead")
    try:
        promote(shard, best)
    except (Refused, Unavailable) as error:
        shard.report(f"{best.name} can not lead either: {error}")
