import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minisocial import ids
from minisocial.database import DIRECTORY
from minisocial.errors import Refused
from minisocial.seed import cast, check_feeds, seed_cast, seed_graph
from minisocial.seed.description import DAY, Community, Friendship, Person, Post
from minisocial.seed.load import load
from minisocial.social.registers import FRIENDS, RECEIVED, REQUESTED
from tests.seed.fakes import Reports, SeedableSystem

NOW = 1_800_000_000_000


def rows(system: SeedableSystem, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Of all data shards."""
    found: list[tuple[Any, ...]] = []
    for shard in system.cluster.shards:
        with system.cluster.read(shard) as reader:
            found += reader.rows(sql, params)
    return found


def account(system: SeedableSystem, username: str) -> int:
    with system.cluster.read(DIRECTORY) as reader:
        row = reader.row("SELECT account FROM usernames WHERE username = ?", (username,))
    assert row is not None
    return int(row[0])


def loaded(system: SeedableSystem, community: Community) -> Community:
    load(system, community, Reports())
    return community


def community_of(people: int, friendships: list[tuple[int, int]], posts: list[Post], admin: int = 0) -> Community:
    return Community(
        name="A club",
        description="",
        code_of_conduct="",
        described_at=NOW,
        people=[
            Person(f"p{number}", f"Person {number}", "", NOW - 200 * DAY, NOW - DAY, is_admin=number == admin)
            for number in range(people)
        ],
        friendships=[Friendship(f"p{one}", f"p{other}", NOW - 100 * DAY) for one, other in friendships],
        follows=[],
        posts=posts,
        likes=[],
    )


class TestCast:
    @pytest.fixture(autouse=True)
    def seeded(self, system: SeedableSystem) -> None:
        self.system = system
        self.community = seed_cast(system, Reports())
        self.names = {account(system, person.username): person.username for person in self.community.people}

    def test_all_home_feeds_are_right(self) -> None:
        assert check_feeds(self.system.cluster, self.community) == []

    def test_everything_is_there_once(self) -> None:
        assert len(rows(self.system, "SELECT id FROM accounts")) == 12
        assert len(rows(self.system, "SELECT id FROM posts")) == len(self.community.posts)
        every_id = rows(self.system, "SELECT id FROM accounts UNION ALL SELECT id FROM posts")
        assert len(set(every_id)) == len(every_id)

    def test_rows_lie_on_the_shards_of_their_people(self) -> None:
        columns = {"accounts": "id", "posts": "author", "friendships": "account", "home_feed": "account"}
        columns |= {"following": "account", "followers": "account", "notifications": "account", "likes": "post"}
        columns |= {"replies": "post", "threads": "root", "post_tags": "post", "credentials": "account"}
        for shard in self.system.cluster.shards:
            for table, column in columns.items():
                with self.system.cluster.read(shard) as reader:
                    owners = reader.rows(f"SELECT DISTINCT {column} FROM {table}")
                assert {self.system.cluster.shard_of(owner) for (owner,) in owners} <= {shard}

    def test_each_side_of_a_friendship_says_the_same(self) -> None:
        mirror = {FRIENDS: FRIENDS, REQUESTED: RECEIVED, RECEIVED: REQUESTED}
        found = {(one, other): rest for one, other, *rest in rows(self.system, "SELECT * FROM friendships")}
        assert len(found) == 2 * len(self.community.friendships)
        for (one, other), (state, version) in found.items():
            assert found[other, one] == [mirror[state], version]

    def test_each_side_of_a_follow_says_the_same(self) -> None:
        following = rows(self.system, "SELECT account, other, active, version FROM following")
        followers = rows(self.system, "SELECT other, account, active, version FROM followers")
        assert sorted(following) == sorted(followers)
        assert {self.names[other] for _, other, *_ in following} == {"tim"}

    def test_counters_are_exact(self) -> None:
        for id, likes, replies in rows(self.system, "SELECT id, likes, replies FROM posts"):
            assert rows(self.system, "SELECT count(*) FROM likes WHERE post = ?", id).count((likes,)) >= 1
            assert (
                sum(count for (count,) in rows(self.system, "SELECT count(*) FROM likes WHERE post = ?", id)) == likes
            )
            sql = "SELECT count(*) FROM posts WHERE in_reply_to = ? AND visibility = 'everyone'"
            found = rows(self.system, sql, id)
            assert sum(count for (count,) in found) == replies
            found = rows(self.system, "SELECT count(*) FROM replies WHERE post = ?", id)
            assert sum(count for (count,) in found) == replies

    def test_threads_hold_every_reply_under_its_first_post(self) -> None:
        replies = rows(self.system, "SELECT root, id FROM posts WHERE root <> id")
        assert sorted(rows(self.system, "SELECT root, post FROM threads")) == sorted(replies)
        roots = {root for root, _ in replies}
        firsts = {id for (id,) in rows(self.system, "SELECT id FROM posts WHERE in_reply_to IS NULL")}
        assert roots <= firsts

    def test_tags_and_mentions_can_be_found(self) -> None:
        tagged = rows(self.system, "SELECT text FROM posts JOIN post_tags ON post = id WHERE tag = 'picnic'")
        assert len(tagged) > 3
        assert all("#picnic" in words for (words,) in tagged)
        (stored,) = next(iter(rows(self.system, "SELECT mentions FROM posts WHERE text LIKE '@dennis %'")))
        assert json.loads(stored) == [[account(self.system, "dennis"), "dennis"]]

    def test_a_direct_answer_is_for_who_is_answered(self) -> None:
        direct = rows(self.system, "SELECT author, mentions FROM posts WHERE visibility = 'direct' AND root <> id")
        assert [{name for _, name in json.loads(mentions)} for _, mentions in direct] == [{"ada"}]

    def test_notifications_name_what_happened(self) -> None:
        found = rows(
            self.system,
            "SELECT kind, actor, post, id > (SELECT id FROM notifications_seen WHERE account = ?1)"
            " FROM notifications WHERE account = ?1 ORDER BY id DESC",
            account(self.system, "ada"),
        )
        kinds = {kind for kind, *_ in found}
        assert {"request", "accepted", "reply", "like"} <= kinds
        assert [self.names[actor] for kind, actor, *_ in found if kind == "request"] == ["hedy"]
        assert 1 <= sum(is_new for *_, is_new in found) < len(found)
        assert all((post is None) == (kind in ("request", "accepted", "follow")) for kind, _, post, _ in found)

    def test_nobody_is_told_of_themselves(self) -> None:
        assert rows(self.system, "SELECT key FROM notifications WHERE account = actor") == []

    def test_one_hash_serves_all(self) -> None:
        assert self.system.hasher.asked == ["minisocial"]
        assert set(rows(self.system, "SELECT password FROM credentials")) == {("hash of minisocial",)}

    def test_the_community_is_set_up_and_visitors_may_look(self) -> None:
        with self.system.cluster.read(DIRECTORY) as reader:
            settings = {name: json.loads(value) for name, value in reader.rows("SELECT name, value FROM community")}
            joined = reader.rows("SELECT invited_by FROM joins ORDER BY at")
            emails = reader.rows("SELECT email FROM emails")
        assert settings["name"] == cast.NAME
        assert settings["members_only"] is False
        assert joined == [(None,), *[(account(self.system, "ada"),)] * 11]
        assert all(email.endswith(".example") for (email,) in emails)

    def test_a_second_seeding_is_refused_and_changes_nothing(self) -> None:
        with pytest.raises(Refused, match="people in this data folder already"):
            seed_cast(self.system, Reports())
        assert len(rows(self.system, "SELECT id FROM accounts")) == 12

    def test_new_identifiers_follow_the_loaded_ones(self) -> None:
        newest = max(id for (id,) in rows(self.system, "SELECT id FROM posts"))
        assert self.system.cluster.new_id(newest) > newest

    def test_replicas_hold_it_too(self) -> None:
        self.system.cluster.settle()
        for _ in range(4):  # whichever copies are asked in turn
            assert len(rows(self.system, "SELECT id FROM accounts")) == 12


class TestGraph:
    @pytest.fixture
    def graph(self, tmp_path: Path) -> Path:
        edges = [(number, number * 7919 % 83) for number in range(83)] + [(5, number) for number in range(83)]
        path = tmp_path / "graph.gz"
        path.write_bytes(gzip.compress("".join(f"{one} {other}\n" for one, other in edges).encode()))
        return path

    def test_all_home_feeds_are_right(self, system: SeedableSystem, graph: Path) -> None:
        community = seed_graph(system, graph, 2000, Reports())
        assert check_feeds(system.cluster, community) == []
        (longest,) = max(rows(system, "SELECT count(*) FROM home_feed GROUP BY account"))
        assert longest == 800  # of the 2,000 posts by all friends of p5

    def test_people_are_spread_evenly(self, system: SeedableSystem, graph: Path) -> None:
        seed_graph(system, graph, 0, Reports())
        logical = [ids.logical_shard(id) for (id,) in rows(system, "SELECT id FROM accounts")]
        assert {logical.count(shard) for shard in range(ids.LOGICAL_SHARDS)} == {1, 2}

    def test_progress_only_grows_and_ends_complete(self, system: SeedableSystem, graph: Path) -> None:
        reports = Reports()
        seed_graph(system, graph, 100, reports)
        for label in {label for label, *_ in reports.seen}:
            done = [(done, total) for seen, done, total in reports.seen if seen == label]
            assert done == sorted(done)
            assert done[-1][0] == done[-1][1] > 0
        assert len({label for label, *_ in reports.seen}) == len(system.cluster.shards)

    def test_a_folder_with_people_is_refused_before_the_file_is_read(self, system: SeedableSystem, graph: Path) -> None:
        seed_graph(system, graph, 10, Reports())
        with pytest.raises(Refused, match="people"):
            seed_graph(system, graph.parent / "nowhere", 10, Reports())


def test_a_seeding_that_was_cut_short_is_recognised(system: SeedableSystem) -> None:
    class Cut(Exception):
        pass

    def cut(label: str, done: int, total: int) -> None:
        if label == "shard 1":
            raise Cut

    with pytest.raises(Cut):
        seed_cast(system, cut)
    with pytest.raises(Refused, match="cut short"):
        seed_cast(system, Reports())


def test_the_check_finds_a_missing_a_strange_and_a_misplaced_post(system: SeedableSystem) -> None:
    posts = [Post(f"p{number % 3}", f"Post {number}", NOW - DAY + number) for number in range(9)]
    community = loaded(system, community_of(4, [(0, 1), (1, 2)], posts))
    assert check_feeds(system.cluster, community) == []
    for faulty in faults(system, account(system, "p0")):
        assert len(check_feeds(system.cluster, community)) >= 1, faulty


def faults(system: SeedableSystem, reader: int) -> Iterator[str]:
    """Damages one home feed, one way after the other."""
    cluster = system.cluster
    shard = cluster.shard_of(reader)
    stranger = account(system, "p2")
    with cluster.read(cluster.shard_of(stranger)) as copy:
        (strange,) = copy.rows("SELECT max(id) FROM posts WHERE author = ?", (stranger,))
    with cluster.write(shard) as tx:
        tx.execute("DELETE FROM home_feed WHERE (account, post) IN (SELECT account, max(post) FROM home_feed"
                   " WHERE account = ?)", (reader,))  # fmt: skip
    yield "a post is missing"
    with cluster.write(shard) as tx:
        tx.execute("INSERT INTO home_feed (account, post, author) VALUES (?, ?, ?)", (reader, strange[0], stranger))
    yield "as many as there should be, but one of a stranger"


def test_two_people_without_posts_have_empty_feeds(system: SeedableSystem) -> None:
    community = loaded(system, community_of(2, [(0, 1)], []))
    assert check_feeds(system.cluster, community) == []
    assert rows(system, "SELECT * FROM home_feed") == []
    assert rows(system, "SELECT role FROM accounts ORDER BY id") != []


def test_a_mention_in_a_post_for_friends_tells_only_friends(system: SeedableSystem) -> None:
    posts = [Post("p0", "@p1 @p2 @nobody look", NOW - DAY, "friends")]
    loaded(system, community_of(3, [(0, 1)], posts))
    told = rows(system, "SELECT account, kind FROM notifications WHERE kind = 'mention'")
    assert told == [(account(system, "p1"), "mention")]
