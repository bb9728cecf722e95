"""Broadcasters: who is followed by so many that their posts are merged into home feeds when these are read.

Somebody becomes one when they publish and more than `merge_above` follow them, and ceases to be one when
they publish and fewer than four fifths of that do: who hovers about the threshold does not go to and fro.

Neither way is a post lost or doubled, whenever a reader looks. A page merges what is stored and what a
broadcaster published, and shows once what is in both; it asks who is a broadcaster first.

- Up: from the moment the row in `broadcasters` is there, all their posts are merged, so nothing more need be stored.
- Down: first the row says `leaving` (its `since` is negative): still merged, and new posts are stored as well. Then
  a chain of tasks stores the posts before that. Only when all feeds have them the row goes.
"""

from collections.abc import Mapping

from minisocial.database import DIRECTORY, Reader
from minisocial.social.cached import rows
from minisocial.social.store import Store

MERGE_ABOVE = 5000  # followers; a setting
MOST = 1000  # broadcasters; who would be one more goes on being stored
ROOM = 0.8  # of the threshold: below it, one ceases to be a broadcaster
BROADCASTERS = rows("broadcasters")  # "all" → ((account, since), …)


class Broadcasters:
    """Who is one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def merged(self) -> Mapping[int, int]:
        """Everybody whose posts are merged in when a feed is read, with the moment since when; negative: leaving."""
        found = self._store.cached_in_directory(BROADCASTERS, "all", _load)
        return dict(found or ())

    def since(self, account: int) -> int | None:
        """The same of one person, as it is at this moment; None: not a broadcaster."""
        with self._store.fresh_directory() as reader:
            row = reader.row("SELECT since FROM broadcasters WHERE account = ?", (account,))
        return row[0] if row else None

    def begin(self, account: int) -> bool:
        """From now on this person's posts are merged in; False if there are too many broadcasters."""
        with self._store.cluster.write(DIRECTORY) as tx:
            done = tx.execute(_BEGIN, (account, self._store.clock.milliseconds(), MOST))
            return done.rowcount > 0

    def begin_to_leave(self, account: int) -> None:
        """From now on this person's posts are stored again; a chain of tasks stores earlier ones, and then ends it."""
        with self._store.cluster.write(DIRECTORY) as tx:
            row = tx.row("SELECT since FROM broadcasters WHERE account = ? AND since > 0", (account,))
            if row:
                since = -max(self._store.clock.milliseconds(), row[0] + 1)  # unlike any before: it names the chain
                tx.execute("UPDATE broadcasters SET since = ? WHERE account = ?", (since, account))
                self._store.later(tx, "store_broadcasts", author=account, since=since)

    def leave(self, account: int, since: int) -> None:
        """All feeds have this person's posts: a reader need not merge them any more."""
        with self._store.cluster.write(DIRECTORY) as tx:
            tx.execute("DELETE FROM broadcasters WHERE account = ? AND since = ?", (account, since))


def _load(reader: Reader) -> tuple[tuple[int, int], ...]:
    return tuple(reader.rows("SELECT account, since FROM broadcasters ORDER BY account LIMIT ?", (MOST,)))


# who is leaving stays after all
_BEGIN = """
    INSERT INTO broadcasters (account, since) SELECT ?1, ?2 WHERE
        EXISTS (SELECT 1 FROM broadcasters WHERE account = ?1) OR (SELECT count(*) FROM broadcasters) < ?3
    ON CONFLICT (account) DO UPDATE SET since = max(excluded.since, 1 - since) WHERE since < 0
"""
