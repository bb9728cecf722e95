"""A block hides each from the other everywhere, and ends what was between them."""

import pytest

from minisocial.errors import Forbidden, NotFound, Refused
from minisocial.social.blocks import MOST
from tests.social.conftest import texts


@pytest.fixture
def people(club):
    """Ada and Grace, who are friends, and Alan, a friend of both."""
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    for one, other in ((ada, grace), (ada, alan), (grace, alan)):
        club.befriend(one, other)
    return ada, grace, alan


def lists(social, viewer, author):
    """Every list in which the viewer could come upon the author's words."""
    feeds = social.feeds
    pages = (feeds.home(viewer), feeds.explore(viewer), feeds.profile(author, viewer), feeds.tag("here", viewer))
    return [text for page in pages for text in texts(page)]


@pytest.mark.parametrize("who_blocks", ["author", "viewer"])
def test_posts_are_gone_at_once_for_both_on_every_node(club, people, who_blocks):
    ada, grace, _ = people
    mine, theirs = club.say(ada, "I am #here"), club.say(grace, "And I am #here")
    assert len(lists(club.elsewhere, grace, ada)) == 7  # caches are warm
    assert len(lists(club.elsewhere, ada, grace)) == 7
    club.social.blocks.block(*((ada, grace) if who_blocks == "author" else (grace, ada)))

    for viewer, author, hidden, text in ((grace, ada, mine, "I am #here"), (ada, grace, theirs, "And I am #here")):
        for social in (club.social, club.elsewhere):
            assert text not in lists(social, viewer, author)
            with pytest.raises(NotFound):
                social.posts.get(hidden, viewer)
    club.work()
    assert texts(club.elsewhere.feeds.home(grace)) == ["And I am #here"]


def test_each_is_nobody_for_the_other_in_the_same_words_as_a_name_that_never_was(club, people):
    ada, grace, alan = people
    club.social.blocks.block(ada, grace)
    with pytest.raises(NotFound) as hidden:
        club.elsewhere.people.named("ada", grace)
    with pytest.raises(NotFound) as missing:
        club.elsewhere.people.named("nobody", grace)
    assert str(hidden.value) == str(missing.value)
    assert club.elsewhere.people.named("ada", alan).id == ada


def test_friendship_and_following_end_on_both_sides_and_unblocking_brings_back_the_sight_alone(club, people):
    ada, grace, alan = people
    club.say(ada, "hello")
    club.say(ada, "among friends", "friends")
    club.social.blocks.block(ada, grace)
    club.work()
    for one, other in ((ada, grace), (grace, ada)):
        pair = club.elsewhere.friends.pair(one, other)
        assert (pair.friendship, pair.follows, pair.followed) == ("", False, False)
        assert [account.id for account in club.elsewhere.friends.of(one).items] == [alan]
    club.social.blocks.unblock(ada, grace)
    club.work()
    assert texts(club.elsewhere.feeds.profile(ada, grace)) == ["hello"]
    assert texts(club.elsewhere.feeds.home(grace)) == []
    club.befriend(grace, ada)
    assert texts(club.elsewhere.feeds.home(grace)) == ["among friends", "hello"]


def test_one_way_following_ends_in_both_directions(club):
    ada, grace = club.person("ada"), club.person("grace")
    for account in (ada, grace):
        club.social.accounts.edit(account, display_name="x", bio="", approves_followers=False)
    club.social.friends.follow(grace, ada)
    club.social.friends.follow(ada, grace)
    club.work()
    club.social.blocks.block(ada, grace)
    club.social.blocks.unblock(ada, grace)  # at once: the end of the following must still arrive
    club.work()
    for one, other in ((ada, grace), (grace, ada)):
        pair = club.elsewhere.friends.pair(one, other)
        assert (pair.follows, pair.followed) == (False, False)


@pytest.mark.parametrize("who_blocks", ["who asks", "who is asked"])
def test_a_block_while_a_request_is_under_way_ends_it_on_both_sides(club, who_blocks):
    ada, grace = club.person("ada"), club.person("grace")
    club.social.friends.add(grace, ada)
    club.social.blocks.block(*((grace, ada) if who_blocks == "who asks" else (ada, grace)))
    club.work()
    assert club.elsewhere.friends.requests(ada) == []
    assert club.elsewhere.friends.requested(grace) == []
    assert club.elsewhere.notifications.unread(ada) == 0
    assert not [letter for letter in club.letters if "ada" in letter.to]
    club.social.blocks.unblock(*((grace, ada) if who_blocks == "who asks" else (ada, grace)))
    club.work()
    assert club.elsewhere.friends.requests(ada) == []


def test_nobody_can_ask_answer_or_follow_across_a_block(club, people):
    ada, grace, _ = people
    club.social.accounts.edit(ada, display_name="Ada", bio="", approves_followers=False)
    club.social.blocks.block(ada, grace)
    club.work()
    for one, other, action in ((grace, ada, "add"), (ada, grace, "add"), (grace, ada, "follow")):
        with pytest.raises(NotFound):
            getattr(club.elsewhere.friends, action)(one, other)


