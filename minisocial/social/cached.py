"""What is cached, under which keys, and which changed row touches which key: all of it, declared here.

A key is the kind's name and an identifier: `post:1234`, `like:<post>:<account>`. A kind lives on one
shard: that of the identifier's first part, the shard named in the key, or the directory.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from minisocial.cache import Kind
from minisocial.database import Change

RECENT = 60  # how many of the newest identifiers a cached list keeps; older pages are read from the database


EVERY_PAGE = "people:all"  # carried by whatever the proxy keeps


def rows(name: str) -> Kind[tuple[Any, ...]]:
    """A kind whose values are plain tuples, or tuples of tuples."""
    return Kind(name, encode=list, decode=_tuples)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def numbers(name: str) -> Kind[int]:
    return Kind(name, encode=int, decode=int)


ACCOUNT_OF_NAME = numbers("name")  # username in lower case → account
CONFIRMED = rows("confirmed")  # account → (whether its address was confirmed,)
UNREAD = rows("unread")  # account → ((post or None, actor), …) of the new notifications
LIKED: Kind[int] = Kind("like", int, int, is_shared=False)  # (post, account) → 1; absent: not liked
RECENT_HOME = rows("home")  # account → ((post, author), …), newest first
RECENT_BY_AUTHOR = rows("profile")  # account → (post, …)
RECENT_FOR_EVERYONE = rows("explore")  # shard → (post, …)
RECENT_WITH_TAG = rows("tag")  # (shard, tag) → (post, …)
TALKED_ABOUT = rows("talked")  # shard → ((tag, ((author, posts), …)), …)
REPLIES = rows("replies")  # post → (reply, …), the newest ones that its counter counts
BELOW_ROOT = rows("thread")  # root → (post, …), oldest first
REPLIED: Kind[tuple[int, ...]] = Kind("replied", list, tuple, is_shared=False)  # (account, root) → (post, …)


def _posts(change: Change) -> Iterator[str]:
    yield f"post:{change.key[0]}"
    if change.op != "U":
        yield f"profile:{change.logged['author']}"
        yield f"replied:{change.logged['author']}:{change.logged['root']}"
        if change.logged["visibility"] == "everyone":
            yield f"explore:{change.shard}"


def _post_tags(change: Change) -> Iterator[str]:
    yield f"tag:{change.shard}:{change.key[0]}"
    yield f"talked:{change.shard}"


def _relation(change: Change) -> Iterator[str]:
    yield f"pair:{change.key[0]}:{change.key[1]}"
    yield f"circle:{change.key[0]}"


def _account(change: Change) -> Iterator[str]:
    yield f"account:{change.key[0]}"
    # somebody may be suspended, or back: then lists over all leave out what they wrote, or have it again
    yield f"explore:{change.shard}"
    yield f"talked:{change.shard}"
    yield EVERY_PAGE


def _block(change: Change) -> Iterator[str]:
    yield f"apart:{change.key[0]}"


TOUCHED: dict[str, Callable[[Change], Iterable[str]]] = {
    "accounts": _account,
    "credentials": lambda change: (f"confirmed:{change.key[0]}",),
    "usernames": lambda change: (f"name:{change.key[0].lower()}",),
    "sessions": lambda change: (f"session:{change.key[0]}",),
    "broadcasters": lambda change: ("broadcasters:all",),
    "community": lambda change: ("community:all",),
    "posts": _posts,
    "post_tags": _post_tags,
    "likes": lambda change: (f"like:{change.key[0]}:{change.key[1]}",),
    "replies": lambda change: (f"replies:{change.key[0]}",),
    "threads": lambda change: (f"thread:{change.key[0]}",),
    "friendships": _relation,
    "following": _relation,
    "followers": _relation,
    "blocks": _block,
    "blocked_by": _block,
    "home_feed": lambda change: (f"home:{change.key[0]}",),
    "notifications": lambda change: (f"unread:{change.key[0]}",),
    "notifications_seen": lambda change: (f"unread:{change.key[0]}",),
}


def keys_of(change: Change) -> Iterable[str]:
    """The cache keys that a changed row touches."""
    touched = TOUCHED.get(change.table)
    return touched(change) if touched else ()
