import pytest

from minisocial.errors import LoginRequired
from minisocial.social.home_feeds import KEPT
from minisocial.social.pages import Cursor
from tests.social.conftest import texts


@pytest.fixture
def people(club):
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    club.befriend(ada, grace)
    return ada, grace, alan


def test_home_shows_friends_and_oneself_newest_first(club, people):
    ada, grace, alan = people
    for author, text in ((ada, "1"), (grace, "2"), (alan, "3"), (grace, "4")):
        club.social.posts.publish(author, text, "everyone")
        club.clock.advance(1)
    club.work()
    assert texts(club.elsewhere.feeds.home(ada)) == ["4", "2", "1"]
    assert texts(club.elsewhere.feeds.home(alan)) == ["3"]


def test_ones_own_post_is_there_at_once(club, people):
    club.elsewhere.feeds.home(people[0])
    club.social.posts.publish(people[0], "mine", "friends")
    assert texts(club.elsewhere.feeds.home(people[0])) == ["mine"]


def test_a_new_friend_brings_earlier_posts_and_a_lost_one_takes_them_away(club, people):
    ada, _, alan = people
    club.social.posts.publish(alan, "before", "friends")
    club.work()
    club.befriend(ada, alan)
    assert texts(club.elsewhere.feeds.home(ada)) == ["before"]
    club.social.friends.unfriend(ada, alan)
    assert texts(club.elsewhere.feeds.home(ada)) == []  # before the worker cleared it
    club.work()
    with club.cluster.read(club.cluster.shard_of(ada), club.cluster.position(club.cluster.shard_of(ada))) as reader:
        assert reader.rows("SELECT 1 FROM home_feed WHERE account = ? AND author = ?", (ada, alan)) == []


def test_direct_posts_reach_the_feed_of_nobody_else(club, people):
    ada, grace, _ = people
    club.befriend(ada, club.person("tim"))
    club.social.posts.publish(ada, "psst @grace", "direct")
    club.work()
    assert texts(club.social.feeds.home(grace)) == ["psst @grace"]
    assert texts(club.social.feeds.home(club.person("tim"))) == []


def test_a_fan_out_that_runs_twice_delivers_once(club, people):
    ada, grace, _ = people
    club.social.posts.publish(ada, "once", "everyone")
    shard = club.cluster.shard_of(ada)
    with club.cluster.write(shard) as tx:
        tx.execute("UPDATE outbox SET id = id")  # as it is
        club.background.add(tx, shard, "fan_out", {"post": club.social.feeds.profile(ada, ada).items[0].post.id})
    club.work()
    assert texts(club.social.feeds.home(grace)) == ["once"]


def test_a_home_feed_keeps_its_newest_entries_only(club, people):
    ada, grace, _ = people
    shard = club.cluster.shard_of(grace)
    with club.cluster.write(shard) as tx:
        for id in range(1, KEPT + 1):
            tx.execute("INSERT INTO home_feed (account, post, author) VALUES (?, ?, ?)", (grace, id, ada))
    club.social.posts.publish(ada, "newest", "everyone")
    club.work()
    with club.cluster.read(shard, club.cluster.position(shard)) as reader:
        count, oldest = reader.row("SELECT count(*), min(post) FROM home_feed WHERE account = ?", (grace,))
    assert (count, oldest) == (KEPT, 2)


def test_explore_merges_all_shards_and_shows_what_is_for_everyone(club, people):
    for number, author in enumerate(people * 4):
        club.social.posts.publish(author, str(number), "everyone" if number % 4 else "friends")
        club.clock.advance(1)
    assert {club.cluster.shard_of(id) for id in people} == set(club.cluster.shards)
    page = club.elsewhere.feeds.explore(people[2])
    assert texts(page) == ["11", "10", "9", "7", "6", "5", "3", "2", "1"]


@pytest.mark.parametrize("feed", ["home", "explore", "profile", "tag"])
def test_paging_meets_every_post_once_while_new_ones_arrive(club, people, feed):
    ada = people[0]

    def page(cursor):
        return {
            "home": lambda: club.elsewhere.feeds.home(ada, cursor),
            "explore": lambda: club.elsewhere.feeds.explore(ada, cursor),
            "profile": lambda: club.elsewhere.feeds.profile(ada, ada, cursor),
            "tag": lambda: club.elsewhere.feeds.tag("Tag", ada, cursor),
        }[feed]()

    for number in range(90):
        club.social.posts.publish(ada, f"{number} #tag", "everyone")
    met, cursor = [], Cursor()
    for number in range(20):
        club.social.posts.publish(ada, f"late {number} #tag", "everyone")
        current = page(cursor)
        met += texts(current)
        if current.older is None:
            break
        cursor = Cursor(max_id=current.older)
    assert met[-90:] == [f"{number} #tag" for number in reversed(range(90))]
    back = page(Cursor(min_id=current.items[0].post.id))
    assert texts(back) == met[-len(current.items) - 20 : -len(current.items)]


def test_a_page_with_much_that_is_hidden_is_made_of_what_is_cached(club, people):
    ada, _, alan = people
    for number in range(50):
        club.social.posts.publish(ada, str(number), "friends" if number % 2 else "everyone")
    first = texts(club.elsewhere.feeds.profile(ada, alan))
    assert first == [str(number) for number in range(48, 8, -2)]
    shard = club.cluster.shard_of(ada)
    for copy in "ab":
        club.cluster.take_down(shard, copy)  # nothing can be read any more
    assert texts(club.elsewhere.feeds.profile(ada, alan)) == first


def test_a_shard_that_is_away_makes_explore_incomplete_and_not_wrong(club, people):
    for author in people:
        club.social.posts.publish(author, "hello", "everyone")
    shard = club.cluster.shard_of(people[0])
    for copy in "ab":
        club.cluster.take_down(shard, copy)
    club.invalidation.forget_everything()
    page = club.elsewhere.feeds.explore(people[1], Cursor(max_id=2**62))
    assert not page.complete
    assert page.items
    assert all(club.cluster.shard_of(view.post.id) != shard for view in page.items)


def test_members_only_means_members_only(club, people):
    feeds = club.social.feeds
    for call in (lambda: feeds.explore(None), lambda: feeds.profile(people[0], None), lambda: feeds.tag("x", None)):
        with pytest.raises(LoginRequired):
            call()


def test_talked_about_counts_posts_for_everyone_of_the_last_week(club, people):
    ada, grace, _ = people
    club.social.posts.publish(ada, "#old", "everyone")
    club.clock.advance(8 * 24 * 3600)
    club.social.posts.publish(ada, "#chess", "everyone")
    club.social.posts.publish(grace, "#Chess #picnic", "everyone")
    club.social.posts.publish(grace, "#secret", "friends")
    assert club.elsewhere.feeds.talked_about(people[0]) == [("chess", 2), ("picnic", 1)]
