"""Home feeds, compared with their definition: slowly, plainly, with none of the code that fills them.

Into somebody's feed belong their own posts and those of everybody they are friends with or follow; direct ones
only if they are mentioned. A feed holds nothing else, and leaves nothing out down to its oldest entry; with
fewer than 200 entries it leaves nothing out at all, and it has at most 800. Posts of broadcasters are merged
in when it is read, so they may be in it or not.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from minisocial.database import DIRECTORY, Cluster, Reader
from minisocial.errors import Refused
from minisocial.social import Social
from minisocial.upkeep.jobs import Progress

LONGEST, SHORTEST = 800, 200
PAGE = 200  # feeds looked at in one read
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Posts:
    """Every post there is, by who may find it in their feed."""

    author: dict[int, int] = field(default_factory=dict)
    for_followers: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # by author
    for_one: defaultdict[tuple[int, int], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )  # author, reader


def check(cluster: Cluster, progress: Progress) -> list[str]:
    """What is wrong with home feeds, a sentence for each person; people who use them meanwhile do not disturb it."""
    suspects = _faults(cluster, None, progress)
    return list(_faults(cluster, set(suspects), progress).values()) if suspects else []


def report(cluster: Cluster, progress: Progress) -> str:
    """The same for people; raises Refused with what is wrong."""
    faults = check(cluster, progress)
    if not faults:
        return "All home feeds hold what they should."
    waiting = sum(_waiting(cluster, shard) for shard in cluster.names)
    told = "\n".join(faults[:MOST_TOLD])
    hint = f"{waiting} tasks are waiting: try again when they are done." if waiting else ""
    raise Refused(f"{told}\n{len(faults)} home feeds are wrong. {hint or 'Mend them with: feeds rebuild --all'}")


def rebuild(social: Social, name: str, progress: Progress) -> str:
    """Make one person's home feed anew, or everybody's if there is no name."""
    if name:
        return _done(1, 0 if social.feeds.rebuild(social.accounts.named(name).id) else 1)
    made = busy = 0
    for accounts in _pages(social.store.cluster):
        for account in accounts:
            busy += not social.feeds.rebuild(account)
            made += 1
            progress("" if made % PAGE else f"{made} home feeds")
    return _done(made, busy)


def _done(made: int, busy: int) -> str:
    left = f" {busy} of them changed too quickly to be made anew; try again." if busy else ""
    return f"{made} home feed{'s are' if made != 1 else ' is'} made anew.{left}"


def _faults(cluster: Cluster, only: set[int] | None, progress: Progress) -> dict[int, str]:
    posts = cluster.gather(lambda: _all_posts(cluster))
    with cluster.read(DIRECTORY, cluster.position(DIRECTORY)) as reader:
        broadcasters = {account for (account,) in reader.rows("SELECT account FROM broadcasters")}
    faults: dict[int, str] = {}
    seen = 0
    for accounts in _pages(cluster):
        for account in accounts if only is None else only.intersection(accounts):
            if fault := next(_wrong(cluster, account, posts, broadcasters), ""):
                faults[account] = f"The home feed of {account} {fault}."
        seen += len(accounts)
        progress(f"{seen} home feeds compared")
    return faults


def _wrong(cluster: Cluster, account: int, posts: Posts, broadcasters: Collection[int]) -> Iterator[str]:
    with cluster.read_home(account, cluster.position) as reader:
        entries: dict[int, int] = dict(reader.rows("SELECT post, author FROM home_feed WHERE account = ?", (account,)))
        authors = {account, *_followed(reader, account)}
    belongs = {post for author in authors for post in _by(posts, author, account)}
    for post, author in entries.items():
        if posts.author.get(post) != author:
            yield f"holds {post}, which is deleted or not by {author}"
        elif post not in belongs:
            yield f"holds {post} by {author}, which does not belong there"
    if len(entries) > LONGEST:
        yield f"has {len(entries)} entries"
    oldest = min(entries) if len(entries) >= SHORTEST else 0
    for post in belongs - entries.keys():
        if post > oldest and (posts.author[post] not in broadcasters or posts.author[post] == account):
            yield f"lacks {post} by {posts.author[post]}"


def _by(posts: Posts, author: int, reader: int) -> Iterator[int]:
    yield from posts.for_followers.get(author, ())
    yield from posts.for_one.get((author, reader), ())


def _followed(reader: Reader, account: int) -> Iterator[int]:
    for sql in (
        "SELECT other FROM friendships WHERE account = ? AND state = 'friends'",
        "SELECT other FROM following WHERE account = ? AND active = 1",
    ):
        yield from (other for (other,) in reader.rows(sql, (account,)))


def _all_posts(cluster: Cluster) -> Posts:
    posts = Posts()
    for shard in cluster.shards:
        with cluster.read(shard, cluster.position(shard)) as reader:
            rows = reader.rows(f"SELECT id, author, visibility, mentions FROM posts WHERE {reader.own('id')}")
        for id, author, visibility, mentions in rows:
            posts.author[id] = author
            if visibility != "direct":
                posts.for_followers[author].append(id)
                continue
            for person in {author, *(account for account, _ in json.loads(mentions))}:
                posts.for_one[author, person].append(id)
    return posts


def _pages(cluster: Cluster) -> Iterator[list[int]]:
    """Everybody, some hundred at a time."""
    for shard in cluster.shards:
        last, accounts = 0, [0]
        while accounts:
            with cluster.read(shard, cluster.position(shard)) as reader:
                rows = reader.rows(
                    f"SELECT id FROM accounts WHERE id > ? AND {reader.own('id')} ORDER BY id LIMIT ?", (last, PAGE)
                )
            accounts = [id for (id,) in rows]
            yield accounts
            last = accounts[-1] if accounts else last


def _waiting(cluster: Cluster, shard: str) -> int:
    with cluster.read(shard, cluster.position(shard)) as reader:
        return int(reader.rows("SELECT count(*) FROM outbox")[0][0])
