"""Preferences: of what one is told, in the app and by e-mail, and how often a digest comes.

Only what somebody chose is stored, on their own shard; whatever is not there has its default, so a
default that is changed reaches everybody who never chose. What tells people asks in the very
transaction, or at the very moment, in which it tells them: a choice counts as soon as it is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from minisocial.errors import Invalid
from minisocial.social.store import Store

APP, MAIL = "app", "mail"
WAYS = (APP, MAIL)
DIGEST = "digest"
OFF, DAILY, WEEKLY = "off", "daily", "weekly"
DIGESTS = (OFF, DAILY, WEEKLY)
DEFAULT_DIGEST = WEEKLY


@dataclass(frozen=True, slots=True)
class Told:
    """One kind of news: how the page of settings calls it, and whether a letter goes unless one chose."""

    what: str
    by_mail: bool


# Letters of their own are for what waits for an answer, or is said to one; the rest would only fill a mailbox.
KINDS: Mapping[str, Told] = MappingProxyType(
    {
        "request": Told("Somebody wants to be your friend", by_mail=True),
        "accepted": Told("Somebody accepts your request", by_mail=True),
        "mention": Told("Somebody mentions you", by_mail=True),
        "reply": Told("Somebody replies to you", by_mail=True),
        "like": Told("Somebody likes a post of yours", by_mail=False),
        "follow": Told("Somebody follows you", by_mail=False),
    }
)


class Rows(Protocol):
    """A reader, or an open transaction."""

    def row(self, sql: str, params: Any = ()) -> tuple[Any, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose, by name: "mail:request", "app:like", "digest"."""

    chosen: Mapping[str, str] = field(default_factory=dict)

    def wants(self, way: str, kind: str) -> bool:
        """Whether one is told of this kind in this way ("app" or "mail")."""
        stored = self.chosen.get(f"{way}:{kind}")
        return _default(way, kind) if stored is None else stored == "on"

    @property
    def digest(self) -> str:
        """How often the digest comes: off, daily or weekly."""
        return _digest(self.chosen.get(DIGEST))


class Preferences:
    """Reading and changing what people chose."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, viewer: int) -> Choices:
        """All that a person chose, as far as the viewer has seen."""
        with self._store.read(viewer) as reader:
            rows = reader.rows("SELECT name, value FROM preferences WHERE account = ?", (viewer,))
        return Choices({name: value for name, value in rows if name in _NAMES})

    def wants(self, account: int, way: str, kind: str) -> bool:
        """The same for one kind, as it is at this moment: for tasks."""
        with self._store.fresh(account) as reader:
            return wants(reader, account, way, kind)

    def digest(self, account: int) -> str:
        """How often somebody wants the digest, at this moment: off, daily or weekly."""
        with self._store.fresh(account) as reader:
            return _digest(_stored(reader, account, DIGEST))

    def choose(self, viewer: int, chosen: Mapping[str, str]) -> None:
        """Change these choices, and leave the others: `{"mail:like": "on", "digest": "off"}`."""
        for name, value in chosen.items():
            if value not in _NAMES.get(name, ()):
                raise Invalid("", "This choice does not fit any more. Please load the page again.")
        with self._store.write(viewer) as tx:
            tx.executemany(
                "INSERT INTO preferences (account, name, value) VALUES (?, ?, ?)"
                " ON CONFLICT (account, name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
                [(viewer, name, value) for name, value in chosen.items()],
            )


def wants(rows: Rows, account: int, way: str, kind: str) -> bool:
    """Whether somebody is told of this kind in this way, as an open transaction or reader of their shard has it."""
    stored = _stored(rows, account, f"{way}:{kind}")
    return _default(way, kind) if stored is None else stored == "on"


def _stored(rows: Rows, account: int, name: str) -> str | None:
    row = rows.row("SELECT value FROM preferences WHERE account = ? AND name = ?", (account, name))
    return row[0] if row else None


def _default(way: str, kind: str) -> bool:
    """A kind that is not in the table is shown in the app and sends no letter."""
    return way == APP or (kind in KINDS and KINDS[kind].by_mail)


def _digest(stored: str | None) -> str:
    return stored if stored in DIGESTS else DEFAULT_DIGEST


_NAMES: Mapping[str, tuple[str, ...]] = {
    **{f"{way}:{kind}": ("on", "off") for way in WAYS for kind in KINDS},
    DIGEST: DIGESTS,
}
