"""The audit log: what those in charge did. It lies in the directory, and rows are only ever added."""

from dataclasses import dataclass

from minisocial.database import DIRECTORY, Transaction
from minisocial.social.accounts import Account, Accounts
from minisocial.social.pages import Cursor, Page, newest_first, window
from minisocial.social.store import Store

LONGEST = 1000  # characters of a detail


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log; `actor` is None for what was done at the command line."""

    id: int
    at: int  # milliseconds since 1970
    actor: Account | None
    action: str
    subject: str  # a username, or what else it was done to
    detail: str


class Audit:
    """Writes down what was done, by whom, to what, and why; and shows it."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def note(self, actor: int | None, action: str, subject: str, detail: str = "") -> None:
        """One more entry; `actor` is None for who sits at the command line."""
        with self._store.cluster.write(DIRECTORY) as tx:
            write_down(tx, self._store.clock.milliseconds(), actor, action, subject, detail)

    def page(self, cursor: Cursor) -> Page[Entry]:
        """What those in charge did, newest first."""
        where, bounds = window("id", cursor)
        with self._store.fresh_directory() as reader:
            # LIMIT comes last among the parameters: one more row tells whether there is another page
            sql = f"SELECT id, at, actor, action, subject, detail FROM audit WHERE {where}"
            rows = reader.rows(sql, [*bounds[:-1], cursor.limit + 1])
        more, by_id = len(rows) > cursor.limit, {row[0]: row for row in rows[: cursor.limit]}
        ids = newest_first(list(by_id), cursor)
        actors = self._accounts.many({row[2] for row in by_id.values() if row[2] is not None})
        return Page(
            [Entry(id, at, actors.get(actor), *what) for id, at, actor, *what in (by_id[id] for id in ids)],
            older=ids[-1] if ids and (more or cursor.min_id is not None) else None,
            newer=ids[0] if ids and not cursor.is_first else None,
        )


def write_down(tx: Transaction, at: int, actor: int | None, action: str, subject: str, detail: str) -> None:
    """One more entry, in the open transaction of the directory."""
    tx.execute(
        "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
        (at, actor, action, subject[:LONGEST], detail[:LONGEST]),
    )
