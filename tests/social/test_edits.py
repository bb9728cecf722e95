"""Editing: other words, everywhere; what was said before can be read."""

import pytest

from minisocial.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from minisocial.social.edits import MOST
from tests.social.conftest import texts


@pytest.fixture
def people(club):
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    club.befriend(ada, grace)
    return ada, grace, alan


def edit(club, viewer, id, text, social=None):
    social = social or club.social
    social.edits.edit(viewer, id, text, social.posts.get(id, viewer).post.edited_at or 0)


def test_the_new_words_are_everywhere_at_once_and_the_old_ones_in_the_history(club, people):
    ada, grace, _ = people
    id = club.say(ada, "hallo #wrold")
    reply = club.say(grace, "Yes?", in_reply_to=id)
    feeds = club.elsewhere.feeds
    pages = (lambda: feeds.home(grace), lambda: feeds.explore(grace), lambda: feeds.profile(ada, grace))
    assert all("hallo #wrold" in texts(page()) for page in pages)  # caches are warm
    club.clock.advance(60)
    edit(club, ada, id, "hello #world")
    for page in pages:
        assert "hello #world" in texts(page()) and "hallo #wrold" not in texts(page())
    view = club.elsewhere.posts.get(id, grace)
    assert [each.text for each in club.elsewhere.edits.history(view)] == ["hallo #wrold"]
    assert view.post.edited_at == club.clock.milliseconds()
    assert [each.post.id for each in club.elsewhere.posts.thread(id, grace).replies] == [reply]


def test_tags_follow_the_words(club, people):
    ada, grace, _ = people
    id = club.say(ada, "#chess and #tea")
    assert texts(club.elsewhere.feeds.tag("chess", grace)) == ["#chess and #tea"]
    edit(club, ada, id, "#go and #tea")
    assert texts(club.elsewhere.feeds.tag("chess", grace)) == []
    for tag in ("go", "tea"):
        assert texts(club.elsewhere.feeds.tag(tag, grace)) == ["#go and #tea"]
    assert club.elsewhere.feeds.talked_about(grace) == [("go", 1), ("tea", 1)]


def test_who_is_newly_mentioned_is_told_once_and_nobody_else(club, people):
    ada, grace, alan = people
    id = club.say(ada, "Look, @grace!")
    club.social.notifications.mark_seen(grace, 1 << 62)
    before = club.elsewhere.notifications.unread(alan)
    for text in ("Look, @grace and @alan!", "Look, @grace!", "Look, @alan, again!"):
        edit(club, ada, id, text)
        club.work()
    assert club.elsewhere.notifications.unread(alan) == before + 1
    assert club.elsewhere.notifications.unread(grace) == 0


def test_an_edit_on_older_words_is_told_so_and_the_same_words_are_no_edit(club, people):
    ada, grace, _ = people
    id = club.say(ada, "one")
    club.social.edits.edit(ada, id, "two", 0)
    club.elsewhere.edits.edit(ada, id, "two", 0)  # sent twice
    with pytest.raises(Conflict):
        club.elsewhere.edits.edit(ada, id, "three", 0)
    edit(club, ada, id, "three")
    edit(club, ada, id, "four")  # within the same millisecond
    history = club.elsewhere.edits.history(club.elsewhere.posts.get(id, grace))
    assert [each.text for each in history] == ["three", "two", "one"]


def test_only_the_author_edits_and_only_what_may_be_published(club, people):
    ada, grace, alan = people
    id, direct = club.say(ada, "mine"), club.say(ada, "@grace: a word", "direct")
    with pytest.raises(Forbidden):
        club.social.edits.edit(grace, id, "hers", 0)
    with pytest.raises(NotFound):
        club.social.edits.edit(alan, direct, "his", 0)
    for text in ("", "x" * 501):
        with pytest.raises(Invalid):
            club.social.edits.edit(ada, id, text, 0)
    with pytest.raises(Invalid):
        club.social.edits.edit(ada, direct, "to nobody", 0)
    club.social.posts.delete(ada, id)
    with pytest.raises(NotFound):
        club.social.edits.edit(ada, id, "too late", 0)


def test_a_direct_post_goes_to_those_it_mentions_now(club, people):
    ada, grace, alan = people
    club.befriend(ada, alan)
    id = club.say(ada, "@grace: a word", "direct")
    assert texts(club.elsewhere.feeds.home(grace)) == ["@grace: a word"]
    edit(club, ada, id, "@alan: a word")
    assert texts(club.elsewhere.feeds.home(grace)) == []
    with pytest.raises(NotFound):
        club.elsewhere.posts.get(id, grace)
    club.work()
    assert texts(club.elsewhere.feeds.home(alan)) == ["@alan: a word"]
    with club.cluster.read_home(grace, club.cluster.position) as reader:
        assert not reader.rows("SELECT 1 FROM home_feed WHERE account = ?", (grace,))


def test_a_direct_post_stays_in_the_feed_of_its_author_who_mentioned_themselves(club, people):
    ada, *_ = people
    id = club.say(ada, "@ada and @grace: a word", "direct")
    edit(club, ada, id, "@grace: a word")
    club.work()
    assert texts(club.elsewhere.feeds.home(ada)) == ["@grace: a word"]


def test_a_direct_reply_stays_addressed_to_whom_it_answers(club, people):
    ada, grace, _ = people
    root = club.say(grace, "A question?")
    id = club.say(ada, "An answer.", "direct", root)
    edit(club, ada, id, "A better answer.")
    assert club.elsewhere.posts.get(id, grace).post.text == "A better answer."


def test_a_mention_of_who_has_parted_since_is_dropped(club, people):
    ada, grace, alan = people
    id = club.say(ada, "@grace: hello")
    club.social.blocks.block(ada, grace)
    edit(club, ada, id, "@grace: goodbye")
    assert ("mention", "grace") not in club.elsewhere.posts.get(id, alan).parts


def test_there_is_an_end_to_editing_and_deleting_deletes_the_history(club, people):
    ada, _, _ = people
    id = club.say(ada, "0")
    for number in range(MOST):
        edit(club, ada, id, f"{number + 1}")
    with pytest.raises(Refused, match="50 times"):
        edit(club, ada, id, "more")
    club.social.posts.delete(ada, id)
    with club.cluster.read_home(id, club.cluster.position) as reader:
        assert not reader.rows("SELECT 1 FROM post_versions")
