"""A writer of the tortured process: one person who writes, changes, likes and deletes posts without a pause."""

import hashlib
import random
import threading
from collections.abc import Callable
from pathlib import Path

from minisocial.database import Cluster
from minisocial.errors import InDoubt, MinisocialError
from minisocial.torture.changes import NoSuchPost, change, totals
from minisocial.torture.notes import (
    DELETE,
    INSERT,
    LIKE,
    UNDONE,
    UPDATE,
    Notes,
    notes_path,
    posts_left,
    read_notes,
)

REST = 0.02  # seconds after a refusal
MANY_POSTS = 150  # from here on it deletes more than it writes
FEW, MANY = (50, 20, 8, 16, 6), (20, 20, 38, 16, 6)  # weights of the kinds below and above that
KINDS = INSERT + UPDATE + DELETE + LIKE + UNDONE
LOOKS = 0.15  # share of its writes after which it looks whether it sees them

Acknowledged = Callable[[int], None]  # told of each commit: the writer's number
Saw = Callable[[int, int, int, str], None]  # told what a reader sees: account, operation expected, found, what is torn


class Undone(Exception):
    """The writer takes its block back."""


class Writer:
    """One person's writes, each noted before it begins and after it was answered.

    Every block changes several tables and a counter, so that a block which counts in part or twice
    shows. A post about which something is in doubt is left alone until an audit has looked, so the
    rows tell how that operation ended.
    """

    def __init__(
        self, number: int, cluster: Cluster, folder: Path, seed: str, acknowledged: Acknowledged, saw: Saw
    ) -> None:
        self.number = number
        self._cluster = cluster
        self._chance = random.Random(f"{seed} writer {number}")  # noqa: S311
        self._acknowledged, self._saw = acknowledged, saw
        history = read_notes(folder, number)
        self._notes = Notes(notes_path(folder, number))
        self.account = history.account or self._new_account()
        self._posts = sorted(posts_left(history))
        self._next = history.next_number
        self._seen: dict[str, int] = {}

    def _new_account(self) -> int:
        account = self._cluster.new_account_id()
        self._notes.account(account)
        return account

    def run(self) -> None:
        """Writes until the process is killed."""
        rest = threading.Event()
        while True:
            if not self.step():
                rest.wait(REST)

    def step(self) -> bool:
        """One operation; False if it was not acknowledged."""
        number, self._next = self._next, self._next + 1
        kind, post = self._choose()
        text = self._chance.choice("abcdefgh") * self._chance.randrange(20, 400)
        self._notes.begins(number, kind, post, digest(text))
        with self._cluster.session(self._seen) as self._seen:
            try:
                shard, position = self._write(number, kind, post, f"{number} {digest(text)} {text}")
            except Exception as error:
                self._not_saved(number, post, error)
                return False
            self._notes.saved(number, shard, position)
            self._acknowledged(self.number)
            self._remember(kind, post)
            if self._chance.random() < LOOKS:
                self._look(number)
        return True

    def _choose(self) -> tuple[str, int]:
        weights = MANY if len(self._posts) > MANY_POSTS else FEW
        kind = self._chance.choices(KINDS, weights)[0] if self._posts else INSERT
        is_new = kind in (INSERT, UNDONE)
        return kind, self._cluster.new_id(self.account) if is_new else self._chance.choice(self._posts)

    def _write(self, number: int, kind: str, post: int, text: str) -> tuple[str, int]:
        with self._cluster.write_home(self.account) as block:
            shard = self._cluster.shard_of(self.account)  # it stays there until the block is left
            change(block, kind, self.account, post, number, text)
            if kind == UNDONE:
                raise Undone
        return shard, block.position

    def _not_saved(self, number: int, post: int, error: Exception) -> None:
        if isinstance(error, InDoubt):
            self._notes.ended(number, "?")
            self._forget(post)
        elif isinstance(error, NoSuchPost):
            self._notes.ended(number, "M")
            self._forget(post)
        else:
            self._notes.ended(number, "N", f"{type(error).__name__} {' '.join(str(error).split())}")

    def _remember(self, kind: str, post: int) -> None:
        if kind == INSERT:
            self._posts.append(post)
        elif kind == DELETE:
            self._forget(post)

    def _forget(self, post: int) -> None:
        if post in self._posts:
            self._posts.remove(post)

    def _look(self, number: int) -> None:
        """In the same session: one's own write is there."""
        try:
            with self._cluster.read_home(self.account) as reader:
                last, torn = totals(reader, self.account)
        except MinisocialError:
            return
        self._saw(self.account, number, last, torn)


def digest(text: str) -> str:
    """Enough of a text to know it again."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
