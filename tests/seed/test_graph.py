from itertools import pairwise

import pytest

from minisocial.errors import Invalid
from minisocial.seed.description import DAY
from minisocial.seed.graph import describe
from minisocial.social import text

NOW = 1_800_000_000_000
RING = [(number, (number + 1) % 50) for number in range(50)]


def test_every_number_is_a_person_and_the_lowest_is_the_admin() -> None:
    community = describe([(7, 3), (3, 12)], 0, NOW)
    assert [person.username for person in community.people] == ["p3", "p7", "p12"]
    assert [person.is_admin for person in community.people] == [True, False, False]
    assert {(pair.asked, pair.other) for pair in community.friendships} == {("p7", "p3"), ("p3", "p12")}


def test_the_same_graph_gives_the_same_community() -> None:
    assert describe(RING, 200, NOW) == describe(RING, 200, NOW)
    assert describe(RING, 200, NOW).posts != describe(RING, 201, NOW).posts[:200]


def test_posts_grow_in_time_within_the_last_ninety_days() -> None:
    posts = describe(RING, 500, NOW).posts
    assert len(posts) == 500
    assert all(earlier.at < later.at for earlier, later in pairwise(posts))
    assert NOW - 90 * DAY <= posts[0].at < posts[-1].at < NOW


def test_texts_differ_carry_their_number_and_fit() -> None:
    texts = [post.text for post in describe(RING, 500, NOW).posts]
    assert len(set(texts)) == 500
    assert all(f"(post {number})" in words for number, words in enumerate(texts))
    assert all(text.clean("text", words, text.POST_LENGTH) == words for words in texts)
    assert any(text.tags(words) for words in texts)


def test_a_fifth_of_the_posts_are_for_friends() -> None:
    posts = describe(RING, 5000, NOW).posts
    assert {post.visibility for post in posts} == {"everyone", "friends"}
    assert 0.17 < sum(post.visibility == "friends" for post in posts) / len(posts) < 0.23


def test_only_friends_like_once_and_after_the_post() -> None:
    community = describe(RING, 500, NOW)
    friends = {(pair.asked, pair.other) for pair in community.friendships}
    liked = [(like.account, like.post) for like in community.likes]
    assert len(liked) == len(set(liked)) > 100
    for like in community.likes:
        post = community.posts[like.post]
        assert (like.account, post.author) in friends or (post.author, like.account) in friends
        assert post.at < like.at < NOW


def test_people_have_names_of_their_own() -> None:
    community = describe([(number, number + 1) for number in range(4038)], 0, NOW)
    assert len({person.display_name for person in community.people}) == 4039
    assert all(0 < len(person.bio) <= 500 for person in community.people)


@pytest.mark.parametrize("posts", [-1, 10_000_001])
def test_a_number_of_posts_out_of_bounds_is_refused(posts: int) -> None:
    with pytest.raises(Invalid):
        describe(RING, posts, NOW)
