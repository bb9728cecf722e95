from contextlib import contextmanager

import pytest

from minisocial.background import Task
from minisocial.cache import LocalCache, ReadThrough
from minisocial.errors import Forbidden, Invalid, LoginRequired, NotFound
from minisocial.social import Social
from minisocial.social.tasks import Tasks


@pytest.fixture
def people(club):
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    club.befriend(ada, grace)
    return ada, grace, alan


def sees(club, id, viewer):
    try:
        return bool(club.elsewhere.posts.get(id, viewer))
    except (NotFound, LoginRequired):
        return False


@pytest.mark.parametrize(
    ("visibility", "text", "who"),
    [
        ("everyone", "hello", {"ada", "grace", "alan"}),
        ("friends", "hello", {"ada", "grace"}),
        ("direct", "hello @alan", {"ada", "alan"}),
    ],
)
def test_who_may_see_a_post(club, people, visibility, text, who):
    post = club.social.posts.publish(people[0], text, visibility).post
    assert {name for name in ("ada", "grace", "alan") if sees(club, post.id, club.person(name))} == who
    assert not sees(club, post.id, None)


def test_strangers_see_public_posts_only_where_the_community_is_open(club, people):
    public = club.social.posts.publish(people[0], "for all", "everyone").post
    private = club.social.posts.publish(people[0], "for friends", "friends").post
    club.social.community.edit(name="The Club", description="", code_of_conduct="", members_only=False)
    assert sees(club, public.id, None)
    assert not sees(club, private.id, None)


def test_a_post_for_friends_is_gone_for_who_is_no_friend_any_more(club, people):
    ada, grace, _ = people
    post = club.social.posts.publish(ada, "among us", "friends").post
    assert sees(club, post.id, grace)
    club.social.friends.unfriend(ada, grace)  # before any worker told grace's side
    assert not sees(club, post.id, grace)


@pytest.mark.parametrize("text", ["", "   \n ", "x" * 501, "a\x00b"])
def test_bad_texts_are_refused(club, text):
    with pytest.raises(Invalid) as refused:
        club.social.posts.publish(club.person("ada"), text, "everyone")
    assert refused.value.field == "text"


def test_bad_visibility_and_direct_to_nobody_are_refused(club):
    for text, visibility in (("hi", "public"), ("hi", "direct"), ("hi @nobody_here", "direct")):
        with pytest.raises(Invalid):
            club.social.posts.publish(club.person("ada"), text, visibility)


def test_likes_count_each_person_once(club, people):
    ada, grace, alan = people
    post = club.social.posts.publish(ada, "like me", "everyone").post
    for viewer in (grace, grace, alan):
        club.social.posts.like(viewer, post.id)
    assert club.elsewhere.posts.get(post.id, grace).post.likes == 2
    assert club.elsewhere.posts.get(post.id, grace).liked
    assert not club.elsewhere.posts.get(post.id, ada).liked
    club.social.posts.unlike(grace, post.id)
    club.social.posts.unlike(grace, post.id)
    assert club.elsewhere.posts.get(post.id, grace).post.likes == 1
    assert not club.elsewhere.posts.get(post.id, grace).liked


def test_what_one_may_not_see_cannot_be_liked_or_replied_to(club, people):
    ada, _, alan = people
    post = club.social.posts.publish(ada, "among us", "friends").post
    with pytest.raises(NotFound):
        club.social.posts.like(alan, post.id)
    with pytest.raises(NotFound):
        club.social.posts.publish(alan, "hm", "everyone", in_reply_to=post.id)


def test_a_thread_shows_what_was_said_above_and_below(club, people):
    ada, grace, alan = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(grace, "two", "everyone", in_reply_to=root.id).post
    club.work()
    below = club.social.posts.publish(alan, "three", "everyone", in_reply_to=reply.id).post
    club.work()
    thread = club.elsewhere.posts.thread(reply.id, ada)
    assert [view.post.id for view in thread.ancestors] == [root.id]
    assert [view.post.id for view in thread.replies] == [below.id]
    assert club.elsewhere.posts.get(root.id, ada).post.replies == 1
    assert [view.post.id for view in club.elsewhere.posts.thread(root.id, ada).replies] == [reply.id, below.id]


def test_one_sees_ones_own_reply_before_the_worker_carried_it(club, people):
    ada, grace, _ = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(grace, "two", "everyone", in_reply_to=root.id).post
    assert [view.post.id for view in club.social.posts.thread(root.id, grace).replies] == [reply.id]


