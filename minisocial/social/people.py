"""Who exists for whom: the one place that decides whether a person sees another.

A block is decided by the side of who blocks, whichever of the two looks, so it acts in the moment it is
made; what the other side is told serves its own rows. A suspended person is there for those in charge only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from minisocial.cache import Kind
from minisocial.database import Reader
from minisocial.errors import NotFound
from minisocial.social.accounts import NOBODY_HERE, Account, Accounts
from minisocial.social.store import Store, marks


@dataclass(frozen=True, slots=True)
class Apart:
    """Whom somebody blocks, and whether they were told that somebody blocks them."""

    blocks: frozenset[int] = frozenset()
    is_blocked: bool = False


APART: Kind[Apart] = Kind(
    "apart",
    encode=lambda apart: [sorted(apart.blocks), apart.is_blocked],
    decode=lambda row: Apart(frozenset(row[0]), row[1]),
)
FROM_NOBODY = Apart()


class People:
    """People as one of them sees the others."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def visible(self, ids: Iterable[int], viewer: int | None) -> dict[int, Account]:
        """Those of these people who exist for the viewer, by id."""
        found = self._accounts.many(ids)
        hidden = self.apart(found, viewer)
        if any(account.is_suspended for account in found.values()) and not self._is_in_charge(viewer):
            hidden |= {id for id, account in found.items() if account.is_suspended and id != viewer}
        return {id: account for id, account in found.items() if id not in hidden} if hidden else found

    def named(self, username: str, viewer: int | None) -> Account:
        """Somebody by their name, or NotFound: also when they are there, but not for the viewer.

        Those in charge reach the page of who blocks them: a block must not be a way out of their sight.
        """
        account = self._accounts.named(username)
        if account.id not in self.visible([account.id], viewer) and not self._is_in_charge(viewer):
            raise NotFound(NOBODY_HERE)
        return account

    def apart(self, ids: Iterable[int], viewer: int | None) -> set[int]:
        """Those of these people who block the viewer, or whom the viewer blocks."""
        if viewer is None:
            return set()
        others = [id for id in ids if id != viewer]
        found = self._load([viewer, *others])
        mine = found.get(viewer, FROM_NOBODY).blocks
        return {id for id in others if id in mine or viewer in found.get(id, FROM_NOBODY).blocks}

    def has_blocks(self, viewer: int) -> bool:
        """Whether there is anybody at all who does not exist for this person, or the other way round."""
        apart = self._load([viewer]).get(viewer, FROM_NOBODY)
        return bool(apart.blocks) or apart.is_blocked

    def _load(self, ids: list[int]) -> dict[int, Apart]:
        return self._store.cached_many(APART, ids, _load, lambda id: id)

    def _is_in_charge(self, viewer: int | None) -> bool:
        return viewer is not None and self._accounts.get(viewer).is_in_charge


def _load(reader: Reader, ids: list[int]) -> dict[int, Apart]:
    blocks: dict[int, set[int]] = {}
    blocked = set()
    for account, other in reader.rows(_APART.format(marks=marks(ids)), [*ids, *ids]):
        if other is None:
            blocked.add(account)
        else:
            blocks.setdefault(account, set()).add(other)
    return {id: Apart(frozenset(blocks.get(id, ())), id in blocked) for id in blocks.keys() | blocked}


_APART = """
    SELECT account, other FROM blocks WHERE active AND account IN ({marks})
    UNION ALL SELECT DISTINCT account, NULL FROM blocked_by WHERE active AND account IN ({marks})
"""
