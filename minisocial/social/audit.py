"""The audit log, for those who do not moderate people: rows are only ever added."""

from minisocial.database import DIRECTORY
from minisocial.social.store import Store

LONGEST = 1000  # characters of a detail


class Audit:
    """Writes down what was done, by whom, to what, and why; `Moderation` shows it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, actor: int | None, action: str, subject: str, detail: str = "") -> None:
        """One more entry; `actor` is None for who sits at the command line."""
        with self._store.cluster.write(DIRECTORY) as tx:
            tx.execute(
                "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
                (self._store.clock.milliseconds(), actor, action, subject[:LONGEST], detail[:LONGEST]),
            )
