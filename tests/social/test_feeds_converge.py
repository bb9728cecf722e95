"""Whatever people do, however tasks arrive and wherever workers die: in the end every feed is what it should be."""

import random
from contextlib import suppress
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minisocial.errors import MinisocialError
from minisocial.social.pages import Cursor
from minisocial.upkeep.feeds import check
from tests.social.unreliable import Messenger

NUMBERS = count()
ACTS = (
    "publish",
    "publish",
    "publish",
    "delete",
    "edit",
    "befriend",
    "befriend",
    "unfriend",
    "follow",
    "follow",
    "unfollow",
)


class Crowd:
    """Five people, two of whom anybody may follow; everybody does anything."""

    def __init__(self, club, chance):
        self.club, self.chance = club, chance
        self.people = []
        for _ in range(5):
            id = club.person(f"crowd_{next(NUMBERS)}")
            if len(self.people) < 2:
                club.social.accounts.edit(id, display_name="Star", bio="", approves_followers=False)
            self.people.append(id)

    def act(self):
        one, other = self.chance.sample(self.people, 2)
        with suppress(MinisocialError):  # it may make no sense at this moment
            getattr(self, self.chance.choice(ACTS))(one, other)
        self.club.clock.advance(self.chance.choice((0, 1, -1)))

    def publish(self, one, other):
        name = self.club.social.accounts.get(other).username
        self.club.social.posts.publish(one, f"hello @{name}", self.chance.choice(("everyone", "friends", "direct")))

    def delete(self, one, other):
        posts = self.club.social.feeds.profile(one, one).items
        self.club.social.posts.delete(one, self.chance.choice(posts).post.id if posts else 0)

    def edit(self, one, other):
        """Others are mentioned now: a direct post changes its readers."""
        name = self.club.social.accounts.get(other).username
        if posts := self.club.social.feeds.profile(one, one).items:
            post = self.chance.choice(posts).post
            self.club.social.edits.edit(one, post.id, f"hello now @{name}", post.edited_at or 0)

    def befriend(self, one, other):
        friends = self.club.social.friends
        (friends.accept if friends.pair(one, other).friendship == "received" else friends.add)(one, other)

    def unfriend(self, one, other):
        self.club.social.friends.unfriend(one, other)

    def follow(self, one, other):
        self.club.social.friends.follow(one, self.people[self.chance.randrange(2)])

    def unfollow(self, one, other):
        self.club.social.friends.unfollow(one, self.people[self.chance.randrange(2)])


def walk(social, viewer, limit):
    """All of a home feed, page by page, and back again: both must be the same."""
    down, cursor = [], Cursor(limit=limit)
    while True:
        page = social.feeds.home(viewer, cursor)
        down += [view.post.id for view in page.items]
        if page.older is None:
            break
        cursor = Cursor(max_id=page.older, limit=limit)
    up = [view.post.id for view in page.items]
    while page.newer is not None:
        page = social.feeds.home(viewer, Cursor(min_id=page.newer, limit=limit))
        up = [view.post.id for view in page.items] + up
    assert up == down == sorted(set(down), reverse=True)
    return down


def expected(club, viewer):
    """The posts of everybody whom the viewer follows, as the tables have them."""
    circle = club.social.friends.circle(viewer).follows | {viewer}
    posts = [view.post.id for author in circle for view in club.social.feeds.profile(author, viewer, ALL).items]
    return sorted(posts, reverse=True)


ALL = Cursor(limit=500)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 2**32), merge_above=st.sampled_from((0, 1, 2, 3, 100)))
def test_in_the_end_all_feeds_equal_their_definition(club, seed, merge_above):
    chance = random.Random(seed)
    crowd = Crowd(club, chance)
    club.work()

    def meanwhile():
        if chance.random() < 0.1:
            crowd.act()

    messenger = Messenger(club, chance, meanwhile, merge_above=merge_above, at_once=2)
    for _ in range(40):
        crowd.act()
        if chance.random() < 0.6:
            messenger.deliver_one()
        walk(club.social, chance.choice(crowd.people), limit=2)
    messenger.deliver_all()
    assert check(club.cluster, lambda line: None) == []
    for viewer in crowd.people:
        for node in club.social, club.elsewhere:
            assert walk(node, viewer, limit=3) == expected(club, viewer)
