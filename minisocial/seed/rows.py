"""The rows of each table on one shard, one after the other, as the domain itself would have written them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from minisocial.seed.description import Community, Friendship, Person
from minisocial.seed.here import Here
from minisocial.seed.material import Material
from minisocial.seed.news import notifications
from minisocial.social import text

Row = tuple[Any, ...]


def accounts(material: Material, here: Here) -> Iterator[Row]:
    for id, person in _people(material, here):
        role = "admin" if person.is_admin else "member"
        yield id, person.username, person.display_name, person.bio, role, person.approves_followers, person.joined_at


def credentials(material: Material, here: Here) -> Iterator[Row]:
    for id, person in _people(material, here):
        yield id, email(person), material.password


def email(person: Person) -> str:
    """An address that can never be anybody's (RFC 2606)."""
    return f"{person.username}@minisocial.example"


def seen(material: Material, here: Here) -> Iterator[Row]:
    for id, person in _people(material, here):
        yield id, material.numbered.past_ids.make_like(person.looked_at, id)


def _people(material: Material, here: Here) -> Iterator[tuple[int, Person]]:
    for person in here.each(material.numbered.community.people):
        id = material.numbered.accounts[person.username]
        if here.has(id):
            yield id, person


def friendships(material: Material, here: Here) -> Iterator[Row]:
    """A row on each side, both with the same version."""
    numbered = material.numbered
    pairs = here.each(numbered.community.friendships)
    for version, friendship in zip(numbered.friendships, pairs, strict=True):
        asked, other = numbered.accounts[friendship.asked], numbered.accounts[friendship.other]
        mine, theirs = _states(friendship)
        if here.has(asked):
            yield asked, other, mine, version
        if here.has(other):
            yield other, asked, theirs, version


def _states(friendship: Friendship) -> tuple[str, str]:
    return ("friends", "friends") if friendship.is_accepted else ("requested", "received")


def following(material: Material, here: Here) -> Iterator[Row]:
    return (row for row in _follows(material, here) if here.has(row[0]))


def followers(material: Material, here: Here) -> Iterator[Row]:
    rows = ((other, account, *rest) for account, other, *rest in _follows(material, here))
    return (row for row in rows if here.has(row[0]))


def _follows(material: Material, here: Here) -> Iterator[Row]:
    numbered = material.numbered
    follows = here.each(numbered.community.follows)
    for version, follow in zip(numbered.follows, follows, strict=True):
        yield numbered.accounts[follow.follower], numbered.accounts[follow.followed], 1, version


def posts(material: Material, here: Here) -> Iterator[Row]:
    numbered = material.numbered
    for place, id in _posts(material, here):
        post = numbered.community.posts[place]
        parent = None if post.in_reply_to is None else numbered.posts[post.in_reply_to]
        mentions = json.dumps(numbered.mentions[place], separators=(",", ":"))
        words = post.text, post.visibility, parent, numbered.roots[place], mentions
        yield id, numbered.authors[place], *words, numbered.likes[place], numbered.replies[place]


def post_tags(material: Material, here: Here) -> Iterator[Row]:
    for place, id in _posts(material, here):
        for tag in text.tags(material.numbered.community.posts[place].text):
            yield tag, id


def _posts(material: Material, here: Here) -> Iterator[tuple[int, int]]:
    for place, id in enumerate(here.each(material.numbered.posts)):
        if here.has(id):
            yield place, id


def likes(material: Material, here: Here) -> Iterator[Row]:
    for like in here.each(material.numbered.community.likes):
        post = material.numbered.posts[like.post]
        if here.has(post):
            yield post, material.numbered.accounts[like.account]


def replies(material: Material, here: Here) -> Iterator[Row]:
    posts = material.numbered.posts
    for id, post in zip(posts, here.each(material.numbered.community.posts), strict=True):
        if post.in_reply_to is not None and post.visibility == "everyone" and here.has(posts[post.in_reply_to]):
            yield posts[post.in_reply_to], id


def threads(material: Material, here: Here) -> Iterator[Row]:
    """Everything below a post that began a thread; the post itself needs no row."""
    for root, post in zip(material.numbered.roots, here.each(material.numbered.posts), strict=True):
        if root != post and here.has(root):
            yield root, post


def home_feed(material: Material, here: Here) -> Iterator[Row]:
    """Account by account and post by post, the order of the table's own tree: it only ever grows at its end."""
    for account in here.each(sorted(material.numbered.accounts.values())):
        if here.has(account):
            yield from ((account, post, author) for post, author in material.feeds.of(account))


def news(material: Material, here: Here) -> Iterator[Row]:
    for row in notifications(material, here):
        yield row.account, row.key, row.id, row.kind, row.actor, row.post


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is filled; `walks` names the lists of the description that this goes through."""

    name: str
    columns: str
    rows: Callable[[Material, Here], Iterator[Row]]
    walks: tuple[str, ...]
    weight: int = 1  # how much longer than a post's an item takes

    def work(self, community: Community) -> int:
        """How much there is to do."""
        return self.weight * sum(len(getattr(community, name)) for name in self.walks)


# the order does not matter, there are no foreign keys
TABLES = (
    Table("accounts", "id, username, display_name, bio, role, approves_followers, created_at", accounts, ("people",)),
    Table("credentials", "account, email, password", credentials, ("people",)),
    Table("friendships", "account, other, state, version", friendships, ("friendships",)),
    Table("following", "account, other, active, version", following, ("follows",)),
    Table("followers", "account, other, active, version", followers, ("follows",)),
    Table("posts", "id, author, text, visibility, in_reply_to, root, mentions, likes, replies", posts, ("posts",)),
    Table("post_tags", "tag, post", post_tags, ("posts",)),
    Table("likes", "post, account", likes, ("likes",)),
    Table("replies", "post, reply", replies, ("posts",)),
    Table("threads", "root, post", threads, ("posts",)),
    Table("home_feed", "account, post, author", home_feed, ("people",), weight=100),
    Table("notifications", "account, key, id, kind, actor, post", news, ("friendships", "follows", "posts", "likes")),
    Table("notifications_seen", "account, id", seen, ("people",)),
)
