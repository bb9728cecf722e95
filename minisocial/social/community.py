"""The community itself: its name, its rules and who may see it."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from minisocial.cache import Kind
from minisocial.database import DIRECTORY, Reader, Transaction
from minisocial.errors import Invalid
from minisocial.social.store import Store
from minisocial.social.text import clean

JOINING = ("invite", "open")


@dataclass(frozen=True, slots=True)
class Community:
    """The settings a host chooses; `members_only` shows strangers the front page and nothing else."""

    name: str = ""
    description: str = ""
    code_of_conduct: str = ""
    join: str = "invite"
    members_only: bool = True

    @property
    def is_set_up(self) -> bool:
        return bool(self.name)


COMMUNITY: Kind[Community] = Kind("community", encode=asdict, decode=lambda value: Community(**value))
_NAMES = frozenset(field.name for field in fields(Community))


class Communities:
    """Reading and changing the one community a system serves."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self) -> Community:
        """The community as it is now; `is_set_up` is false before its first visit."""
        return self._store.cached_in_directory(COMMUNITY, "all", _load) or Community()

    def edit(
        self, *, name: str, description: str, code_of_conduct: str, join: str = "invite", members_only: bool = True
    ) -> None:
        """Change the community's settings; who may do so is the caller's to check."""
        community = checked(name, description, code_of_conduct, join, members_only)
        with self._store.cluster.write(DIRECTORY) as tx:
            save(tx, community)


def checked(name: str, description: str, code_of_conduct: str, join: str, members_only: bool) -> Community:
    """The settings as a host may choose them, or Invalid."""
    name = clean("name", name, 60, empty="Please give the community a name.")
    if join not in JOINING:
        raise Invalid("join", "People join with an invite, or the community is open.")
    description = clean("description", description, 500, lines=True)
    return Community(name, description, clean("code_of_conduct", code_of_conduct, 5000, lines=True), join, members_only)


def save(tx: Transaction, community: Community) -> None:
    """Write the settings in the open transaction of the directory."""
    for name, value in asdict(community).items():
        tx.execute(
            "INSERT INTO community (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )


def _load(reader: Reader) -> Community | None:
    rows = reader.rows("SELECT name, value FROM community")
    found: dict[str, Any] = {name: json.loads(value) for name, value in rows}
    return Community(**{name: value for name, value in found.items() if name in _NAMES}) if found else None