def test_notifications_and_likes_between_the_two_are_withdrawn(club, people):
    ada, grace, alan = people
    mine, theirs = club.say(ada, "hello @grace"), club.say(grace, "hello @ada")
    for viewer in (grace, alan):
        club.social.posts.like(viewer, mine)
    club.social.posts.like(ada, theirs)
    club.work()
    before = club.social.notifications.unread(ada)
    club.social.blocks.block(ada, grace)
    club.work()
    assert club.elsewhere.posts.get(mine, alan).post.likes == 1
    assert club.elsewhere.posts.get(theirs, alan).post.likes == 0
    actors = {each.actor.id for each in club.elsewhere.notifications.page(ada).items}
    assert grace not in actors and alan in actors
    assert ada not in {each.actor.id for each in club.elsewhere.notifications.page(grace).items}
    assert club.elsewhere.notifications.unread(ada) < before
    club.social.blocks.unblock(ada, grace)
    club.work()
    assert grace not in {each.actor.id for each in club.elsewhere.notifications.page(ada).items}


def test_mentions_neither_reach_nor_give_away_the_other(club, people):
    ada, grace, alan = people
    club.social.blocks.block(ada, grace)
    club.work()
    club.say(grace, "@ada and @nobody: are you there?")
    (own,) = club.elsewhere.feeds.profile(grace, grace).items
    assert {kind for kind, _ in own.parts} == {"text"}
    third = club.say(alan, "@ada @grace meet!")
    assert club.elsewhere.notifications.page(ada).items[0].actor.id == alan
    assert ("mention", "ada") in club.elsewhere.posts.get(third, alan).parts
    assert ("mention", "ada") not in club.elsewhere.posts.get(third, grace).parts
    assert ("mention", "grace") in club.elsewhere.posts.get(third, grace).parts


def test_a_reply_by_the_other_is_not_in_the_thread_nor_in_its_number(club, people):
    ada, grace, alan = people
    root = club.say(alan, "What do you think?")
    club.say(ada, "A lot.", in_reply_to=root)
    club.say(grace, "Little.", in_reply_to=root)
    club.social.blocks.block(ada, grace)
    club.work()
    thread = club.elsewhere.posts.thread(root, grace)
    assert [view.post.text for view in thread.replies] == ["Little."]
    assert thread.post.post.replies == 1
    assert club.elsewhere.posts.thread(root, alan).post.post.replies == 2


def test_a_tag_that_only_the_other_uses_is_not_talked_about(club, people):
    ada, grace, alan = people
    club.say(ada, "#chess #rooks")
    club.say(alan, "#chess")
    assert club.elsewhere.feeds.talked_about(grace) == [("chess", 2), ("rooks", 1)]
    club.social.blocks.block(ada, grace)
    club.work()
    assert club.elsewhere.feeds.talked_about(grace) == [("chess", 1)]
    assert club.elsewhere.feeds.talked_about(alan) == [("chess", 2), ("rooks", 1)]


def test_both_block_each_other_and_both_have_to_lift_it(club, people):
    ada, grace, _ = people
    club.social.blocks.block(ada, grace)
    club.elsewhere.blocks.block(grace, ada)
    club.work()
    club.social.blocks.unblock(ada, grace)
    club.work()
    with pytest.raises(NotFound):
        club.social.people.named("ada", grace)
    club.social.blocks.unblock(grace, ada)
    assert club.social.people.named("ada", grace).id == ada


def test_unblocking_tells_nothing_of_who_is_hidden_anyway(club, people):
    ada, grace, alan = people
    club.social.blocks.block(ada, grace)
    with pytest.raises(NotFound):
        club.social.blocks.unblock(grace, ada)
    club.social.blocks.unblock(alan, ada)  # a button pressed twice


def test_who_blocks_has_a_list_the_newest_first_of_a_bounded_length(club, people):
    ada, grace, alan = people
    for other in (grace, alan, grace):
        club.social.blocks.block(ada, other)
    assert [account.id for account in club.elsewhere.blocks.by(ada)] == [alan, grace]
    with club.cluster.write_home(ada) as tx:
        many = [(ada, number, 1, number) for number in range(1, MOST - 1)]
        tx.executemany("INSERT INTO blocks (account, other, active, version) VALUES (?, ?, ?, ?)", many)
    with pytest.raises(Refused, match="more do not fit"):
        club.social.blocks.block(ada, club.person("hedy"))
    with pytest.raises(Forbidden):
        club.social.blocks.block(ada, ada)


def test_a_page_is_filled_past_many_posts_of_who_is_blocked(club, people):
    ada, grace, alan = people
    club.say(alan, "first of all")
    for number in range(30):
        club.social.posts.publish(ada, f"number {number}", "everyone")
    club.social.blocks.block(ada, grace)
    assert texts(club.elsewhere.feeds.explore(grace)) == ["first of all"]
