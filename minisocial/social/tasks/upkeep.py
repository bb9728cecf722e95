"""What is over goes, every day: sessions, links, invites, marks of letters, and what nobody reads any more in feeds."""

import json
from collections.abc import Collection

from minisocial.background import HandlerSpec, Job, Task
from minisocial.background.schedule import DAY, until
from minisocial.database import DIRECTORY, Reader
from minisocial.social.home_feeds import KEPT, SHORTEST, trim
from minisocial.social.store import Store
from minisocial.social.tasks.chain import go_on, part_of

DAY_MS = 24 * 3600 * 1000
AT_ONCE = 500  # rows of a table, or people, in one task
AWAY_MS = 30 * DAY_MS  # who has no session and has looked at nothing for so long reads no long feed
MARKS_KEPT_MS = 90 * DAY_MS  # longer than any letter is tried
NIGHT = 3.5 * 3600  # local time

# How long what ran out is kept: an invite, so that its page says so; a link that was used, so that it stays used.
# An account whose address was never confirmed stays; what goes with the link is the change that waited for it.
EXPIRED = (
    ("sessions", "token", "expires_at", 0),
    ("tickets", "token", "created_at", 7 * DAY_MS),
    ("invites", "code", "expires_at", 30 * DAY_MS),
)


class UpkeepTasks:
    """The jobs that tidy up. Each removes a bounded number of rows and leaves the rest to its next part."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def jobs(self) -> list[Job]:
        return [
            Job("expire", DAY, HandlerSpec(self.expire, is_batch=True), at=NIGHT),
            Job("trim", DAY, HandlerSpec(self.trim, is_batch=True), at=NIGHT),
        ]

    def expire(self, task: Task) -> str:
        """Remove sessions, tickets and invites whose time is over."""
        end = until(task.args, DAY)
        with self._store.cluster.write(DIRECTORY) as tx:
            counts = [
                tx.execute(_EXPIRE.format(table=table, key=key, time=time), (end - kept, AT_ONCE)).rowcount
                for table, key, time, kept in EXPIRED
            ]
        removed = task.args.get("removed", 0) + sum(counts)
        go_on(self._store, task, {**task.args, "removed": removed} if max(counts) == AT_ONCE else None)
        return f"{removed} sessions, links and invites removed"

    def trim(self, task: Task) -> str:
        """Cut feeds that are too long, or whose owners are away; forget which letters were sent long ago."""
        part = part_of(self._store, task, AT_ONCE)
        away = self._away(part.shard, part.accounts, until(task.args, DAY) - AWAY_MS)
        with self._store.cluster.write(part.shard) as tx:
            here = [account for account in part.accounts if self._store.home(account) == part.shard]
            cut = trim(tx, [account for account in here if account not in away], KEPT)
            cut += trim(tx, [account for account in here if account in away], SHORTEST)
            tx.execute(_FORGET_LETTERS, (json.dumps(here), until(task.args, DAY) - MARKS_KEPT_MS))
        cut += task.args.get("cut", 0)
        go_on(self._store, task, part.following and {**part.following, "cut": cut})
        return f"{cut} home feeds cut"

    def _away(self, shard: str, accounts: Collection[int], since: int) -> set[int]:
        """Those who have no session, and neither joined nor looked at their notifications since then."""
        listed = json.dumps(list(accounts))
        with self._store.fresh_directory() as reader:
            here = _column(
                reader, "SELECT account FROM sessions WHERE account IN (SELECT value FROM json_each(?))", listed
            )
        with self._store.cluster.read(shard, self._store.cluster.position(shard)) as reader:
            here |= _column(reader, _LOOKED, listed, since)
        return set(accounts) - here


def _column(reader: Reader, sql: str, *params: object) -> set[int]:
    return {value for (value,) in reader.rows(sql, params)}


_EXPIRE = "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {time} <= ? LIMIT ?)"
_LOOKED = """
    SELECT accounts.id FROM json_each(?1) JOIN accounts ON accounts.id = value
    LEFT JOIN notifications_seen ON account = accounts.id
    WHERE created_at > ?2 OR notifications_seen.id >> 16 > ?2
"""
_FORGET_LETTERS = """
    DELETE FROM letters_sent WHERE account IN (SELECT value FROM json_each(?)) AND at < ?
"""
