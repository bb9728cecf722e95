"""A post on its way into many feeds: in a chain of bounded tasks, killed and taken up again, deleted on the way."""

import random
from contextlib import suppress

import pytest

from minisocial.social.home_feeds import KEPT, SHORTEST
from minisocial.social.pages import Cursor
from minisocial.upkeep.feeds import check
from tests.social.unreliable import Killed, Messenger

NAMES = ("grace", "alan", "edsger", "barbara", "donald", "tim", "radia")


@pytest.fixture
def ada(club):
    """Somebody whom seven people follow."""
    ada = club.person("ada")
    club.social.accounts.edit(ada, display_name="Ada", bio="", approves_followers=False)
    for name in NAMES:
        club.social.friends.follow(club.person(name), ada)
    club.work()
    return ada


@pytest.fixture
def worker(club):
    """Does three feeds a task, merges above twenty followers."""
    return Messenger(club, random.Random(1), at_once=3, merge_above=20)


def post(club, author, text="news", visibility="everyone"):
    club.clock.advance(1)
    return club.social.posts.publish(author, text, visibility).post.id


def rows(club, sql, *params):
    found = []
    for shard in club.cluster.shards:
        with club.cluster.read(shard, club.cluster.position(shard)) as reader:
            found += reader.rows(sql, params)
    return found


def readers_of(club, id):
    return {account for (account,) in rows(club, "SELECT account FROM home_feed WHERE post = ?", id)}


def everybody(club):
    return {club.person(name) for name in ("ada", *NAMES)}


def faults(club):
    return check(club.cluster, lambda line: None)


def only(worker, name):
    (task,) = [task for task in worker.waiting() if task.name == name]
    return task


def run(worker, task, lives_for=None):
    worker.mortal.left = lives_for
    with suppress(Killed):
        worker.handlers[task.name](task)
    worker.mortal.left = None


def test_a_task_does_some_feeds_and_leaves_the_next_one(club, ada, worker):
    id = post(club, ada)
    counts = []
    while tasks := [task for task in worker.waiting() if task.name == "fan_out"]:
        run(worker, tasks[0])
        counts.append(len(readers_of(club, id)))
    assert counts == [4, 7, 8]  # hers and three, three, one
    assert readers_of(club, id) == everybody(club)


def test_what_comes_later_does_not_wait_for_all_of_a_long_chain(club, ada, worker):
    id = post(club, ada)
    run(worker, only(worker, "fan_out"))
    club.social.posts.like(club.person("tim"), id)
    names = [task.name for task in sorted(worker.waiting(), key=lambda task: task.id)]
    run(worker, only(worker, "fan_out"))
    assert [task.name for task in sorted(worker.waiting(), key=lambda task: task.id)] != names
    assert sorted(worker.waiting(), key=lambda task: task.id)[0].name == "notify"  # it is before the third part


@pytest.mark.parametrize("lives_for", range(12))
def test_a_chain_that_is_killed_goes_on_and_reaches_everybody_once(club, ada, worker, lives_for):
    id = post(club, ada)
    run(worker, only(worker, "fan_out"), lives_for)
    club.work()
    assert readers_of(club, id) == everybody(club)
    assert not worker.waiting()


@pytest.mark.parametrize("lives_for", range(8))
def test_a_post_deleted_while_a_killed_worker_spread_it_is_in_no_feed(club, ada, lives_for):
    """The hole there was: put into feeds, killed before it looked again, and deleted by then."""
    deleted = []

    def meanwhile():
        if not deleted:
            deleted.append(club.social.posts.delete(ada, id))
            retract = only(other, "retract")
            run(other, retract)
            with club.cluster.write(retract.shard) as tx:  # that one is done
                retract.finish(tx)

    worker, other = Messenger(club, random.Random(1), meanwhile, at_once=3), Messenger(club, random.Random(1))
    id = post(club, ada)
    run(worker, only(worker, "fan_out"), lives_for)
    assert deleted
    worker.deliver_all()
    assert readers_of(club, id) == set()


