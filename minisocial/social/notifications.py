"""Notifications: what somebody did that concerns you, each once, grouped where many did the same."""

from dataclasses import dataclass, replace
from typing import Any

from minisocial.database import Reader, Transaction
from minisocial.social.accounts import Account
from minisocial.social.cached import UNREAD
from minisocial.social.pages import Cursor, Page, newest_first, window
from minisocial.social.people import People
from minisocial.social.post import PostView
from minisocial.social.posts import Posts
from minisocial.social.preferences import APP, wants
from minisocial.social.store import Store

KINDS = ("request", "accepted", "follow", "mention", "reply", "like")
MOST_COUNTED = 100
FIRST = Cursor()


@dataclass(frozen=True, slots=True)
class Notification:
    """`others`: how many more did the same to the same post."""

    id: int
    kind: str
    actor: Account
    post: PostView | None
    is_new: bool
    others: int = 0


class Notifications:
    """A person's notifications, newest first."""

    def __init__(self, store: Store, people: People, posts: Posts) -> None:
        self._store = store
        self._people = people
        self._posts = posts

    def page(self, viewer: int, cursor: Cursor = FIRST) -> Page[Notification]:
        """One page; what is about a post that the viewer may not see any more is left out."""
        where, bounds = window("id", replace(cursor, limit=cursor.limit + 1))
        with self._store.beside(UNREAD, viewer) as reader:
            rows = reader.rows(
                f"SELECT id, kind, actor, post FROM notifications WHERE account = ? AND {where}", (viewer, *bounds)
            )
            seen = _seen(reader, viewer)
        more, rows = len(rows) > cursor.limit, rows[: cursor.limit]
        listed = newest_first([row[0] for row in rows], cursor)
        if not listed:
            return Page([])
        return Page(
            _grouped(self._shown(sorted(rows, reverse=True), viewer, seen)),
            older=listed[-1] if more or cursor.min_id is not None else None,
            newer=listed[0] if not cursor.is_first else None,
        )

    def _shown(self, rows: list[tuple[Any, ...]], viewer: int, seen: int) -> list[Notification]:
        actors = self._people.visible({actor for _, _, actor, _ in rows}, viewer)
        posts = self._posts.show([post for *_, post in rows if post is not None], viewer)
        return [
            Notification(id, kind, actors[actor], posts.get(post), id > seen)
            for id, kind, actor, post in rows
            if actor in actors and (post is None or post in posts)
        ]

    def unread(self, viewer: int) -> int:
        """How many came since the viewer last looked, of those that `page` shows; 100 stands for many."""
        about = self._store.cached_home(UNREAD, viewer, lambda reader: _load_unread(reader, viewer)) or ()
        posts = self._posts.show([post for post in {post for post, _ in about} if post is not None], viewer)
        actors = self._people.visible({actor for _, actor in about}, viewer)
        return sum(actor in actors and (post is None or post in posts) for post, actor in about)

    def mark_seen(self, viewer: int, up_to: int) -> None:
        """Everything up to this notification was looked at."""
        newest = min(up_to, self._store.cluster.new_id(viewer))  # a made-up number must not hide the future
        with self._store.write(viewer) as tx:
            tx.execute(
                "INSERT INTO notifications_seen (account, id) VALUES (?, ?) ON CONFLICT (account)"
                " DO UPDATE SET id = excluded.id WHERE excluded.id > id",
                (viewer, newest),
            )


def notify(tx: Transaction, id: int, account: int, key: str, kind: str, actor: int, post: int | None = None) -> bool:
    """Write a notification in the open transaction, once per key and if it is wanted; says whether it is new."""
    if not wants(tx, account, APP, kind):
        return False
    done = tx.execute(
        "INSERT OR IGNORE INTO notifications (account, key, id, kind, actor, post) VALUES (?, ?, ?, ?, ?, ?)",
        (account, key, id, kind, actor, post),
    )
    return done.rowcount > 0


def _grouped(notifications: list[Notification]) -> list[Notification]:
    """Likes of the same post become one line: "Alan and 3 others"."""
    grouped: dict[Any, Notification] = {}
    for each in notifications:
        key = (each.kind, each.post.post.id, each.is_new) if each.kind == "like" and each.post else each.id
        first = grouped.get(key)
        grouped[key] = replace(first, others=first.others + 1) if first else each
    return list(grouped.values())


def _seen(reader: Reader, viewer: int) -> int:
    row = reader.row("SELECT id FROM notifications_seen WHERE account = ?", (viewer,))
    return row[0] if row else 0


def _load_unread(reader: Reader, viewer: int) -> tuple[tuple[int | None, int], ...]:
    """What the newest unseen notifications are about, and who did it."""
    return tuple(
        reader.rows(
            "SELECT post, actor FROM notifications WHERE account = ?1 AND id >"
            " coalesce((SELECT id FROM notifications_seen WHERE account = ?1), 0) ORDER BY id DESC LIMIT ?2",
            (viewer, MOST_COUNTED),
        )
    )
