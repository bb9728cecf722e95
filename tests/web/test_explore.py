"""Explore and tags."""

from dataclasses import replace

from tests.web.conftest import World, make_world


def test_explore_shows_what_is_for_everyone(world: World) -> None:
    world.social.posts.publish(world.ada.id, "For all.", "everyone")
    world.social.posts.publish(world.ada.id, "For some.", "friends")
    html = world.client().get("/explore").text
    assert "For all." in html
    assert "For some." not in html


def test_a_closed_community_asks_strangers_to_log_in() -> None:
    world = make_world(members_only=True)
    for path in ("/explore", "/tags/chess", "/@ada", "/@ada/5", "/@nobody"):
        assert world.client().get(path).header("Location").startswith("/login?next=%2F")


def test_a_tag_has_one_address(world: World) -> None:
    world.social.posts.publish(world.ada.id, "About #Engines and #Über.", "everyone")
    client = world.client()
    assert client.get("/tags/Engines").header("Location") == "/tags/engines"
    assert "About " in client.get("/tags/engines").text
    assert client.get("/tags/%C3%9Cber").header("Location") == "/tags/%C3%BCber"
    assert "About " in client.get("/tags/%C3%BCber").text


def test_an_unused_tag_says_how_to_use_it(world: World) -> None:
    answer = world.client("ada").get("/tags/quiet")
    assert answer.code == 200
    assert "Write #quiet in a post" in answer.text


def test_a_tag_nobody_could_write_is_not_found(world: World) -> None:
    assert world.client().get("/tags/" + "x" * 51).code == 404


def test_pages_link_to_their_neighbours_in_the_head_too(world: World) -> None:
    ids = [world.social.posts.publish(world.ada.id, f"Number {n}", "everyone").post.id for n in range(25)]
    head = world.client().get("/explore").text.partition("</head>")[0]
    assert f'<link rel="next" href="/explore?max_id={ids[5]}">' in head


def test_a_page_with_a_shard_missing_is_not_kept(world: World) -> None:
    explore = world.social.feeds.explore
    world.social.feeds.explore = lambda viewer, cursor: replace(explore(viewer, cursor), complete=False)
    answer = world.client().get("/explore")
    assert "does not answer just now" in answer.text
    assert answer.header("Cache-Control").startswith("private")
