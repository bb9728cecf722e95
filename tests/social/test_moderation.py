"""Those in charge: suspending, roles, and the log of it."""

import pytest

from minisocial.background import Task
from minisocial.errors import Forbidden, Gone, Invalid, NotFound, Refused
from minisocial.social.pages import Cursor
from minisocial.social.tasks import Tasks
from tests.social.conftest import PASSWORD, texts


@pytest.fixture
def people(club):
    """Ada, who is the admin, Grace, a moderator, and Alan, Ada's friend."""
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    club.social.moderation.set_role(ada, grace, "moderator")
    club.befriend(ada, alan)
    return ada, grace, alan


def test_suspending_ends_sessions_and_invites_everywhere_at_once_and_closes_the_door(club, people):
    ada, grace, alan = people
    session, invite = club.elsewhere.sessions.open(alan), club.social.invites.make(alan)
    assert club.social.sessions.find(session.token)
    club.social.moderation.suspend(grace, alan, "was rude")
    for social in (club.social, club.elsewhere):
        assert social.sessions.find(session.token) is None
        assert social.accounts.get(alan).is_suspended
        with pytest.raises(Invalid, match="suspended"):
            social.accounts.log_in("alan", PASSWORD)
        with pytest.raises(Invalid, match="do not belong together"):
            social.accounts.log_in("alan", "wrong password")
        with pytest.raises(Gone):
            social.invites.find(invite.code)
    club.social.moderation.unsuspend(ada, alan)
    assert club.elsewhere.accounts.log_in("alan", PASSWORD).id == alan


def test_a_suspended_person_and_their_words_are_there_for_those_in_charge_only(club, people):
    ada, grace, alan = people
    hedy = club.person("hedy")
    club.social.community.edit(name="x", description="", code_of_conduct="", members_only=False)
    club.befriend(hedy, alan)
    mine = club.say(hedy, "mine")
    theirs = club.say(alan, "theirs #here @hedy")
    club.say(alan, "an answer", in_reply_to=mine)
    club.elsewhere.posts.like(alan, mine)
    club.work()
    feeds = club.elsewhere.feeds

    def seen_by(viewer):
        thread = club.elsewhere.posts.thread(mine, viewer)
        lists = (feeds.explore(viewer), feeds.profile(alan, viewer), feeds.tag("here", viewer))
        return [
            *(text for page in lists for text in texts(page)),
            *(view.post.text for view in thread.replies),
            thread.post.post.replies,
        ]

    def knows(viewer):
        return alan in club.elsewhere.people.visible([alan], viewer)

    before = {viewer: seen_by(viewer) for viewer in (hedy, None)}
    unread = club.elsewhere.notifications.unread(hedy)
    club.social.moderation.suspend(ada, alan)
    club.work()
    for viewer in (hedy, None):
        assert seen_by(viewer) == ["mine", 0]
        assert not knows(viewer)
    assert club.elsewhere.notifications.unread(hedy) < unread
    assert feeds.talked_about(hedy) == []
    assert club.elsewhere.friends.of(hedy).items == []
    assert knows(grace) and texts(feeds.profile(alan, grace)) == ["an answer", "theirs #here @hedy"]
    assert club.elsewhere.posts.get(theirs, grace)

    club.social.moderation.unsuspend(grace, alan)
    club.work()
    for viewer in (hedy, None):
        assert seen_by(viewer) == before[viewer]
        assert knows(viewer)
    assert club.elsewhere.notifications.unread(hedy) == unread


def test_a_reply_that_is_counted_late_does_not_count_for_a_suspended_person(club, people):
    ada, _, alan = people
    root = club.say(ada, "What do you think?")
    club.social.posts.publish(alan, "A lot.", "everyone", root)
    club.social.moderation.suspend(ada, alan)
    club.work()
    assert club.elsewhere.posts.get(root, ada).post.replies == 0


