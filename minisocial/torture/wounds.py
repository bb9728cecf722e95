"""Which copy is hurt, how, and whether it is healed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minisocial.database import DIRECTORY
from minisocial.database.loss.control import read_file
from minisocial.torture import sabotage
from minisocial.torture.sabotage import Target
from minisocial.torture.status import Status
from minisocial.torture.world import World


@dataclass(frozen=True, slots=True)
class Wound:
    """Damage to a copy that may not be healed yet."""

    kind: str
    target: Target
    led: frozenset[str]  # shards whose primary it hit
    keeps_file: bool = False  # the same file goes on when it is over

    @property
    def name(self) -> str:
        return f"{self.target.role}: {self.kind}"

    @property
    def is_drained(self) -> bool:
        """Whether replicas can read all the old primary had, while the process lives."""
        return self.kind in sabotage.KEPT_OPEN or self.keeps_file

    def is_healed(self, status: Status) -> bool:
        """Another file took the place of the damaged one, and every copy follows."""
        place = self.target.name
        in_use = [file_in(status, name, place) for name in status.shards if place_of(status, place)]
        is_new = self.keeps_file or (self.target.file not in in_use)
        return is_new and status.is_healthy and all(file and file.exists() for file in in_use)


def place_of(status: Status, name: str) -> str:
    return status.folders.get(name, "")


def file_in(status: Status, shard: str, place: str) -> Path | None:
    """The file of a copy, wherever its place lies."""
    name = status.shards[shard].files.get(place, "")
    return Path(place_of(status, place)) / Path(name).name if name else None


def choose(world: World, status: Status, chance: random.Random, shard: str = "", role: str = "") -> Target | None:
    """A copy to be hurt; the primary every other time. None if there is none."""
    shard = shard or chance.choice([*status.shards, *(name for name in status.shards if name != DIRECTORY)])
    primary = status.shards[shard].primary
    role = role or chance.choice(["primary", "replica"])
    places = [primary] if role == "primary" else [p for p in status.shards[shard].files if p != primary]
    place = chance.choice(places) if places else ""
    file = file_in(status, shard, place) if place else None
    if file is None:
        return None
    return Target(shard, role, place, file.parent, file, world.earlier(place), chance)


def hurt(kind: str, damage: Callable[[Target], None], target: Target, status: Status) -> Wound | None:
    """Does the damage; None if it could not be done."""
    if kind in sabotage.TAKES_TERMS and not all(read_file(Path(folder)) for folder in status.folders.values()):
        return None
    try:
        damage(target)
    except FileNotFoundError:  # it was just replaced, or there is no older one
        return None
    led = {name for name, shard in status.shards.items() if target.name == shard.primary}
    return Wound(kind, target, frozenset(led if kind in sabotage.WHOLE_PLACE else led & {target.shard}))
