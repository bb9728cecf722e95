"""Notifications: what people would have been told of while all this happened."""

from collections.abc import Iterator
from dataclasses import dataclass

from minisocial.seed.description import DAY
from minisocial.seed.here import Here
from minisocial.seed.material import Material
from minisocial.seed.numbering import Numbered

NEWS_DAYS = 30  # nobody would page back further


@dataclass(frozen=True, slots=True)
class News:
    """A row of `notifications`; `id` says when it arrived."""

    account: int
    key: str
    id: int
    kind: str
    actor: int
    post: int | None = None


def notifications(material: Material, here: Here) -> Iterator[News]:
    """Everything that people of this shard were told in the last 30 days."""
    since = material.numbered.community.described_at - NEWS_DAYS * DAY
    for kind in (_of_friendships, _of_follows, _of_posts, _of_likes):
        yield from kind(material, here, since)


def _of_friendships(material: Material, here: Here, since: int) -> Iterator[News]:
    """Who was asked is told of the request until it is answered; who asked is told that it was accepted."""
    numbered = material.numbered
    pairs = here.each(numbered.community.friendships)
    for version, pair in zip(numbered.friendships, pairs, strict=True):
        asked, other = numbered.accounts[pair.asked], numbered.accounts[pair.other]
        kind, account, actor = ("accepted", asked, other) if pair.is_accepted else ("request", other, asked)
        if pair.at >= since and here.has(account):
            yield _news(numbered, account, f"{kind}:{actor}:{version}", pair.at, kind, actor)


def _of_follows(material: Material, here: Here, since: int) -> Iterator[News]:
    numbered = material.numbered
    follows = here.each(numbered.community.follows)
    for version, follow in zip(numbered.follows, follows, strict=True):
        account, actor = numbered.accounts[follow.followed], numbered.accounts[follow.follower]
        if follow.at >= since and here.has(account):
            yield _news(numbered, account, f"follow:{actor}:{version}", follow.at, "follow", actor)


def _of_posts(material: Material, here: Here, since: int) -> Iterator[News]:
    """Who is replied to or mentioned, once for each post, if they may see it."""
    numbered = material.numbered
    for place, post in enumerate(here.each(numbered.community.posts)):
        if post.at < since:
            continue
        for account, kind in _told(numbered, place).items():
            if here.has(account) and material.may_see(account, place):
                id, author = numbered.posts[place], numbered.authors[place]
                yield _news(numbered, account, f"{kind}:{id}", post.at, kind, author, id)


def _told(numbered: Numbered, place: int) -> dict[int, str]:
    told = {account: "mention" for account, _ in numbered.mentions[place]}
    parent = numbered.community.posts[place].in_reply_to
    if parent is not None:
        told[numbered.authors[parent]] = "reply"
    told.pop(numbered.authors[place], None)
    return told


def _of_likes(material: Material, here: Here, since: int) -> Iterator[News]:
    numbered = material.numbered
    for like in here.each(numbered.community.likes):
        account, actor = numbered.authors[like.post], numbered.accounts[like.account]
        if like.at >= since and account != actor and here.has(account):
            post = numbered.posts[like.post]
            yield _news(numbered, account, f"like:{post}:{actor}", like.at, "like", actor, post)


def _news(numbered: Numbered, account: int, key: str, at: int, kind: str, actor: int, post: int | None = None) -> News:
    return News(account, key, numbered.past_ids.make_like(at, account), kind, actor, post)
