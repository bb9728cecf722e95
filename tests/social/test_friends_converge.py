"""Whatever people do to each other, and however the tasks arrive: in the end both sides say the same."""

import random
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minisocial.errors import MinisocialError
from tests.social.unreliable import Messenger

ACTS = ("add", "add", "accept", "accept", "decline", "cancel", "unfriend", "follow", "unfollow")
BLOCKING = ("block", "unblock")
NUMBERS = count()
AGREED = {
    ("", ""),
    ("requested", "received"),
    ("requested", "declined"),
    ("received", "requested"),
    ("declined", "requested"),
    ("friends", "friends"),
}


def somebody(club, may_be_followed):
    """A new person; whoever may be followed needs not be asked."""
    name = f"p{next(NUMBERS)}"
    id = club.social.accounts.create(name, f"{name}@club.example", "minisocial").id
    if may_be_followed:
        club.social.accounts.edit(id, display_name=name, bio="", approves_followers=False)
    return id


def act(club, chance, people, posts):
    """One of them does something; what the program refuses to do is not done."""
    one, other = chance.sample(people, 2)
    club.clock.now += chance.choice((0, 0, 0, 0.001, 5, -5))  # now and then the clock steps back
    social = chance.choice((club.social, club.elsewhere))
    try:
        if chance.random() < 0.2:
            posts.append((one, social.posts.publish(one, "news", chance.choice(("everyone", "friends"))).post.id))
        elif posts and chance.random() < 0.1:
            social.posts.delete(*chance.choice(posts))
        elif chance.random() < 0.15:
            getattr(social.blocks, chance.choice(BLOCKING))(one, other)
        else:
            getattr(social.friends, chance.choice(ACTS))(one, other)
    except MinisocialError:
        pass


def rows(club, table, *columns):
    found = []
    for shard in club.cluster.shards:
        with club.cluster.read(shard, club.cluster.position(shard)) as reader:
            found += reader.rows(f"SELECT {', '.join(columns)} FROM {table}")
    return found


REGISTER = ("account", "other", "state", "version")


def assert_both_sides_agree(club):
    side = {(one, other): (state, version) for one, other, state, version in rows(club, "friendships", *REGISTER)}
    for one, other in side:
        mine, theirs = side[one, other], side.get((other, one), ("", 0))
        states = tuple("" if state == "ended" else state for state, _ in (mine, theirs))
        assert states in AGREED
        assert mine[1] == theirs[1] or "declined" in states
    following = rows(club, "following", "account", "other", "active", "version")
    assert sorted(following) == sorted(rows(club, "followers", "other", "account", "active", "version"))
    blocks = rows(club, "blocks", "account", "other", "active", "version")
    assert sorted(blocks) == sorted(rows(club, "blocked_by", "other", "account", "active", "version"))
    for account, other, active, _ in blocks:
        if active:
            assert {side.get(pair, ("", 0))[0] for pair in ((account, other), (other, account))} <= {"", "ended"}
            assert not [row for row in following if row[2] and {account, other} == {*row[:2]}]


def assert_feeds_are_as_defined(club, people):
    """One's own posts, and those of everybody whose friend or follower one is."""
    posts = [post for post in rows(club, "posts", "id", "author") if post[1] in people]
    for viewer in people:
        read = {other for other in people if club.social.friends.pair(viewer, other).follows} | {viewer}
        written = {id for id, author in posts if author in read}
        assert {view.post.id for view in club.social.feeds.home(viewer).items} == written


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), how_many=st.integers(2, 3), acts=st.integers(5, 40))
def test_both_sides_and_the_feeds_agree_in_the_end(club, seed, how_many, acts):
    chance = random.Random(seed)
    people = [somebody(club, may_be_followed=number == 2) for number in range(how_many)]
    messenger, posts = Messenger(club, chance), []
    for _ in range(acts):
        act(club, chance, people, posts)
        while chance.random() < 0.4:
            messenger.deliver_one()
    messenger.deliver_all()
    assert_both_sides_agree(club)
    assert_feeds_are_as_defined(club, people)
