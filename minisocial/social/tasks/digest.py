"""The digest: a letter with what one may have missed, once a day or a week, and none if that is nothing.

It goes to who confirmed their address and did not switch it off, if there is a mail server at all. A week
ends on another day for each seventh of the people, so that not everybody's letter is due at once.
"""

import json
from collections.abc import Iterator

from minisocial.background import HandlerSpec, Job, Letter, Task
from minisocial.background.schedule import DAY
from minisocial.database import Transaction
from minisocial.social import digest
from minisocial.social.pages import Cursor
from minisocial.social.post import PostView
from minisocial.social.preferences import DAILY, DEFAULT_DIGEST, DIGEST, WEEKLY
from minisocial.social.tasks.chain import Part, go_on, part_of
from minisocial.social.tasks.sending import Sending

DAY_MS = 24 * 3600 * 1000
MORNING = 7 * 3600.0  # local time
AT_ONCE = 200  # people asked about in one task
LOOKED_AT = 40  # posts of a home feed
SHOWN = 10


class DigestTasks:
    """The job that finds who is to have a digest, and the task that writes one."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._social = sending.social
        self._store = sending.social.store

    def jobs(self) -> list[Job]:
        return [Job("digest", DAY, HandlerSpec(self.choose, is_batch=True), at=MORNING)]

    def choose(self, task: Task) -> str:
        """Leave a task for each of some people whose day or week is over."""
        if not self._sending.has_server:
            return "nothing to do: there is no mail server"
        part = part_of(self._store, task, AT_ONCE)
        today, before = task.args["at"] // DAY_MS, task.args["before"] // DAY_MS
        due = task.args.get("due", 0)
        with self._store.cluster.write(part.shard) as tx:
            for account, period in self._due(tx, part, today, before or today - 1):
                self._store.later(tx, "digest", account=account, period=period)
                due += 1
        go_on(self._store, task, part.following and {**part.following, "due": due})
        return f"{due} people asked about"

    def _due(self, tx: Transaction, part: Part, today: int, before: int) -> Iterator[tuple[int, str]]:
        """Who of them is to be asked about, with the number of the day or the week that is over."""
        rows = tx.execute(_READERS, (json.dumps(part.accounts), DEFAULT_DIGEST)).fetchall()
        for account, how_often in rows:
            if how_often == DAILY and today > before:
                yield account, f"{DAILY}-{today}"
            elif how_often == WEEKLY and week(account, today) > week(account, before):
                yield account, f"{WEEKLY}-{week(account, today)}"

    def digest(self, task: Task) -> None:
        """Write somebody's digest for one day or week, unless it was written or there is nothing to say."""
        account, period = task.args["account"], task.args["period"]
        key = f"digest-{period}-{account}"
        self._sending.once(task, account, key, lambda: self._written(account, key, period))

    def _written(self, account: int, key: str, period: str) -> Letter | None:
        with self._store.fresh(account) as reader:
            row = reader.row(_READERS, (json.dumps([account]), DEFAULT_DIGEST))
        if row is None or row[1] != period.partition("-")[0]:
            return None
        news = digest.News(
            posts=self._posts(account, self._last_here(account)),
            requests=self._social.friends.request_count(account),
            unread=self._social.notifications.unread(account),
        )
        to = self._sending.for_news(account)
        if news.is_nothing or not to:
            return None
        return digest.write(
            news,
            self._sending.sender,
            key=key,
            to=to,
            reader=self._social.accounts.get(account),
            unsubscribe=self._sending.unsubscribe(account, DIGEST),
        )

    def _posts(self, account: int, since: int) -> list[PostView]:
        newest = self._social.feeds.home(account, Cursor(limit=LOOKED_AT)).items
        return [view for view in newest if view.post.created_at > since and view.post.author != account][:SHOWN]

    def _last_here(self, account: int) -> int:
        """When this person last had a digest, logged in or looked at their notifications, in milliseconds."""
        with self._store.fresh_directory() as reader:
            logged_in = reader.row("SELECT max(created_at) FROM sessions WHERE account = ?", (account,))
        with self._store.fresh(account) as reader:
            looked = reader.row("SELECT id >> 16 FROM notifications_seen WHERE account = ?", (account,))
            sent = reader.row("SELECT max(at) FROM letters_sent WHERE account = ? AND key LIKE 'digest-%'", (account,))
        return max(row[0] or 0 for row in (logged_in, looked, sent, (0,)) if row)


def week(account: int, day: int) -> int:
    """The number of somebody's week: it begins on the same day for each seventh of the people."""
    return (day - (account >> 16) % 7) // 7


# who may have one, and how often: those who are not suspended and whose address is theirs
_READERS = """
    SELECT accounts.id, coalesce(preferences.value, ?2) FROM json_each(?1)
    JOIN accounts ON accounts.id = json_each.value AND suspended_at IS NULL
    JOIN credentials ON credentials.account = accounts.id AND confirmed_at IS NOT NULL
    LEFT JOIN preferences ON preferences.account = accounts.id AND name = 'digest'
"""
