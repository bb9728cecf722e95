"""Posts: publishing, reading, replying, liking, deleting, and who may see what."""

import json
from collections.abc import Sequence

from minisocial import ids
from minisocial.database import Reader, Transaction
from minisocial.errors import Forbidden, Invalid, LoginRequired, NotFound
from minisocial.social import text as texts
from minisocial.social.accounts import Accounts
from minisocial.social.cached import BELOW_ROOT, REPLIED
from minisocial.social.community import Communities
from minisocial.social.friends import Friends
from minisocial.social.home_feeds import take_out
from minisocial.social.people import People
from minisocial.social.post import COLUMNS, Post, PostView, Thread
from minisocial.social.registers import is_apart
from minisocial.social.sight import Sight
from minisocial.social.store import Store

VISIBILITIES = ("everyone", "friends", "direct")
MOST_IN_THREAD = 200
MOST_ANCESTORS = 20
MOST_OWN = 20  # of one's own replies that may be on their way to the thread
NOT_THERE = "There is no such post, or it is not for you."


class Posts:
    """Everything people do with posts."""

    def __init__(
        self, store: Store, accounts: Accounts, people: People, friends: Friends, communities: Communities
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._people = people
        self._sight = Sight(store, people, friends)
        self._communities = communities

    # --- seeing --------------------------------------------------------------------------------

    def show(self, post_ids: Sequence[int], viewer: int | None) -> dict[int, PostView]:
        """Those of the posts that the viewer may see, by id."""
        return self._sight.show(post_ids, viewer)

    def get(self, id: int, viewer: int | None) -> PostView:
        """One post, or NotFound: also when it is there but not for this person."""
        self.refuse_strangers(viewer)
        if not 0 < id <= ids.MAX_ID or id not in (found := self.show([id], viewer)):
            raise NotFound(NOT_THERE)
        return found[id]

    def refuse_strangers(self, viewer: int | None) -> None:
        """Where only members may look, a visitor has to log in first."""
        if viewer is None and self._communities.get().members_only:
            raise LoginRequired("Only members can see this. Please log in.")

    def thread(self, id: int, viewer: int | None) -> Thread:
        """A post with what it replies to and everything below it that the viewer may see."""
        view = self.get(id, viewer)
        below = self.show(self._below_root(view.post.root, viewer), viewer)
        return Thread(self._ancestors(view.post, below, viewer), view, _descendants(id, below))

    def _ancestors(self, post: Post, below: dict[int, PostView], viewer: int | None) -> list[PostView]:
        known = below | self.show([post.root], viewer)
        found: list[PostView] = []
        parent = post.in_reply_to
        while parent in known and len(found) < MOST_ANCESTORS:
            found.append(known[parent])
            parent = known[parent].post.in_reply_to
        return found[::-1]

    def _below_root(self, root: int, viewer: int | None) -> list[int]:
        found = self._store.cached_home(BELOW_ROOT, root, lambda reader: _load_below(reader, root)) or ()
        # the worker may still be carrying one's own newest reply to the root's shard
        mine = self._own_replies(root, viewer) if viewer is not None else []
        return sorted({*found, *mine})

    def _own_replies(self, root: int, viewer: int) -> tuple[int, ...]:
        asked = (viewer, root)
        found = self._store.cached_many(
            REPLIED, [asked], lambda reader, _: _load_replied(reader, asked), lambda id: id[0]
        )
        return found.get(asked, ())

    # --- publishing ----------------------------------------------------------------------------

    def publish(self, viewer: int, text: str, visibility: str, in_reply_to: int | None = None) -> PostView:
        """Publish a post; the feeds of others, notifications and the thread follow through the outbox."""
        text = texts.clean("text", text, texts.POST_LENGTH, lines=True, empty="Please write something first.")
        if visibility not in VISIBILITIES:
            raise Invalid("visibility", "A post is for everyone, for friends, or for the people it mentions.")
        parent = self.get(in_reply_to, viewer).post if in_reply_to is not None else None
        post = self._new(viewer, text, visibility, parent)
        with self._store.write(viewer) as tx:
            self._insert(tx, post)
            self._store.later(tx, "fan_out", post=post.id, author=viewer)
            if post.mentions or parent:
                self._store.later(tx, "tell_of_post", post=post.id)
            if parent:
                self._store.later(tx, "join_thread", post=post.id)
        return PostView(post, self._accounts.get(viewer), liked=False)

    def _new(self, viewer: int, text: str, visibility: str, parent: Post | None) -> Post:
        mentions = self.mentions(viewer, text)
        if parent and visibility == "direct" and parent.author not in dict(mentions):
            mentions[parent.author] = self._accounts.get(parent.author).username
        if visibility == "direct":
            check_direct(mentions)
        id = self._store.cluster.new_id(viewer)
        in_reply_to, root = (parent.id, parent.root) if parent else (None, id)
        return Post(id, viewer, text, visibility, in_reply_to, root, tuple(mentions.items()), likes=0, replies=0)

    def mentions(self, viewer: int, text: str) -> dict[int, str]:
        """Whom a text by the viewer mentions, {account: username}: of those who exist for them."""
        found = {id: name for name, id in self._accounts.ids_of(texts.mentioned(text)).items()}
        visible = self._people.visible(found, viewer)
        return {id: name for id, name in found.items() if id in visible}

    def _insert(self, tx: Transaction, post: Post) -> None:
        mentions = json.dumps(post.mentions, separators=(",", ":"))
        tx.execute(
            f"INSERT INTO posts ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, NULL)",
            (post.id, post.author, post.text, post.visibility, post.in_reply_to, post.root, mentions),
        )
        for tag in texts.tags(post.text):
            tx.execute("INSERT INTO post_tags (tag, post) VALUES (?, ?)", (tag, post.id))
        # one's own feed in the same transaction: what one publishes is there at once
        tx.execute(
            "INSERT INTO home_feed (account, post, author) VALUES (?, ?, ?)", (post.author, post.id, post.author)
        )

    def delete(self, viewer: int, id: int) -> None:
        """Delete one's own post for ever; feeds, threads and counters follow through the outbox."""
        post = self.get(id, viewer).post
        if post.author != viewer:
            raise Forbidden("Only who wrote a post can delete it.")
        with self._store.write(id) as tx:
            if not tx.execute("DELETE FROM posts WHERE id = ?", (id,)).rowcount:
                return
            for table in ("post_tags", "post_versions", "likes", "replies"):
                tx.execute(f"DELETE FROM {table} WHERE post = ?", (id,))
            take_out(self._store, tx, [viewer], id)
            self._store.later(tx, "retract", post=id, author=viewer, in_reply_to=post.in_reply_to, root=post.root)

    # --- liking --------------------------------------------------------------------------------

    def like(self, viewer: int, id: int) -> None:
        """Like a post, once; its counter and the like are one transaction."""
        post = self.get(id, viewer).post
        with self._store.write(id) as tx:
            if not tx.row("SELECT 1 FROM posts WHERE id = ?", (id,)) or is_apart(tx, post.author, viewer):
                raise NotFound(NOT_THERE)
            done = tx.execute("INSERT OR IGNORE INTO likes (post, account) VALUES (?, ?)", (id, viewer))
            if done.rowcount:
                tx.execute("UPDATE posts SET likes = likes + 1 WHERE id = ?", (id,))
                self._store.later(
                    tx, "notify", account=post.author, key=f"like:{id}:{viewer}", kind="like", actor=viewer, post=id
                )

    def unlike(self, viewer: int, id: int) -> None:
        """Take a like back."""
        self.get(id, viewer)
        with self._store.write(id) as tx:
            done = tx.execute("DELETE FROM likes WHERE post = ? AND account = ?", (id, viewer))
            if done.rowcount:
                tx.execute("UPDATE posts SET likes = likes - 1 WHERE id = ?", (id,))


def check_direct(mentions: dict[int, str]) -> None:
    """`Invalid` if a direct post has nobody to read it."""
    if not mentions:
        raise Invalid("text", "A direct post needs somebody to read it: write @ and their username.")


def _descendants(id: int, below: dict[int, PostView]) -> list[PostView]:
    """Everything under a post, oldest first: identifiers sort by time, so a parent comes before its replies."""
    under = {id}
    found = []
    for reply in sorted(below):
        if below[reply].post.in_reply_to in under:
            under.add(reply)
            found.append(below[reply])
    return found


def _load_below(reader: Reader, root: int) -> tuple[int, ...]:
    found = reader.rows("SELECT post FROM threads WHERE root = ? ORDER BY post LIMIT ?", (root, MOST_IN_THREAD))
    return tuple(row[0] for row in found)


def _load_replied(reader: Reader, asked: tuple[int, int]) -> dict[tuple[int, int], tuple[int, ...]]:
    sql = "SELECT id FROM posts WHERE author = ? AND root = ? AND id <> root ORDER BY id DESC LIMIT ?"
    return {asked: tuple(row[0] for row in reader.rows(sql, (*asked, MOST_OWN)))}
