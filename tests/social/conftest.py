"""A small community on a real database, cache and outbox, whose worker is stepped by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from minisocial.background import Background, Letter
from minisocial.cache import GlobalCache, Invalidation, LocalCache, ReadThrough
from minisocial.database import Cluster
from minisocial.social import Social
from minisocial.social.cached import keys_of
from minisocial.social.pages import Page
from minisocial.social.passwords import Hasher
from minisocial.social.post import PostView
from minisocial.social.tasks import Tasks
from minisocial.trace import Tracer
from tests.fakes import ManualClock

PASSWORD = "minisocial"


class Club:
    """The domain as two nodes see it (`social`, `elsewhere`) and the worker's tasks between them."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.cluster = Cluster(folder / "database", shards=2, replicas=1, clock=self.clock)
        self.cluster.start()
        self.shared = GlobalCache(folder / "cache")
        self.shared.start()
        self.invalidation = Invalidation(keys_of, self.cluster.floor_position, self.shared)
        self.cluster.subscribe(self.invalidation, self.invalidation.forget_everything)
        self.sent: list[Letter] = []
        self.background = Background(self.cluster, folder, workers=0, tracer=Tracer(), clock=self.clock)
        self.hasher = Hasher(cost=4)
        self.social = self._node()
        self.elsewhere = self._node()
        self.background.handle(Tasks(self._node(), self.sent.append, lambda: "http://club.example").handlers())
        self.background.start()
        self.reading = self.cluster.session({})  # everybody sees what was written before
        self.reading.__enter__()
        self.social.set_up(
            name="The Club", username="ada", display_name="Ada Lovelace", email="ada@club.example", password=PASSWORD
        )
        self.work()

    def _node(self) -> Social:
        cache = ReadThrough(LocalCache(), self.shared, self.invalidation)
        return Social(self.cluster, cache, self.background, self.hasher, self.clock)

    @property
    def letters(self) -> list[Letter]:
        """Those with news."""
        return [letter for letter in self.sent if letter.unsubscribe]

    def person(self, name: str) -> int:
        """The id of a member, who joins with an invite of Ada's if they are new."""
        ids = self.social.accounts.ids_of([name])
        if name in ids:
            return ids[name]
        invite = self.social.invites.make(ids_of_ada(self.social))
        account = self.social.accounts.join(
            invite.code, username=name, display_name=name.title(), email=f"{name}@club.example", password=PASSWORD
        )
        return account.id

    def befriend(self, one: int, other: int) -> None:
        self.social.friends.add(one, other)
        self.work()
        self.social.friends.accept(other, one)
        self.work()

    def say(self, author: int, text: str, visibility: str = "everyone", in_reply_to: int | None = None) -> int:
        """Publish a post, and let the worker spread it; its id."""
        id = self.social.posts.publish(author, text, visibility, in_reply_to).post.id
        self.work()
        return id

    def work(self) -> None:
        """Let the worker finish all there is to do."""
        self.background.drain(20)

    def close(self) -> None:
        self.reading.__exit__(None, None, None)
        self.background.stop()
        self.shared.stop()
        self.cluster.stop()


def texts(page: Page[PostView]) -> list[str]:
    """What the posts of a page say."""
    return [view.post.text for view in page.items]


def ids_of_ada(social: Social) -> int:
    return social.accounts.ids_of(["ada"])["ada"]


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    club = Club(tmp_path)
    yield club
    club.close()
