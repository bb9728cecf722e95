from itertools import pairwise

from minisocial.seed.cast import describe
from minisocial.seed.description import Community, Post
from minisocial.social import text
from minisocial.social.accounts import RESERVED

NOW = 1_800_000_000_000
NAMES = [
    "ada", "alan", "grace", "katherine", "edsger", "barbara",
    "donald", "margaret", "dennis", "radia", "tim", "hedy",
]  # fmt: skip


def followed_by(community: Community, username: str) -> set[str]:
    friends = {
        other
        for pair in community.friendships
        if pair.is_accepted and username in (pair.asked, pair.other)
        for other in (pair.asked, pair.other)
    }
    return friends | {follow.followed for follow in community.follows if follow.follower == username} | {username}


def can_see(community: Community, username: str, post: Post) -> bool:
    if post.visibility == "direct":
        parent = [] if post.in_reply_to is None else [community.posts[post.in_reply_to].author]
        return username in [post.author, *text.mentioned(post.text), *parent]
    return post.visibility == "everyone" or post.author in followed_by(community, username)


def test_a_dozen_people_and_ada_is_the_admin() -> None:
    people = describe(NOW).people
    assert [person.username for person in people] == NAMES
    assert [person.username for person in people if person.is_admin] == ["ada"]
    assert [person.username for person in people if not person.approves_followers] == ["tim"]
    assert not RESERVED & set(NAMES)


def test_ada_and_grace_are_not_friends_and_nothing_is_asked() -> None:
    assert all({pair.asked, pair.other} != {"ada", "grace"} for pair in describe(NOW).friendships)


def test_each_pair_is_described_once() -> None:
    pairs = [frozenset((pair.asked, pair.other)) for pair in describe(NOW).friendships]
    assert len(pairs) == len(set(pairs))
    assert all(len(pair) == 2 for pair in pairs)


def test_somebody_waits_for_adas_answer() -> None:
    waiting = [pair.asked for pair in describe(NOW).friendships if pair.other == "ada" and not pair.is_accepted]
    assert waiting == ["hedy"]


def test_everybody_is_read_and_has_something_to_read_but_not_all_are_friends() -> None:
    community = describe(NOW)
    for name in NAMES:
        readers = {other for other in NAMES if name in followed_by(community, other)} - {name}
        assert len(readers) > 1
        if name != "tim":
            assert 1 < len(followed_by(community, name)) < len(NAMES)


def test_about_forty_posts_in_order_that_anybody_could_have_typed() -> None:
    posts = describe(NOW).posts
    assert 40 <= len(posts) <= 60
    assert all(earlier.at < later.at < NOW for earlier, later in pairwise(posts))
    assert len({post.text for post in posts}) == len(posts)
    for post in posts:
        assert text.clean("text", post.text, text.POST_LENGTH) == post.text
        assert set(text.mentioned(post.text)) <= set(NAMES)
    assert {post.visibility for post in posts} == {"everyone", "friends", "direct"}


def test_replies_follow_what_they_reply_to_and_their_authors_could_see_it() -> None:
    community = describe(NOW)
    replies = [post for post in community.posts if post.in_reply_to is not None]
    assert len(replies) > 15
    for reply in replies:
        parent = community.posts[reply.in_reply_to or 0]
        assert parent.at < reply.at
        assert can_see(community, reply.author, parent)


def test_likes_come_from_others_who_could_see_the_post() -> None:
    community = describe(NOW)
    liked = [(like.account, like.post) for like in community.likes]
    assert len(liked) == len(set(liked)) > 50
    for like in community.likes:
        post = community.posts[like.post]
        assert like.account != post.author
        assert can_see(community, like.account, post)
        assert post.at < like.at < NOW


def test_ada_has_something_new_to_look_at() -> None:
    community = describe(NOW)
    ada = community.people[0]
    assert any(pair.other == "ada" and pair.at > ada.looked_at for pair in community.friendships)


def test_everything_happened_after_the_people_joined() -> None:
    community = describe(NOW)
    joined = {person.username: person.joined_at for person in community.people}
    for pair in community.friendships:
        assert pair.at > max(joined[pair.asked], joined[pair.other])
    for follow in community.follows:
        assert follow.at > max(joined[follow.follower], joined[follow.followed])
    assert all(post.at > joined[post.author] for post in community.posts)
