import pytest

from minisocial.errors import Forbidden, NotFound


@pytest.fixture
def ada(club):
    return club.person("ada")


@pytest.fixture
def grace(club):
    return club.person("grace")


def states(club, one, other):
    return club.social.friends.pair(one, other).friendship, club.elsewhere.friends.pair(other, one).friendship


def kinds(club, viewer):
    return [each.kind for each in club.social.notifications.page(viewer).items]


def test_a_request_reaches_the_other_in_the_app_and_by_mail(club, ada, grace):
    club.social.friends.add(grace, ada)
    assert club.social.friends.pair(grace, ada).friendship == "requested"
    club.work()
    assert [account.id for account in club.elsewhere.friends.requests(ada)] == [grace]
    assert club.elsewhere.notifications.unread(ada) == 1
    (letter,) = club.letters
    assert letter.to == "ada@club.example"
    assert "http://club.example/@grace" in letter.text
    assert "Grace" in letter.subject


def test_accepting_makes_both_friends_who_follow_each_other(club, ada, grace):
    club.befriend(grace, ada)
    assert states(club, ada, grace) == ("friends", "friends")
    for one, other in ((ada, grace), (grace, ada)):
        pair = club.social.friends.pair(one, other)
        assert pair.follows
        assert pair.followed
    assert kinds(club, grace) == ["accepted"]
    assert kinds(club, ada) == []  # the request is answered
    assert [letter.subject for letter in club.letters][1:] == ["Ada Lovelace is your friend now"]


def test_a_decline_tells_nobody(club, ada, grace):
    club.social.friends.add(grace, ada)
    club.work()
    told = len(club.letters)
    club.social.friends.decline(ada, grace)
    club.work()
    assert states(club, grace, ada) == ("requested", "")
    assert kinds(club, grace) == []
    assert len(club.letters) == told


def test_who_declined_may_still_change_their_mind(club, ada, grace):
    club.social.friends.add(grace, ada)
    club.work()
    club.social.friends.decline(ada, grace)
    club.social.friends.add(ada, grace)
    club.work()
    assert states(club, ada, grace) == ("friends", "friends")


def test_unfriending_ends_both_directions(club, ada, grace):
    club.befriend(grace, ada)
    club.social.friends.unfriend(ada, grace)
    club.work()
    assert states(club, ada, grace) == ("", "")
    assert not club.social.friends.pair(ada, grace).follows
    assert not club.social.friends.pair(grace, ada).followed


def test_a_request_taken_back_leaves_nothing_behind(club, ada, grace):
    club.social.friends.add(grace, ada)
    club.work()
    club.social.friends.cancel(grace, ada)
    club.work()
    assert club.social.friends.requests(ada) == []
    assert club.social.notifications.unread(ada) == 0
    with pytest.raises(NotFound):
        club.social.friends.accept(ada, grace)


def test_two_who_ask_each_other_at_the_same_moment_become_friends(club, ada, grace):
    club.social.friends.add(grace, ada)
    club.social.friends.add(ada, grace)  # before the worker told her
    club.work()
    assert states(club, ada, grace) == ("friends", "friends")


def test_accepting_while_the_other_takes_it_back_ends_equal_on_both_sides(club, ada, grace):
    club.social.friends.add(grace, ada)
    club.work()
    club.social.friends.accept(ada, grace)
    club.social.friends.cancel(grace, ada)
    club.work()
    mine, theirs = states(club, ada, grace)
    assert mine == theirs


@pytest.mark.parametrize("action", ["add", "accept", "unfriend"])
def test_pressing_a_button_twice_changes_nothing(club, ada, grace, action):
    club.social.friends.add(grace, ada)
    club.work()
    if action != "add":
        club.social.friends.accept(ada, grace)
        club.work()
    actor = grace if action == "add" else ada
    for _ in range(2):
        getattr(club.social.friends, action)(actor, ada if actor == grace else grace)
        club.work()
    assert len(set(club.letters)) == len(club.letters) == (1 if action == "add" else 2)


def test_nobody_befriends_themselves(club, ada):
    with pytest.raises(Forbidden):
        club.social.friends.add(ada, ada)


def test_an_account_that_needs_no_approval_is_followed_at_once_and_one_way(club, ada, grace):
    club.social.accounts.edit(ada, display_name="News", bio="", approves_followers=False)
    club.social.friends.add(grace, ada)
    assert club.social.friends.pair(grace, ada).follows
    club.work()
    assert club.elsewhere.friends.pair(ada, grace).followed
    assert not club.elsewhere.friends.pair(ada, grace).follows
    assert kinds(club, ada) == ["follow"]
    club.social.friends.unfollow(grace, ada)
    club.work()
    assert not club.elsewhere.friends.pair(ada, grace).followed


def test_following_somebody_who_approves_is_refused(club, ada, grace):
    with pytest.raises(Forbidden):
        club.social.friends.follow(grace, ada)


def test_friends_in_common(club, ada, grace):
    alan, tim = club.person("alan"), club.person("tim")
    for other in (alan, tim):
        club.befriend(ada, other)
    club.befriend(grace, alan)
    assert club.social.friends.in_common(ada, [grace]) == {grace: 1}
