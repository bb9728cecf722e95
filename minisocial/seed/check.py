"""Checks home feeds against the description they were loaded from: slowly, plainly, with none of the loader's code."""

import re
from collections import defaultdict
from collections.abc import Iterator

from minisocial.database import DIRECTORY, Cluster
from minisocial.seed.description import Community, Post

FEED_LENGTH = 800
MOST_FAULTS = 100  # beyond it the list would say nothing new

Entry = tuple[str, str]  # who wrote it, what they wrote


def check_feeds(cluster: Cluster, community: Community) -> list[str]:
    """What is wrong with the home feeds, one sentence each; an empty list when all are right."""
    accounts = _accounts(cluster)
    names = {id: name for name, id in accounts.items()}
    stored = cluster.gather(lambda: _stored_posts(cluster, names))
    readable = _readable(community)
    faults: list[str] = []
    for person in community.people:
        expected = _newest(readable[person.username])
        found = _found(cluster, accounts.get(person.username, 0), stored, names)
        faults += _differences(person.username, expected, found)
        if len(faults) >= MOST_FAULTS:
            break
    return faults


def _accounts(cluster: Cluster) -> dict[str, int]:
    with cluster.read(DIRECTORY, cluster.position(DIRECTORY)) as reader:
        return dict(reader.rows("SELECT username, account FROM usernames"))


def _stored_posts(cluster: Cluster, names: dict[int, str]) -> dict[int, Entry]:
    stored: dict[int, Entry] = {}
    for shard in cluster.shards:
        with cluster.read(shard, cluster.position(shard)) as reader:  # from a copy that has everything
            rows = reader.rows(f"SELECT id, author, text FROM posts WHERE {reader.own('id')}")
        stored.update((id, (names[author], text)) for id, author, text in rows)
    return stored


def _readable(community: Community) -> dict[str, list[Post]]:
    """For each person the posts of all whom they read, in no order: their own, their friends', those followed."""
    written: defaultdict[str, list[Post]] = defaultdict(list)
    for post in community.posts:
        written[post.author].append(post)
    pairs = {(person.username, person.username) for person in community.people}
    for friendship in community.friendships:
        if friendship.is_accepted:
            pairs |= {(friendship.asked, friendship.other), (friendship.other, friendship.asked)}
    pairs |= {(follow.follower, follow.followed) for follow in community.follows}
    readable: defaultdict[str, list[Post]] = defaultdict(list)
    for reader, author in pairs:
        readable[reader] += [post for post in written[author] if _may_see(reader, post, community)]
    return readable


def _may_see(reader: str, post: Post, community: Community) -> bool:
    if post.visibility != "direct" or post.author == reader or re.search(rf"@{reader}\b", post.text):
        return True
    return post.in_reply_to is not None and community.posts[post.in_reply_to].author == reader


def _newest(posts: list[Post]) -> list[Entry]:
    newest = sorted(posts, key=lambda post: post.at, reverse=True)[:FEED_LENGTH]
    return [(post.author, post.text) for post in newest]


def _found(cluster: Cluster, account: int, stored: dict[int, Entry], names: dict[int, str]) -> list[Entry]:
    newest_first = "SELECT post, author FROM home_feed WHERE account = ? ORDER BY post DESC"
    with cluster.read_home(account, cluster.position) as reader:
        rows = reader.rows(newest_first, (account,))
    return [(names[author], stored[post][1]) for post, author in rows if post in stored]


def _differences(username: str, expected: list[Entry], found: list[Entry]) -> Iterator[str]:
    if len(found) != len(expected):
        yield f"@{username} has {len(found)} posts in the home feed instead of {len(expected)}."
    for place, (right, wrong) in enumerate(zip(expected, found, strict=False)):
        if right != wrong:
            yield f"@{username}, post {place + 1} from the top: {wrong[1]!r} of {wrong[0]} instead of {right[1]!r}."
            return
