"""Notifications and their numbers."""

import json
import re
from dataclasses import replace

from tests.web.conftest import World


def test_each_kind_says_what_happened(world: World) -> None:
    post = world.social.posts.publish(world.ada.id, "Mine.", "everyone")
    for kind in ("request", "accepted", "follow"):
        world.social.notifications.add(world.ada.id, kind, world.grace)
    for kind in ("mention", "reply", "like"):
        world.social.notifications.add(world.ada.id, kind, world.alan, post)
    html = world.client("ada").get("/notifications").text
    for words in (
        "wants to be your friend",
        "is now your friend",
        "follows you now",
        "mentioned you",
        "replied to you",
        "likes your post",
    ):
        assert words in html
    assert html.count(f'<a href="{post.url}">Mine.</a>') == 3


def test_a_request_can_be_answered_right_there_until_it_is(world: World) -> None:
    world.social.friends.add(world.grace.id, world.ada.id)
    world.social.notifications.add(world.ada.id, "request", world.grace)
    client = world.client("ada")
    client.submit("/notifications", "/@grace/accept")
    assert "/@grace/accept" not in client.get("/notifications").text


def test_marking_as_seen(world: World) -> None:
    world.social.notifications.add(world.ada.id, "follow", world.grace)
    client = world.client("ada")
    assert json.loads(client.get("/notifications/unread.json").body) == {"notifications": 1, "requests": 0}
    assert client.submit("/notifications", "/notifications/seen").header("Location") == "/notifications"
    assert json.loads(client.get("/notifications/unread.json").body) == {"notifications": 0, "requests": 0}
    assert "Mark all as seen" not in client.get("/notifications").text


def test_the_numbers_of_a_stranger_are_refused_as_json(world: World) -> None:
    answer = world.client().get("/notifications/unread.json")
    assert answer.code == 401
    assert json.loads(answer.body)["status"] == 401


def test_nothing_new(world: World) -> None:
    assert "Nothing new" in world.client("ada").get("/notifications").text


def test_several_who_did_the_same_are_one_line(world: World) -> None:
    post = world.social.posts.publish(world.ada.id, "Mine.", "everyone")
    world.social.notifications.add(world.ada.id, "like", world.alan, post)
    notifications = world.social.notifications.of[world.ada.id]
    notifications[0] = replace(notifications[0], others=3)
    text = re.sub(r"<[^>]+>|\s+", " ", world.client("ada").get("/notifications").text)
    assert "Alan Turing and 3 others like your post" in re.sub(" +", " ", text)