def test_a_post_deleted_while_a_new_readers_feed_is_filled_is_not_in_it(club, ada):
    id, kept = post(club, ada), post(club, ada)
    club.work()
    zoe = club.person("zoe")
    club.social.friends.follow(zoe, ada)
    other = Messenger(club, random.Random(1))
    other.handlers["mirror_follow"](only(other, "mirror_follow"))
    filling, deleted = only(other, "fill_feed"), []

    def meanwhile():
        if not deleted:
            deleted.append(club.social.posts.delete(ada, id))
            run(other, only(other, "retract"))

    slow = Messenger(club, random.Random(1), meanwhile)
    slow.handlers["fill_feed"](filling)
    assert deleted and readers_of(club, id) == set() and zoe in readers_of(club, kept)


def test_who_stops_following_while_a_post_is_spread_does_not_get_it(club, ada):
    tim, gone = club.person("tim"), []

    def meanwhile():
        if not gone:
            gone.append(club.social.friends.unfollow(tim, ada))
            run(other, only(other, "clear_feed"))

    slow, other = Messenger(club, random.Random(1), meanwhile), Messenger(club, random.Random(1))
    id = post(club, ada)
    run(slow, only(slow, "fan_out"))
    assert gone and readers_of(club, id) == everybody(club) - {tim}


def test_a_direct_post_reaches_who_is_mentioned_and_follows(club, ada, worker):
    club.person("zoe")  # does not follow her
    id = post(club, ada, "psst @tim @radia @zoe", "direct")
    worker.deliver_all()
    assert readers_of(club, id) == {ada, club.person("tim"), club.person("radia")}
    assert faults(club) == []


def test_a_direct_post_edited_while_it_is_spread_reaches_only_who_is_mentioned_in_the_end(club, ada):
    edited = []

    def meanwhile():
        if not edited:
            edited.append(club.social.edits.edit(ada, id, "psst @radia", 0))
            run(other, only(other, "readdress"))

    slow, other = Messenger(club, random.Random(1), meanwhile), Messenger(club, random.Random(1))
    id = post(club, ada, "psst @tim", "direct")
    run(slow, only(slow, "fan_out"))
    slow.deliver_all()
    assert edited and readers_of(club, id) == {ada, club.person("radia")}


def test_a_retraction_goes_through_all_feeds_in_parts(club, ada, worker):
    id = post(club, ada)
    club.work()
    club.social.posts.delete(ada, id)
    run(worker, only(worker, "retract"))
    assert len(readers_of(club, id)) == 4
    worker.deliver_all()
    assert readers_of(club, id) == set()


def test_nobody_can_empty_their_own_feed_by_unfollowing_themselves(club, ada):
    id = post(club, ada)
    club.social.friends.unfollow(ada, ada)
    club.work()
    assert ada in readers_of(club, id)


# --- how far back a feed reaches


def write_posts(club, author, count):
    """Posts nobody was told of, as a bulk load writes them."""
    ids = [club.cluster.new_id(author) for _ in range(count)]
    with club.cluster.write(club.cluster.shard_of(author)) as tx:
        tx.executemany(
            "INSERT INTO posts (id, author, text, visibility, root) VALUES (?1, ?2, 'x', 'everyone', ?1)",
            [(id, author) for id in ids],
        )
    return ids


def feed_of(club, account):
    return sorted(post for (post,) in rows(club, "SELECT post FROM home_feed WHERE account = ?", account))


def test_a_new_friend_brings_all_a_feed_can_hold(club, ada):
    zoe = club.person("zoe")
    ids = write_posts(club, ada, KEPT + 50)
    club.social.friends.follow(zoe, ada)
    club.work()
    assert feed_of(club, zoe) == ids[50:]


def test_a_long_feed_takes_nothing_in_from_before_its_end(club, ada):
    """Or the posts of others would be missing between."""
    zoe, alan = club.person("zoe"), club.person("alan")
    club.social.accounts.edit(alan, display_name="Alan", bio="", approves_followers=False)
    old = write_posts(club, alan, 10)
    club.clock.advance(1)
    write_posts(club, ada, KEPT)
    club.social.friends.follow(zoe, ada)
    club.work()
    club.social.friends.follow(zoe, alan)
    club.work()
    assert not set(old) & set(feed_of(club, zoe))
    assert [fault for fault in faults(club) if str(zoe) in fault] == []


