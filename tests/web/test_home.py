"""The home feed and the front page."""

import re
from dataclasses import replace

from minisocial.errors import Unavailable
from tests.web.conftest import World, make_world


def publish(world: World, number: int) -> list[int]:
    """Posts by Grace, who is Ada's friend, the oldest first."""
    world.social.friends._set("friends", world.ada.id, world.grace.id, "friends")
    return [world.social.posts.publish(world.grace.id, f"Post {n}.", "friends").post.id for n in range(number)]


def test_home_shows_what_friends_say(world: World) -> None:
    publish(world, 1)
    world.social.posts.publish(world.alan.id, "Not for Ada.", "everyone")
    html = world.client("ada").get("/").text
    assert "Post 0." in html
    assert "Not for Ada." not in html


def test_an_empty_home_says_what_to_do(world: World) -> None:
    html = world.client("ada").get("/").text
    assert 'href="/explore"' in html
    assert "It is quiet here" in html


def test_paging_meets_every_post_once(world: World) -> None:
    ids = publish(world, 45)
    client, path, seen = world.client("ada"), "/", []
    for _ in range(9):
        html = client.get(path).text
        seen += [int(id) for id in re.findall(r'id="p(\d+)"', html)]
        found = re.search(r'<a class="button push" rel="next" href="(/\?max_id=\d+)"', html)
        if not found:
            break
        path = found[1]
    assert seen == ids[::-1]


def test_the_page_before_can_be_reached_from_the_next(world: World) -> None:
    ids = publish(world, 25)
    html = world.client("ada").get(f"/?max_id={ids[5]}").text
    assert f'rel="prev" href="/?min_id={ids[4]}"' in html
    assert 'rel="next"' not in html


def test_a_friend_request_can_be_answered_at_home(world: World) -> None:
    world.social.friends.add(world.grace.id, world.ada.id)
    client = world.client("ada")
    assert "wants to be your friend" in client.get("/").text
    assert client.submit("/", "/@grace/accept").code == 303
    assert world.social.friends.pair(world.ada.id, world.grace.id).friendship == "friends"


def test_badges_count_what_waits(world: World) -> None:
    world.social.friends.add(world.grace.id, world.ada.id)
    world.social.notifications.add(world.ada.id, "request", world.grace)
    html = world.client("ada").get("/").text
    assert '<span class="badge">1<span class="vh"> new</span></span>' in html
    assert '<span class="badge">1<span class="vh"> waiting</span></span>' in html


def test_the_front_page_of_a_closed_community_shows_nothing_of_it() -> None:
    world = make_world(members_only=True)
    world.social.posts.publish(world.ada.id, "Among us.", "everyone")
    html = world.client().get("/").text
    assert "The Engine Room" in html
    assert 'href="/login"' in html
    assert "/explore" not in html
    assert "Among us." not in html


def test_the_front_page_of_an_open_one_leads_inside(world: World) -> None:
    assert 'href="/explore"' in world.client().get("/").text


def test_a_feed_with_a_shard_away_says_so(world: World) -> None:
    home = world.social.feeds.home
    world.social.feeds.home = lambda viewer, cursor: replace(home(viewer, cursor), complete=False)
    assert "does not answer just now" in world.client("ada").get("/").text


def test_home_comes_without_the_column_beside_it_rather_than_not_at_all(world: World) -> None:
    def away(viewer) -> list[tuple[str, int]]:
        raise Unavailable("A shard is away.")

    client = world.client("ada")
    assert "Being talked about" in client.get("/").text
    world.social.feeds.talked_about = away
    answer = client.get("/")
    assert answer.code == 200
    assert "Being talked about" not in answer.text