def test_moderators_decide_about_members_admins_about_all_and_nobody_about_themselves(club, people):
    ada, grace, alan = people
    moderation = club.elsewhere.moderation
    for actor, subject, error in ((alan, grace, NotFound), (grace, ada, Forbidden), (ada, ada, Forbidden)):
        with pytest.raises(error):
            moderation.suspend(actor, subject)
    with pytest.raises(Forbidden):
        moderation.set_role(grace, alan, "moderator")
    with pytest.raises(Invalid):
        moderation.set_role(ada, alan, "owner")
    moderation.suspend(ada, grace)
    with pytest.raises(NotFound):  # who was in charge a moment ago
        club.social.moderation.suspend(alan, ada)


def test_a_role_acts_at_once_on_all_nodes(club, people):
    ada, _, alan = people
    assert not club.elsewhere.accounts.get(alan).is_in_charge  # caches are warm
    club.social.moderation.set_role(ada, alan, "admin")
    assert club.elsewhere.accounts.get(alan).is_admin
    club.elsewhere.moderation.set_role(alan, ada, "member")
    assert not club.social.accounts.get(ada).is_in_charge
    with pytest.raises(Forbidden):
        club.social.moderation.set_role(ada, alan, "member")


def test_there_is_always_an_admin_who_can_log_in(club, people):
    ada, _, alan = people
    moderation = club.social.moderation
    for attempt in (lambda: moderation.set_role(ada, ada, "member"), lambda: moderation.suspend(None, ada)):
        with pytest.raises(Refused, match="only admin"):
            attempt()
    moderation.set_role(ada, alan, "admin")
    moderation.suspend(ada, alan)
    with pytest.raises(Refused, match="only admin"):  # the other one can not log in
        moderation.set_role(None, ada, "moderator")
    moderation.unsuspend(ada, alan)
    moderation.set_role(ada, ada, "member")
    assert club.elsewhere.accounts.get(alan).is_admin


def test_two_admins_who_depose_each_other_at_the_same_moment_leave_one(club, people):
    """The second decision is made when the first is in the log, and not yet in the account."""
    ada, _, alan = people
    club.social.moderation.set_role(ada, alan, "admin")
    carry = club.social.moderation.carry
    club.social.moderation.carry = lambda id: None
    club.social.moderation.set_role(ada, alan, "member")
    with pytest.raises(Refused):
        club.elsewhere.moderation.set_role(None, ada, "member")
    with pytest.raises(Forbidden):
        club.elsewhere.moderation.set_role(alan, ada, "member")
    carry(alan)


def test_what_died_between_the_log_and_the_account_is_carried_on_and_an_old_word_undoes_nothing(club, people):
    ada, _, alan = people
    moderation = club.social.moderation
    moderation.carry = lambda id: None  # as if it had died there
    moderation.suspend(ada, alan)
    assert not club.elsewhere.accounts.get(alan).is_suspended
    club.work()
    assert club.elsewhere.accounts.get(alan).is_suspended
    club.elsewhere.moderation.unsuspend(ada, alan)
    handlers = Tasks(club.elsewhere, club.letters.append, lambda: "").handlers()
    handlers["carry_standing"](Task(1, "directory", "carry_standing", {"account": alan}))
    assert not club.social.accounts.get(alan).is_suspended


def test_everything_is_in_the_log_newest_first_and_doing_it_again_is_not(club, people):
    ada, grace, alan = people
    for _ in range(2):
        club.social.moderation.suspend(grace, alan, "was\u202e rude")
    for _ in range(2):
        club.social.moderation.unsuspend(None, alan)
    log = club.elsewhere.audit.page(Cursor())
    assert [(each.actor and each.actor.id, each.action, each.subject, each.detail) for each in log.items] == [
        (None, "unsuspend", "alan", ""),
        (grace, "suspend", "alan", "was rude"),
        (ada, "role", "grace", "moderator"),
    ]
    first = club.elsewhere.audit.page(Cursor(limit=2))
    assert [each.action for each in club.social.audit.page(Cursor(max_id=first.older)).items] == ["role"]


def test_those_in_charge_reach_the_page_of_who_blocks_them_and_nobody_hides_from_them_so(club, people):
    _, grace, alan = people
    club.say(alan, "hello")
    club.social.blocks.block(alan, grace)
    assert club.elsewhere.people.named("alan", grace).id == alan
    assert texts(club.elsewhere.feeds.profile(alan, grace)) == []
    club.elsewhere.moderation.suspend(grace, alan)