def test_a_feed_that_has_become_short_is_filled_up_again(club, ada):
    zoe, alan = club.person("zoe"), club.person("alan")
    club.social.accounts.edit(alan, display_name="Alan", bio="", approves_followers=False)
    old = write_posts(club, alan, 300)
    club.clock.advance(1)
    write_posts(club, ada, KEPT - SHORTEST // 2)
    for author in alan, ada:
        club.social.friends.follow(zoe, author)
        club.work()
    assert len(feed_of(club, zoe)) == KEPT
    club.social.friends.unfollow(zoe, ada)
    club.work()
    assert feed_of(club, zoe) == old


def test_a_deletion_that_makes_a_feed_short_has_it_filled_up(club, ada):
    zoe = club.person("zoe")
    club.social.friends.follow(zoe, ada)
    club.work()
    ids = write_posts(club, ada, SHORTEST + 1)
    assert club.social.feeds.rebuild(zoe)
    with club.cluster.write(club.cluster.shard_of(zoe)) as tx:  # as if it had been cut at the shortest length
        tx.execute("DELETE FROM home_feed WHERE account = ? AND post = ?", (zoe, ids[0]))
    club.social.posts.delete(ada, ids[-1])
    club.work()
    assert feed_of(club, zoe) == ids[:-1]


def test_a_feed_is_made_anew_with_all_that_belongs_and_nothing_else(club, ada):
    tim = club.person("tim")
    ids = [post(club, ada), post(club, tim), post(club, ada, "@tim", "direct")]
    stranger = post(club, club.person("zoe"))
    club.work()
    with club.cluster.write(club.cluster.shard_of(tim)) as tx:
        tx.execute("DELETE FROM home_feed WHERE account = ?", (tim,))
        tx.execute("INSERT INTO home_feed VALUES (?, ?, ?), (?, 5, ?)", (tim, stranger, club.person("zoe"), tim, ada))
    assert len(faults(club)) == 1
    club.elsewhere.feeds.home(tim)
    assert club.social.feeds.rebuild(tim)
    assert feed_of(club, tim) == ids and faults(club) == []
    assert [view.post.id for view in club.elsewhere.feeds.home(tim).items] == ids[::-1]


def test_ones_own_feed_is_cut_too(club):
    zoe = club.person("zoe")
    with club.cluster.write(club.cluster.shard_of(zoe)) as tx:
        tx.executemany("INSERT INTO home_feed VALUES (?, ?, ?)", [(zoe, id, zoe) for id in range(1, KEPT + 1)])
    post(club, zoe)
    club.work()
    assert len(feed_of(club, zoe)) == KEPT


# --- the checker


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM home_feed WHERE account = :tim AND post = :id", "lacks"),
        ("UPDATE home_feed SET author = :tim WHERE account = :tim AND post = :id", "not by"),
        ("INSERT INTO home_feed VALUES (:tim, 7, :ada)", "deleted"),
        ("INSERT INTO home_feed VALUES (:tim, :stranger, :zoe)", "does not belong"),
    ],
)
def test_the_checker_finds(club, ada, sql, what):
    id, stranger = post(club, ada), post(club, club.person("zoe"))
    club.work()
    assert faults(club) == []
    tim = club.person("tim")
    with club.cluster.write(club.cluster.shard_of(tim)) as tx:
        tx.execute(sql, {"tim": tim, "ada": ada, "zoe": club.person("zoe"), "id": id, "stranger": stranger})
    (fault,) = faults(club)
    assert str(tim) in fault and what in fault


# --- broadcasters


@pytest.fixture
def star(club, ada):
    """A worker for whom seven followers are many."""
    return Messenger(club, random.Random(1), at_once=3, merge_above=6)


def home(social, viewer):
    return [view.post.id for view in social.feeds.home(viewer, Cursor(limit=100)).items]


def test_posts_of_a_broadcaster_are_merged_in_and_not_stored(club, ada, star):
    before = post(club, ada)
    club.work()  # an ordinary worker stores it
    tim = club.person("tim")
    between = post(club, tim)
    after = post(club, ada)
    star.deliver_all()
    assert readers_of(club, after) == {ada}
    for node in club.social, club.elsewhere:
        assert home(node, tim) == [after, between, before]
    assert home(club.social, club.person("zoe")) == []
    assert faults(club) == []


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_paging_over_merged_posts_has_no_gaps_and_no_doubles(club, ada, star, limit):
    tim = club.person("tim")
    ids = [post(club, ada)]
    club.work()
    for number in range(75):  # beyond what is cached of either list
        ids.append(post(club, ada if number % 3 else tim))
        star.deliver_all()
    down, cursor = [], Cursor(limit=limit)
    while cursor:
        page = club.elsewhere.feeds.home(tim, cursor)
        down += [view.post.id for view in page.items]
        cursor = Cursor(max_id=page.older, limit=limit) if page.older else None
    up = [view.post.id for view in page.items]
    while page.newer:
        page = club.elsewhere.feeds.home(tim, Cursor(min_id=page.newer, limit=limit))
        up = [view.post.id for view in page.items] + up
    assert down == up == ids[::-1]


