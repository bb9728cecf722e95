"""What people choose to be told of."""

import pytest

from minisocial.errors import Invalid
from minisocial.social.notifications import KINDS as NOTIFIED
from minisocial.social.preferences import KINDS, WAYS, Choices


def test_every_kind_of_notification_can_be_chosen() -> None:
    assert set(KINDS) == set(NOTIFIED)


def test_who_never_chose_has_the_defaults(club) -> None:
    choices = club.social.preferences.of(club.person("ada"))
    assert all(choices.wants("app", kind) for kind in KINDS)
    assert {kind for kind in KINDS if choices.wants("mail", kind)} == {"request", "accepted", "mention", "reply"}
    assert choices.digest == "weekly"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", ["on", "off"])
def test_a_choice_counts_at_once_and_for_this_person_alone(club, way: str, value: str) -> None:
    ada, grace = club.person("ada"), club.person("grace")
    club.social.preferences.choose(ada, {f"{way}:like": value})
    assert club.elsewhere.preferences.of(ada).wants(way, "like") == (value == "on")
    assert club.elsewhere.preferences.wants(ada, way, "like") == (value == "on")
    assert club.elsewhere.preferences.of(grace) == Choices()


def test_changing_one_choice_leaves_the_others(club) -> None:
    ada = club.person("ada")
    club.social.preferences.choose(ada, {"mail:reply": "off", "digest": "daily"})
    club.social.preferences.choose(ada, {"mail:reply": "on"})
    choices = club.social.preferences.of(ada)
    assert choices.wants("mail", "reply")
    assert choices.digest == club.social.preferences.digest(ada) == "daily"


@pytest.mark.parametrize("chosen", [{"mail:request": "perhaps"}, {"mail:nothing": "on"}, {"digest": "on"}, {"x": "on"}])
def test_what_is_no_choice_is_refused_and_nothing_is_kept(club, chosen: dict[str, str]) -> None:
    ada = club.person("ada")
    with pytest.raises(Invalid):
        club.social.preferences.choose(ada, {"app:like": "off", **chosen})
    assert club.social.preferences.of(ada) == Choices()


def test_what_is_switched_off_in_the_app_tells_nothing(club) -> None:
    ada, grace = club.person("ada"), club.person("grace")
    post = club.social.posts.publish(ada, "hello", "everyone").post
    club.social.preferences.choose(ada, {"app:like": "off"})
    club.social.posts.like(grace, post.id)
    club.social.posts.publish(grace, "hello @ada", "everyone")
    club.work()
    assert [each.kind for each in club.elsewhere.notifications.page(ada).items] == ["mention"]
    assert club.elsewhere.notifications.unread(ada) == 1
