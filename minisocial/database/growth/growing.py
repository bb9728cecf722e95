"""Places and shards come and go while the database runs.

Each change is on record before it is used, and each begins with removing what an interrupted one left;
so it may be killed at any step and asked for again.
"""

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from minisocial.database.connection import files_of, remove
from minisocial.database.copies import Copy
from minisocial.database.growth.routing import spread
from minisocial.database.loss import promotion
from minisocial.database.loss.control import NAME
from minisocial.database.loss.places import letters
from minisocial.errors import CannotStart, MinisocialError, Refused

if TYPE_CHECKING:
    from minisocial.database.cluster import Cluster
    from minisocial.database.shard import Shard

logger = logging.getLogger(__name__)

MOST_PLACES = 26
MOST_SHARDS = 64  # as many as there are logical ones


def open_places(cluster: "Cluster", replicas: int) -> None:
    """Reads what is on record, or begins; more places are made if the setting was raised since."""
    control = cluster.control
    control.read()
    if control.is_new:
        refuse_orphans(cluster.root)
        for letter in letters(replicas + 1):
            (cluster.root / letter).mkdir(exist_ok=True)
        control.begin(letters(replicas + 1), cluster.shards, spread(cluster.shards), replicas)
    if len(control.shards) < len(cluster.shards):  # more of them were added
        logger.warning(
            "the data folder has %d shards, not %d as set: that counts for a new folder only; shards are added with "
            "`shards add`",
            *(len(control.shards), len(cluster.shards)),
        )
    cluster.shards = control.shards
    for place in control.places:
        if place.folder.parent == cluster.root:  # a folder elsewhere may be a disk that is not mounted
            with suppress(OSError):  # a link whose disk is gone: this place is lost, the others go on
                place.folder.mkdir(exist_ok=True)
    control.mend()
    control.look_at_disks()
    if replicas > control.replicas:
        missing = max(0, replicas + 1 - len(control.places))
        for name in letters(missing, tuple(place.name for place in control.places)):
            (cluster.root / name).mkdir(exist_ok=True)
            control.add_place(name, None)
        control.save(replicas=replicas)


def refuse_orphans(root: Path) -> None:
    """Files without the record of which holds whose rows: a record made up now could hide people from themselves."""
    if orphan := next(root.glob("*/shard-*-*.db"), None):
        raise CannotStart(
            f"{orphan} is there, but no {NAME} to say what it is for. Put one back, from a place or out of a backup."
        )


def drop_surplus(cluster: "Cluster", replicas: int) -> None:
    """Removes the last places if the setting was lowered since."""
    if replicas == cluster.control.replicas:
        return
    for place in reversed(cluster.places[replicas + 1 :]):
        try:
            remove_replica(cluster, place.name)
        except MinisocialError as error:
            logger.warning("place %s stays: %s", place.name, error)
    cluster.control.save(replicas=replicas)


def add_replica(cluster: "Cluster", folder: Path | None) -> str:
    """One more place, which the followers then fill; its name."""
    names = tuple(place.name for place in cluster.places)
    free = letters(1, names)
    if not free:
        raise Refused(f"There are {MOST_PLACES} places already, and no letter is left for one more.")
    target = folder.resolve() if folder else cluster.root / free[0]  # a link may lead elsewhere tomorrow
    if folder and folder.is_symlink() and not target.exists():
        raise Refused(f"{folder} is a link to {target}, which is not there. Is its disk mounted?")
    if any(place.folder.resolve() == target for place in cluster.places):
        raise Refused(f"The folder {target} is a place already.")
    if folder and target.is_relative_to(cluster.root.parent.resolve()):
        raise Refused(
            f"The folder {target} lies in the data folder, where other things are kept. Choose one elsewhere."
        )
    if folder and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(f"A new place needs an empty folder, and {target} holds something.")
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(PermissionError):
            target.chmod(0o700)  # it will hold what only its owner may read
        place = cluster.control.add_place(free[0], target if folder else None)
    except OSError as error:
        raise Refused(f"The folder {target} can not be used: {error.strerror or error}.") from error
    for shard in cluster.all_shards():
        shard.add_copy(place)
    return place.name


def remove_replica(cluster: "Cluster", name: str) -> None:
    """Lets other copies lead where this place does, forgets it, and removes its files."""
    place = next((place for place in cluster.places if place.name == name), None)
    if place is None:
        raise Refused(f"There is no place {name}; there are {', '.join(place.name for place in cluster.places)}.")
    if len(cluster.places) <= 1 + cluster.acks:
        raise Refused(f"Place {name} is needed: without it a copy {'is missing' if cluster.acks else 'is not left'}.")
    for shard in cluster.all_shards():
        hand_over(shard, shard.copy_named(name))
    for shard in cluster.all_shards():
        shard.drop_copy(shard.copy_named(name))
    cluster.control.remove_place(name)
    for shard in cluster.all_shards():
        for path in files_of(place.folder, shard.name) if place.is_there() else ():
            remove(path)
    (place.folder / NAME).unlink(missing_ok=True)


def hand_over(shard: "Shard", leaving: Copy) -> None:
    """Sees to it that a copy which is to go is not needed."""
    others = [copy for copy in shard.copies if copy is not leaving]
    if shard.primary is None:
        raise Refused(f"Shard {shard.name} has no primary; no copy can be taken from it now.")
    if shard.primary is leaving:
        sound = [copy for copy in others if copy.path and not copy.error]
        if not sound:
            raise Refused(f"No other copy of shard {shard.name} is ready to lead. Try again when one has been made.")
        promotion.promote(shard, max(sound, key=lambda copy: copy.position))


def add_shard(cluster: "Cluster") -> str:
    """One more shard, empty; logical shards are moved to it one by one."""
    if len(cluster.shards) >= MOST_SHARDS:
        raise Refused(f"There are {MOST_SHARDS} shards already, one for each logical shard.")
    name = str(max(map(int, cluster.shards)) + 1)
    shard = cluster.make_shard(name)
    try:
        shard.open()
        shard.lead()
        cluster.control.save(shards=[*cluster.shards, name])
    except BaseException:
        shard.stop()
        raise
    cluster.take_in(shard)
    return name
