"""What a writer changes in one block: rows of several tables that must agree, and a counter beside them."""

from collections.abc import Callable
from typing import Any, Protocol

from minisocial.database import Transaction
from minisocial.torture.notes import DELETE, INSERT, LIKE, UNDONE, UPDATE

TAG = "torture"

COUNT = """
INSERT INTO accounts (id, username, display_name, bio, created_at) VALUES (:id, 'writer', 'Writer',
    json_object('made', :made, 'gone', :gone, 'done', 1, 'last', :number), 0)
ON CONFLICT (id) DO UPDATE SET bio = json_object(
    'made', json_extract(bio, '$.made') + :made, 'gone', json_extract(bio, '$.gone') + :gone,
    'done', json_extract(bio, '$.done') + 1, 'last', :number)
"""

# One statement, so that it sees one moment even if the copy that is read is exchanged meanwhile.
TOTALS = """
SELECT json_extract(bio, '$.last'), json_extract(bio, '$.made') - json_extract(bio, '$.gone'),
    (SELECT count(*) FROM posts WHERE author = accounts.id),
    (SELECT count(*) FROM home_feed WHERE account = accounts.id),
    (SELECT count(*) FROM posts JOIN post_tags ON post = posts.id WHERE author = accounts.id),
    (SELECT ifnull(sum(likes), 0) FROM posts WHERE author = accounts.id),
    (SELECT count(*) FROM posts JOIN likes ON post = posts.id WHERE author = accounts.id)
FROM accounts WHERE id = ?
"""


class NoSuchPost(Exception):
    """A post that must be there is not."""


class Rows(Protocol):
    def row(self, sql: str, params: Any = ()) -> tuple[Any, ...] | None: ...


def change(block: Transaction, kind: str, account: int, post: int, number: int, text: str) -> None:
    """One operation: its rows and the writer's counter."""
    STEPS[kind](block, account, post, number, text)
    made, gone = int(kind == INSERT), int(kind == DELETE)
    block.execute(COUNT, {"id": account, "made": made, "gone": gone, "number": number})


def _insert(block: Transaction, account: int, post: int, number: int, text: str) -> None:
    block.execute(
        "INSERT INTO posts (id, author, text, visibility, root) VALUES (?, ?, ?, 'everyone', ?)",
        (post, account, text, post),
    )
    block.execute("INSERT INTO home_feed (account, post, author) VALUES (?, ?, ?)", (account, post, account))
    block.execute("INSERT INTO post_tags (tag, post) VALUES (?, ?)", (TAG, post))


def _update(block: Transaction, account: int, post: int, number: int, text: str) -> None:
    _hit(block, "UPDATE posts SET text = ?2 WHERE id = ?1", post, text)


def _delete(block: Transaction, account: int, post: int, number: int, text: str) -> None:
    _hit(block, "DELETE FROM posts WHERE id = ?1", post)
    for table in ("home_feed", "post_tags", "likes"):
        block.execute(f"DELETE FROM {table} WHERE post = ?", (post,))


def _like(block: Transaction, account: int, post: int, number: int, text: str) -> None:
    _hit(block, "UPDATE posts SET likes = likes + 1 WHERE id = ?1", post)
    block.execute("INSERT INTO likes (post, account) VALUES (?, ?)", (post, number))  # each like is another person's


def _hit(block: Transaction, sql: str, post: int, *params: str) -> None:
    if block.execute(sql, (post, *params)).rowcount != 1:
        raise NoSuchPost


STEPS: dict[str, Callable[[Transaction, int, int, int, str], None]] = {
    INSERT: _insert,
    UNDONE: _insert,
    UPDATE: _update,
    DELETE: _delete,
    LIKE: _like,
}


def totals(rows: Rows, account: int) -> tuple[int, str]:
    """The last operation a reader finds of a writer (0: none), and what does not fit together, or ""."""
    found = rows.row(TOTALS, (account,))
    if found is None:
        return 0, ""
    last, expected, posts, feed, tags, likes, liked = found
    if posts == feed == tags == expected and likes == liked:
        return last, ""
    return (
        last,
        f"{expected} posts counted, {posts} are there, {feed} in the feed, {tags} tags; {liked} likes, not {likes}",
    )