def test_ones_own_reply_comes_and_goes_in_a_thread_that_was_looked_at_before(club, people):
    ada, grace, _ = people
    root = club.social.posts.publish(ada, "one", "everyone").post

    def replies() -> list[list[int]]:
        threads = [node.posts.thread(root.id, grace) for node in (club.social, club.elsewhere)]
        return [[view.post.id for view in thread.replies] for thread in threads]

    assert replies() == [[], []]
    reply = club.social.posts.publish(grace, "two", "everyone", in_reply_to=root.id).post
    assert replies() == [[reply.id], [reply.id]]
    club.social.posts.delete(grace, reply.id)
    assert replies() == [[], []]


def test_a_direct_reply_is_for_who_is_replied_to(club, people):
    ada, grace, alan = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(alan, "between us", "direct", in_reply_to=root.id).post
    assert sees(club, reply.id, ada)
    assert not sees(club, reply.id, grace)


@pytest.mark.parametrize(("visibility", "replies"), [("everyone", 1), ("friends", 0), ("direct", 0)])
def test_the_number_of_replies_tells_nothing_of_those_one_may_not_see(club, people, visibility, replies):
    ada, grace, alan = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(grace, "two @ada", visibility, in_reply_to=root.id).post
    club.work()
    assert club.elsewhere.posts.get(root.id, alan).post.replies == replies
    assert [view.post.id for view in club.elsewhere.posts.thread(root.id, ada).replies] == [reply.id]
    club.social.posts.delete(grace, reply.id)
    club.work()
    assert club.elsewhere.posts.get(root.id, alan).post.replies == 0


def test_a_deleted_post_is_gone_everywhere(club, people):
    ada, grace, _ = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(grace, "two #tag @ada", "everyone", in_reply_to=root.id).post
    club.social.posts.like(ada, reply.id)
    club.work()
    with pytest.raises(Forbidden):
        club.social.posts.delete(ada, reply.id)
    club.social.posts.delete(grace, reply.id)
    assert not sees(club, reply.id, ada)
    club.work()
    assert club.elsewhere.posts.get(root.id, ada).post.replies == 0
    for feed in (
        club.elsewhere.feeds.home(ada),
        club.elsewhere.feeds.explore(ada),
        club.elsewhere.feeds.tag("tag", ada),
        club.elsewhere.feeds.profile(grace, ada),
        club.elsewhere.notifications.page(ada),
    ):
        assert reply.id not in [item.post.id for item in feed.items if hasattr(item.post, "id")]
        assert "two" not in str(feed)


@pytest.mark.parametrize("id", [0, -1, 2**63, 10**30, 1])
def test_an_id_of_nothing_is_not_there(club, id):
    with pytest.raises(NotFound):
        club.social.posts.get(id, club.person("ada"))


class Interrupted:
    """The database, for a worker that is held up right after it has read a post."""

    def __init__(self, cluster, meanwhile):
        self._cluster = cluster
        self._meanwhile = [meanwhile]

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    @contextmanager
    def read_home(self, id, at_least=0):
        with self._cluster.read_home(id, at_least) as reader:
            yield reader
        if self._meanwhile:
            self._meanwhile.pop()()


def held_up(club, meanwhile):
    """The tasks of a worker that is held up."""
    cache = ReadThrough(LocalCache(), club.shared, club.invalidation)
    social = Social(Interrupted(club.cluster, meanwhile), cache, club.background, club.hasher, club.clock)
    return Tasks(social, club.sent.append, lambda: "http://club.example").handlers()


@pytest.mark.parametrize("name", ["fan_out", "join_thread"])
def test_a_reply_deleted_while_a_worker_spreads_it_leaves_nothing_behind(club, people, name):
    ada, grace, _ = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(grace, "two", "everyone", in_reply_to=root.id).post

    def meanwhile():
        club.social.posts.delete(grace, reply.id)
        club.work()

    task = Task(1, club.cluster.shard_of(reply.id), name, {"post": reply.id})
    held_up(club, meanwhile)[name](task)
    for table in ("replies WHERE reply", "threads WHERE post", "home_feed WHERE post"):
        assert found(club, f"SELECT 1 FROM {table} = ?", reply.id) == []
    assert found(club, "SELECT replies FROM posts WHERE id = ?", root.id) == [(0,)]


def test_a_reply_to_a_post_that_is_gone_by_now_is_counted_nowhere(club, people):
    ada, grace, _ = people
    root = club.social.posts.publish(ada, "one", "everyone").post
    reply = club.social.posts.publish(grace, "two", "everyone", in_reply_to=root.id).post
    club.social.posts.delete(ada, root.id)
    club.work()
    assert found(club, "SELECT 1 FROM replies WHERE reply = ?", reply.id) == []


def found(club, sql, *params):
    rows = []
    for shard in club.cluster.shards:
        with club.cluster.read(shard, club.cluster.position(shard)) as reader:
            rows += reader.rows(sql, params)
    return rows
