"""Which posts a person may see, and what of them: the one place that decides it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from minisocial.database import Reader
from minisocial.social.cached import LIKED, REPLIES
from minisocial.social.friends import Friends
from minisocial.social.people import People
from minisocial.social.post import POST, Post, PostView, load
from minisocial.social.store import Store, marks

MOST_REPLIES = 1000  # the newest counted replies of a post, among which those by hidden people are looked for


class Sight:
    """Posts as one person sees them."""

    def __init__(self, store: Store, people: People, friends: Friends) -> None:
        self._store = store
        self._people = people
        self._friends = friends

    def show(self, post_ids: Sequence[int], viewer: int | None) -> dict[int, PostView]:
        """Those of the posts that the viewer may see, by id."""
        posts = self._posts(post_ids)
        authors = self._people.visible({post.author for post in posts.values()}, viewer)
        asked = [posts[id] for id in post_ids if id in posts and posts[id].author in authors]
        visible = self._without_hidden(self._visible(asked, viewer), viewer)
        liked = self._liked(visible, viewer)
        return {post.id: PostView(post, authors[post.author], post.id in liked) for post in visible}

    def _posts(self, post_ids: Iterable[int]) -> dict[int, Post]:
        return self._store.cached_many(POST, post_ids, load, lambda id: id)

    def _visible(self, posts: list[Post], viewer: int | None) -> list[Post]:
        if viewer is None:
            return [post for post in posts if post.visibility == "everyone"]
        # the author's own side decides: it knows first when a friendship has ended
        asked = {(p.author, viewer) for p in posts if p.visibility == "friends" and p.author != viewer}
        pairs = self._friends.pairs(asked) if asked else {}
        return [
            post
            for post in posts
            if post.visibility == "everyone"
            or post.author == viewer
            or (post.visibility == "friends" and pairs[post.author, viewer].followed)
            or (post.visibility == "direct" and any(id == viewer for id, _ in post.mentions))
        ]

    def _without_hidden(self, posts: list[Post], viewer: int | None) -> list[Post]:
        """No mention and no number may tell of somebody who does not exist for the viewer."""
        if viewer is None or not posts or not self._people.has_blocks(viewer):
            return posts
        hidden = self._people.apart({id for post in posts for id, _ in post.mentions}, viewer)
        unseen = self._unseen_replies(posts, viewer)
        return [
            replace(
                post,
                mentions=tuple(who for who in post.mentions if who[0] not in hidden),
                replies=post.replies - unseen.get(post.id, 0),
            )
            for post in posts
        ]

    def _unseen_replies(self, posts: list[Post], viewer: int) -> dict[int, int]:
        """How many of the replies that a post counts are by people hidden from the viewer."""
        answered = [post.id for post in posts if post.replies]
        if not answered:
            return {}
        replies = self._store.cached_many(REPLIES, answered, _load_replies, lambda id: id)
        said = self._posts({reply for listed in replies.values() for reply in listed})
        hidden = self._people.apart({post.author for post in said.values()}, viewer)
        return {
            id: sum(reply in said and said[reply].author in hidden for reply in listed)
            for id, listed in replies.items()
        }

    def _liked(self, posts: list[Post], viewer: int | None) -> set[int]:
        if viewer is None or not posts:
            return set()
        asked = [(post.id, viewer) for post in posts]
        return {id for id, _ in self._store.cached_many(LIKED, asked, _load_liked, lambda id: id[0])}


def _load_liked(reader: Reader, asked: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for account in {account for _, account in asked}:  # mostly one; for a list of pairs SQLite reads the whole table
        posts = [post for post, by in asked if by == account]
        sql = f"SELECT post, account FROM likes WHERE account = ? AND post IN ({marks(posts)})"
        found |= dict.fromkeys(reader.rows(sql, [account, *posts]), 1)
    return found


def _load_replies(reader: Reader, posts: list[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for post in posts:
        rows = reader.rows("SELECT reply FROM replies WHERE post = ? ORDER BY reply DESC LIMIT ?", (post, MOST_REPLIES))
        found[post] = tuple(row[0] for row in rows)
    return found