def test_merged_posts_reach_back_as_far_as_the_feed_and_no_further(club, ada, star):
    tim, alan = club.person("tim"), club.person("alan")
    club.social.accounts.edit(alan, display_name="Alan", bio="", approves_followers=False)
    club.social.friends.follow(tim, alan)
    club.work()
    too_old = [post(club, ada), post(club, ada)]
    star.deliver_all()
    club.clock.advance(1)
    write_posts(club, alan, KEPT + 5)
    assert club.social.feeds.rebuild(tim)
    oldest = feed_of(club, tim)[0]
    assert [view.post.id for view in club.social.feeds.home(tim, Cursor(max_id=oldest + 1)).items] == [oldest]
    assert [view.post.id for view in club.social.feeds.home(tim, Cursor(min_id=1, limit=1)).items] == [oldest]
    assert too_old[0] < oldest


def test_who_is_no_broadcaster_any_more_has_all_posts_stored_again(club, ada, star):
    ids = [post(club, ada)]
    star.deliver_all()
    assert readers_of(club, ids[0]) == {ada}
    for name in NAMES[:3]:
        club.social.friends.unfollow(club.person(name), ada)
    star.deliver_all()
    ids.append(post(club, ada))
    star.deliver_all()
    left = {ada, *map(club.person, NAMES[3:])}
    assert [readers_of(club, id) for id in ids] == [left, left]
    assert club.social.broadcasters.since(ada) is None
    assert faults(club) == []


def test_five_of_six_followers_are_enough_to_stay_one(club, ada, star):
    post(club, ada)
    star.deliver_all()
    for name in NAMES[:2]:
        club.social.friends.unfollow(club.person(name), ada)
    star.deliver_all()
    post(club, ada)
    star.deliver_all()
    assert club.social.broadcasters.since(ada)


@pytest.mark.parametrize("lives_for", range(9))
def test_at_no_moment_of_either_change_does_a_reader_miss_a_post_or_see_it_twice(club, ada, lives_for):
    """Looked at between any two commits, also with the worker killed at one of them."""
    tim = club.person("tim")
    known = [post(club, ada)]
    club.work()

    def look():
        for node in club.social, club.elsewhere:
            seen = home(node, tim)
            assert [id for id in seen if id in known] == known[::-1] and len(seen) == len(set(seen))

    worker = Messenger(club, random.Random(1), look, at_once=2, merge_above=6)
    for leaves in (None, None, "grace", "alan", "edsger", None):
        if leaves:
            club.social.friends.unfollow(club.person(leaves), ada)
        id = post(club, ada)
        for task in sorted(worker.waiting(), key=lambda task: task.id):
            run(worker, task, lives_for)
        worker.deliver_all()
        known.append(id)
        look()
    assert club.social.broadcasters.since(ada) is None and faults(club) == []


def test_who_stays_a_broadcaster_after_all_ends_the_chain(club, ada, star):
    post(club, ada)
    star.deliver_all()
    club.social.broadcasters.begin_to_leave(ada)
    chain = only(star, "store_broadcasts")
    assert club.social.broadcasters.begin(ada)
    run(star, chain)
    assert club.social.broadcasters.since(ada) > 0
    club.social.broadcasters.leave(ada, chain.args["since"])  # the late end of a chain that was called off
    assert club.social.broadcasters.since(ada) > 0


def test_who_follows_a_broadcaster_sees_all_their_posts_at_once(club, ada, star):
    ids = [post(club, ada), post(club, ada)]
    star.deliver_all()
    zoe = club.person("zoe")
    club.social.friends.follow(zoe, ada)
    assert home(club.social, zoe) == ids[::-1]
    club.social.friends.unfollow(zoe, ada)
    assert home(club.social, zoe) == []
    star.deliver_all()
    assert faults(club) == []
