"""What people see and do while their logical shard moves to another shard."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from minisocial import ids
from minisocial.cache import LocalCache, ReadThrough
from minisocial.database import Change, Cluster, Reader
from minisocial.database.growth.moving import CATCHING_UP, CLEARING
from minisocial.social import Social
from tests.social.conftest import Club


@pytest.fixture
def club(club: Club) -> Club:
    """A club whose moves are made step by step."""
    club.cluster.mover.stop()
    club.cluster.mover.grace = 0.0
    return club


def other_shard(club: Club, account: int) -> str:
    return "1" if club.cluster.shard_of(account) == "0" else "0"


def steps_of_a_move(club: Club, account: int) -> Iterator[str]:
    """Moves somebody to the other shard; yields the state after each step."""
    club.cluster.move(ids.logical_shard(account), other_shard(club, account))
    while moves := club.cluster.snapshot().moves:
        yield moves[0].state
        club.cluster.mover.step()


def move(club: Club, account: int) -> None:
    for _ in steps_of_a_move(club, account):
        pass


def pages(social: Social, ada: int, grace: int, root: int) -> dict[str, Any]:
    """Everything that two people can look at."""
    feeds = social.feeds
    return {
        "explore": [view.post.text for view in feeds.explore(grace).items],
        "tag": [view.post.text for view in feeds.tag("here", grace).items],
        "talked about": feeds.talked_about(grace),
        "home": [view.post.text for view in feeds.home(grace).items],
        "profile": [view.post.text for view in feeds.profile(ada, grace).items],
        "thread": [view.post.text for view in social.posts.thread(root, grace).replies],
        "liked": [view.liked for view in feeds.explore(grace).items],
        "friends": [account.username for account in social.friends.of(ada).items],
        "notifications": [(each.kind, each.actor.id, each.is_new) for each in social.notifications.page(ada).items],
        "unread": social.notifications.unread(ada),
        "email": social.accounts.email(ada),
    }


def say(club: Club, author: int, text: str, in_reply_to: int | None = None) -> int:
    club.clock.advance(1)
    id = club.social.posts.publish(author, text, "everyone", in_reply_to).post.id
    club.work()
    return id


@pytest.fixture
def talk(club: Club) -> tuple[int, int, int]:
    """Ada and Grace, who are friends, and the post they talked about."""
    ada, grace = club.person("ada"), club.person("grace")
    club.befriend(ada, grace)
    root = say(club, ada, "first #here")
    say(club, grace, "second #here", root)
    club.social.posts.like(grace, root)
    club.work()
    return ada, grace, root


def test_at_every_step_both_nodes_show_what_they_showed_before(club: Club, talk: tuple[int, int, int]) -> None:
    """With caches that were filled before, and with those that are filled on the way."""
    expected = pages(club.social, *talk)
    assert expected["explore"] == ["second #here", "first #here"] and expected["talked about"] == [("here", 2)]
    for account in talk[:2]:
        for state in steps_of_a_move(club, account):
            for node in club.social, club.elsewhere:
                assert pages(node, *talk) == expected, state
    assert pages(club.social, *talk) == pages(club.elsewhere, *talk) == expected


def test_what_is_said_at_any_step_is_seen_at_once_and_once(club: Club, talk: tuple[int, int, int]) -> None:
    ada = talk[0]
    said = ["second #here", "first #here"]
    for number, _ in enumerate(steps_of_a_move(club, ada)):
        if number % 4 == 0:
            said.insert(0, f"{number} #here")
            say(club, ada, said[0])
        for node in club.social, club.elsewhere:
            shown = pages(node, *talk)
            assert shown["explore"] == shown["tag"] == shown["home"] == said[:20]
            assert shown["profile"] == [text for text in said if text != "second #here"][:20]
            assert shown["talked about"] == [("here", len(said))]
    assert len(said) > 6


def test_a_task_finds_whom_it_concerns_where_they_moved(club: Club) -> None:
    grace, alan = club.person("grace"), club.person("alan")
    club.social.friends.add(grace, alan)
    move(club, grace)  # who asked: the task stays where it was written
    move(club, alan)  # who is asked
    club.work()
    assert [account.id for account in club.elsewhere.friends.requests(alan)] == [grace]
    club.social.friends.accept(alan, grace)
    move(club, grace)
    club.work()
    assert [account.id for account in club.elsewhere.friends.of(grace).items] == [alan]
    assert not club.background.snapshot().outbox.depth
    assert len(club.letters) == 2


def test_a_post_that_was_deleted_after_a_move_leaves_nothing_behind(club: Club, talk: tuple[int, int, int]) -> None:
    ada, grace, root = talk
    reply = club.social.posts.publish(grace, "gone soon", "everyone", root).post.id
    move(club, grace)
    club.social.posts.delete(grace, reply)
    club.work()
    assert "gone soon" not in pages(club.elsewhere, *talk)["thread"]
    assert club.elsewhere.posts.get(root, ada).post.replies == 1
    assert "gone soon" not in [view.post.text for view in club.elsewhere.feeds.home(ada).items]


def test_who_moves_while_a_post_is_spread_finds_it_in_their_feed(club: Club) -> None:
    ada, readers = club.person("ada"), [club.person(name) for name in ("grace", "alan", "edsger", "barbara")]
    for reader in readers:
        club.befriend(ada, reader)
    club.cluster.subscribe(once(on_home_feed(lambda shard: move_all(club, readers, shard))))
    post = say(club, ada, "to all of you")
    for reader in readers:
        assert [view.post.id for view in club.elsewhere.feeds.home(reader).items] == [post]


def once(consumer: Callable[[Sequence[Change]], bool]) -> Callable[[Sequence[Change]], None]:
    """Asks it until it has done what it waits for."""
    is_done: list[bool] = []

    def consume(changes: Sequence[Change]) -> None:
        if not is_done and consumer(changes):
            is_done.append(True)

    return consume


def on_home_feed(then: Callable[[str], bool]) -> Callable[[Sequence[Change]], bool]:
    """Told of entries in home feeds that the worker wrote: those of a first batch, on its shard."""

    def consume(changes: Sequence[Change]) -> bool:
        fed = [change for change in changes if change.table == "home_feed"]
        is_from_worker = bool(fed) and all(change.table == "home_feed" for change in changes)
        return is_from_worker and then(fed[0].shard)

    return consume


def move_all(club: Club, accounts: list[int], to: str) -> bool:
    """Those whose batch is still to come move to the shard whose batch is done."""
    away = [account for account in accounts if club.cluster.shard_of(account) != to]
    for account in away:
        move(club, account)
    return bool(away)


class Interrupted:
    """The database, where something happens after the first of two shards was read for a list."""

    def __init__(self, cluster: Cluster, meanwhile: Callable[[], None]) -> None:
        self._cluster = cluster
        self._meanwhile = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    @contextmanager
    def read(self, shard: str, at_least: int = 0) -> Iterator[Reader]:
        with self._cluster.read(shard, at_least) as reader:
            yield reader
        if shard == self._cluster.shards[0] and self._meanwhile:
            self._meanwhile.pop()()


def test_a_post_that_goes_from_a_shard_not_read_yet_to_one_that_was_is_not_left_out(club: Club) -> None:
    ada = next(id for id in map(club.person, ("ada", "grace")) if club.cluster.shard_of(id) == "1")
    post = say(club, ada, "on its way #here")
    steps = steps_of_a_move(club, ada)
    assert next(state for state in steps if state == CATCHING_UP)

    def switch() -> None:
        assert next(state for state in steps if state == CLEARING)

    cache = ReadThrough(LocalCache(), club.shared, club.invalidation)
    cluster = Interrupted(club.cluster, switch)
    social = Social(cluster, cache, club.background, club.hasher, club.clock)  # type: ignore[arg-type]
    assert [view.post.id for view in social.feeds.explore(ada).items] == [post]
    assert club.cluster.shard_of(ada) == "0"


def test_a_task_ends_none_of_another_shard_that_has_its_number(club: Club) -> None:
    """Each shard numbers its tasks by the time, so two of them often have the same number."""
    names = ("grace", "alan", "edsger", "barbara")
    on = {shard: [id for id in map(club.person, names) if club.cluster.shard_of(id) == shard] for shard in ("0", "1")}
    (grace, alan), (edsger, barbara) = on["0"], on["1"]
    club.work()
    club.clock.advance(1)
    club.social.friends.add(grace, edsger)
    club.social.friends.add(barbara, alan)
    assert len({id for shard in ("0", "1") for id in numbers_of_tasks(club, shard)}) == 1
    club.work()
    assert [account.id for account in club.social.friends.requests(edsger)] == [grace]
    assert [account.id for account in club.social.friends.requests(alan)] == [barbara]


def numbers_of_tasks(club: Club, shard: str) -> list[int]:
    with club.cluster.read(shard, club.cluster.position(shard)) as reader:
        return [id for (id,) in reader.rows("SELECT id FROM outbox")]
