"""Home feeds while everybody follows, unfollows, publishes and deletes at once, and workers die."""

import random
import threading
from collections.abc import Callable
from typing import Any

from minisocial.background import Task
from minisocial.errors import MinisocialError
from minisocial.settings import Settings
from minisocial.social import Social
from minisocial.social.pages import Cursor
from minisocial.system import System
from minisocial.upkeep import operations
from minisocial.upkeep.feeds import check
from tests.scenarios.people import settle

PEOPLE = 14
STARS = 3  # whom anybody may follow; above this many followers posts are merged in
ACTS = 70  # of each of some threads
PAGE = 7


class Crowd:
    """People who do anything to each other, in threads."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.people = [self._person(number) for number in range(PEOPLE)]

    def _person(self, number: int) -> int:
        accounts = self._system.social.accounts
        id = accounts.create(f"crowd{number}", f"crowd{number}@example.org", "four words are enough").id
        if number < STARS:
            accounts.edit(id, display_name=f"Star {number}", bio="", approves_followers=False)
        return id

    def act(self, seed: int) -> None:
        chance = random.Random(seed)
        social, mine = self._system.social, []
        me = self.people[seed % PEOPLE]
        with self._system.cluster.session({}):
            for number in range(ACTS):
                try:
                    self._act(social, chance, me, mine, f"{seed}.{number}")
                except MinisocialError:
                    continue  # it made no sense at this moment

    def _act(self, social: Social, chance: random.Random, me: int, mine: list[int], text: str) -> None:
        other, star = chance.choice(self.people), self.people[chance.randrange(STARS)]
        what = chance.random()
        if what < 0.4:
            visibility = chance.choice(("everyone", "friends", "direct"))
            mine.append(social.posts.publish(me, f"{text} @crowd{chance.randrange(PEOPLE)}", visibility).post.id)
        elif what < 0.5 and mine:
            social.posts.delete(me, mine.pop(chance.randrange(len(mine))))
        elif what < 0.7:
            (social.friends.follow if chance.random() < 0.6 else social.friends.unfollow)(me, star)
        elif what < 0.9:
            is_asked = social.friends.pair(me, other).friendship == "received"
            (social.friends.accept if is_asked else social.friends.add)(me, other)
        else:
            social.friends.unfriend(me, other)

    def walk(self, social: Social, viewer: int) -> list[int]:
        """A home feed page by page, as somebody reads it while it changes: newest first, nothing twice."""
        met: list[int] = []
        cursor: Cursor | None = Cursor(limit=PAGE)
        while cursor:
            page = social.feeds.home(viewer, cursor)
            met += [view.post.id for view in page.items]
            cursor = Cursor(max_id=page.older, limit=PAGE) if page.older else None
        assert met == sorted(set(met), reverse=True)
        return met


def dying(chance: random.Random, run: Callable[[Task], Any]) -> Callable[[Task], Any]:
    """A handler whose worker dies now and then, before its work or right after it."""

    def handle(task: Task) -> Any:
        moment = chance.random()
        if moment < 0.01:
            raise SystemExit
        done = run(task)
        if moment > 0.99:
            raise SystemExit
        return done

    return handle


def let_workers_die(system: System) -> None:
    chance, names = random.Random(5), ("fan_out", "retract", "fill_feed", "clear_feed", "store_broadcasts")
    handlers = system.background._handlers
    system.background.handle({name: dying(chance, handlers.spec(name).run) for name in names})


def test_all_feeds_are_right_in_the_end_and_no_reader_sees_a_post_twice(tmp_path: Any) -> None:
    settings = Settings(
        data=tmp_path / "data", port=0, workers=3, password_cost=4, rate_limits=False, merge_above=STARS
    )
    system = System(settings)
    let_workers_die(system)
    system.start()
    try:
        crowd = Crowd(system)
        settle(system)
        live(system, crowd)
        for _ in range(6):  # tasks of workers that died are tried again after a pause
            if system.background.drain(10):
                break
        settle(system)
        assert system.background.snapshot().queue.dead == 0
        assert check(system.cluster, lambda line: None) == []
        with system.cluster.session({}):
            for viewer in crowd.people:
                assert crowd.walk(system.social, viewer) == expected(system, viewer)
        assert operations.do(system, "feeds-check", {}, lambda line: None) == "All home feeds hold what they should."
        assert operations.do(system, "feeds-rebuild", {"name": "crowd1"}, lambda line: None).startswith("1 home feed")
        assert operations.do(system, "feeds-rebuild", {}, lambda line: None).startswith(f"{PEOPLE} home feeds")
        assert check(system.cluster, lambda line: None) == []
    finally:
        system.stop()


def live(system: System, crowd: Crowd) -> None:
    errors: list[BaseException] = []
    is_over = threading.Event()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    def read() -> None:
        chance = random.Random(9)
        with system.cluster.session({}):
            while not is_over.is_set():
                crowd.walk(system.social, chance.choice(crowd.people))

    actors = [threading.Thread(target=guarded, args=(lambda seed=seed: crowd.act(seed),)) for seed in range(5)]
    reader = threading.Thread(target=guarded, args=(read,))
    for thread in (*actors, reader):
        thread.start()
    for thread in actors:
        thread.join(120)
    is_over.set()
    reader.join(30)
    assert not errors, errors[0]


def expected(system: System, viewer: int) -> list[int]:
    """Every post of everybody whom the viewer follows, as far as it is for them."""
    social = system.social
    authors = social.friends.circle(viewer).follows | {viewer}
    cursor = Cursor(limit=1000)
    return sorted(
        (view.post.id for author in authors for view in social.feeds.profile(author, viewer, cursor).items),
        reverse=True,
    )


def test_jobs_are_on_the_status_and_done_by_command(system: System) -> None:
    names = {job.name for job in system.snapshot().jobs}
    assert names == {"expire", "trim", "digest", "letters"}
    said = operations.do(system, "jobs-run", {"name": "expire"}, lambda line: None)
    assert said == "expire: 0 sessions, links and invites removed."
    listed = operations.do(system, "jobs-list", {}, lambda line: None)
    assert "0 sessions, links and invites removed" in listed and "digest" in listed
