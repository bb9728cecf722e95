import pytest


@pytest.fixture
def people(club):
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    club.befriend(grace, ada)
    club.social.notifications.mark_seen(ada, 2**62)
    return ada, grace, alan


def told(club, viewer):
    return [(each.kind, each.actor.username) for each in club.elsewhere.notifications.page(viewer).items]


def test_mentions_replies_and_likes_tell_once(club, people):
    ada, grace, alan = people
    root = club.social.posts.publish(ada, "hello", "everyone").post
    club.social.posts.publish(grace, "@ada hi", "everyone", in_reply_to=root.id)
    club.social.posts.publish(alan, "look, @ada", "everyone")
    club.work()
    club.clock.advance(1)
    for _ in range(2):
        club.social.posts.like(grace, root.id)
        club.social.posts.unlike(grace, root.id)
    club.social.posts.like(grace, root.id)
    club.work()
    assert sorted(told(club, ada)) == [("like", "grace"), ("mention", "alan"), ("reply", "grace")]


def test_nobody_is_told_of_their_own_doings(club, people):
    ada = people[0]
    post = club.social.posts.publish(ada, "me, @ada", "everyone").post
    club.social.posts.publish(ada, "again", "everyone", in_reply_to=post.id)
    club.social.posts.like(ada, post.id)
    club.work()
    assert told(club, ada) == []


def test_a_mention_in_what_one_may_not_see_tells_nothing(club, people):
    ada, _, alan = people
    club.social.posts.publish(ada, "between friends: @alan", "friends")
    club.work()
    assert told(club, alan) == []
    assert club.social.notifications.unread(alan) == 0


def test_likes_of_one_post_are_one_line(club, people):
    ada, grace, alan = people
    post = club.social.posts.publish(ada, "hello", "everyone").post
    for viewer in (grace, alan, club.person("tim")):
        club.clock.advance(1)
        club.social.posts.like(viewer, post.id)
        club.work()
    (line,) = club.elsewhere.notifications.page(ada).items
    assert (line.kind, line.actor.username, line.others) == ("like", "tim", 2)


def test_the_count_is_of_what_came_since_one_looked(club, people):
    ada, grace, alan = people
    post = club.social.posts.publish(ada, "hello", "everyone").post
    club.social.posts.like(grace, post.id)
    club.work()
    assert club.elsewhere.notifications.unread(ada) == 1
    (seen,) = club.elsewhere.notifications.page(ada).items
    assert seen.is_new
    club.social.notifications.mark_seen(ada, seen.id)
    assert club.elsewhere.notifications.unread(ada) == 0
    club.clock.advance(1)
    club.social.posts.like(alan, post.id)
    club.work()
    assert club.elsewhere.notifications.unread(ada) == 1


def test_a_made_up_number_does_not_hide_what_is_still_to_come(club, people):
    ada, grace, _ = people
    post = club.social.posts.publish(ada, "hello", "everyone").post
    club.social.notifications.mark_seen(ada, 2**62)
    club.clock.advance(1)
    club.social.posts.like(grace, post.id)
    club.work()
    assert club.social.notifications.unread(ada) == 1


def test_what_one_may_not_see_any_more_does_not_count(club, people):
    ada, grace, alan = people
    mention = club.social.posts.publish(alan, "look, @ada", "everyone").post
    club.social.posts.publish(grace, "between us, @ada", "friends")
    club.work()
    assert club.elsewhere.notifications.unread(ada) == 2
    club.social.posts.delete(alan, mention.id)
    club.work()
    assert told(club, ada) == [("mention", "grace")]
    assert club.elsewhere.notifications.unread(ada) == 1
    club.social.friends.unfriend(grace, ada)
    club.work()
    assert told(club, ada) == []
    assert club.elsewhere.notifications.unread(ada) == 0
