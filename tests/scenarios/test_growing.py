"""A shard is added, and takes its share of the people, while they post, like, befriend and read: nobody notices."""

import threading
from collections.abc import Callable

from minisocial import ids
from minisocial.database.schema import OWNERS
from minisocial.system import System
from tests.client import Client
from tests.database.world import assert_copies_equal
from tests.scenarios.people import WAIT, join, set_up, settle

NAMES = ("ada", "grace", "alan", "edsger", "barbara", "donald")
MOST_PAGES = 60


class Member:
    """Somebody at their browser, who insists on an answer each time and remembers what they did."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self.client = client
        self.posts: list[str] = []  # what the answer said is saved
        self.likes = 0

    def open(self, path: str) -> Client:
        return insist(self.client.get(path))

    def publish(self) -> None:
        text = f"{self.name} says {len(self.posts)} #growing"
        self.open("/").submit("Post", text=text, visibility="everyone")
        insist(self.client)
        self.posts.append(text)
        assert text in texts(self.client), "one's own post is not at the top of one's feed"

    def like(self) -> None:
        if "Like" in self.open("/explore").page.buttons:
            insist(self.client.submit("Like"))
            self.likes += 1

    def look_around(self, everybody: "list[Member]") -> None:
        """Every list shows all that was said before, each once."""
        said = {member.name: list(member.posts) for member in everybody}
        everything = {text for posts in said.values() for text in posts}
        for path in "/explore", "/tags/growing":
            check(walk(self.client, path), everything, path)
        other = everybody[(everybody.index(self) + 1) % len(everybody)]
        check(walk(self.client, f"/@{other.name}"), said[other.name], other.name)
        self.open("/notifications")
        self.open("/friends")


def insist(client: Client) -> Client:
    """The answer is the page that was asked for."""
    assert client.page.status == 200, f"{client.page.url}: {client.page.status} {client.page.text[:300]}"
    return client


def texts(client: Client) -> list[str]:
    return [element.text for element in client.page.all(cls="e-content")]


def walk(client: Client, path: str) -> list[str]:
    """The texts of a list from the newest to the oldest, page by page."""
    insist(client.get(path))
    found = texts(client)
    for _ in range(MOST_PAGES):
        if not client.page.links("next"):
            return found
        insist(client.click(rel="next"))
        found += texts(client)
    raise AssertionError(f"{path} has no end")


def check(found: list[str], wanted: "set[str] | list[str]", where: str) -> None:
    twice = {text for text in found if found.count(text) > 1}
    assert not twice, f"{where} shows twice: {twice}"
    missing = set(wanted) - set(found)
    assert not missing, f"{where} lacks: {missing}"


def test_a_shard_is_added_while_people_are_about(system: System) -> None:
    members = community(system)
    befriend_in_a_ring(system, members)
    is_over = threading.Event()

    def live(member: Member) -> None:
        while not is_over.is_set():
            member.publish()
            member.like()
            member.look_around(members)

    def visit() -> None:
        visitor = Client(system.url)
        while not is_over.is_set():
            for path in "/explore", "/tags/growing", "/@ada":
                check(texts(insist(visitor.get(path))), [], path)

    def ask_for_friendship() -> None:
        for member, other in across(members):
            member.open(f"/@{other.name}").submit("Add friend")
            insist(member.client)

    lives = [lambda member=member: live(member) for member in members[:3]]
    others = [ask_for_friendship, visit, lambda: grow(system, members)]
    at_once([*lives, *others], is_over)

    settle(system)
    check_that_all_is_well(system, members)


def at_once(work: list[Callable[[], None]], is_over: threading.Event) -> None:
    """All of it at the same time; it is over when the last one ends, or any fails."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work[number]()
        except BaseException as error:
            errors.append(error)
        if errors or number == len(work) - 1:
            is_over.set()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT * 6)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if errors:
        raise errors[0]


def community(system: System) -> list[Member]:
    """People on either of two shards; visitors may look."""
    host = set_up(system, NAMES[0])
    clients = {NAMES[0]: host, **{name: join(system, host, name) for name in NAMES[1:]}}
    system.social.community.edit(name="Growing", description="", code_of_conduct="", members_only=False)
    return [Member(name, client) for name, client in clients.items()]


def befriend_in_a_ring(system: System, members: list[Member]) -> None:
    for member, other in zip(members, members[1:] + members[:1], strict=True):
        member.open(f"/@{other.name}").submit("Add friend")
        settle(system)
        insist(other.open(f"/@{member.name}").submit("Accept"))
    settle(system)


def across(members: list[Member]) -> list[tuple[Member, Member]]:
    """Those who are no friends yet; the two who ask do nothing else meanwhile."""
    return [(members[4], members[0]), (members[4], members[2]), (members[5], members[1]), (members[5], members[3])]


def grow(system: System, members: list[Member]) -> None:
    """A third shard; every other member goes there, and then as many others as are its share."""
    cluster = system.cluster
    cluster.mover.grace = 0.2
    new = cluster.add_shard()
    for account in system.social.accounts.ids_of([member.name for member in members[::2]]).values():
        cluster.move(ids.logical_shard(account), new)
    cluster.spread_out()
    wait_until_moved(system)


def wait_until_moved(system: System) -> None:
    for _ in range(WAIT * 5 * 50):
        if not system.cluster.snapshot().moves:
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"still on their way: {system.cluster.snapshot().moves}")


def check_that_all_is_well(system: System, members: list[Member]) -> None:
    everything = {text for member in members for text in member.posts}
    assert len(everything) > 8
    check(walk(Client(system.url), "/explore"), everything, "explore")
    for place, member in enumerate(members):
        friends = [members[place - 1], members[(place + 1) % len(members)], member]
        check(walk(member.client, "/"), [text for friend in friends for text in friend.posts], f"home of {member.name}")
    for member, other in across(members):
        assert f"{member.name.title()} wants to be your friend" in other.open("/notifications").page.text
        assert member.name.title() in other.open("/friends").page.text
    assert system.snapshot().queue.dead == 0
    check_rows(system, sum(member.likes for member in members))
    assert_copies_equal(system.cluster)


def check_rows(system: System, likes: int) -> None:
    """Each person's rows lie where the map says, and counters are true."""
    cluster, counted, found = system.cluster, 0, 0
    assert len(cluster.shards) == 3
    assert sorted(map(cluster.control.map.count, cluster.shards)) == [21, 21, 22]
    for shard in cluster.shards:
        with cluster.read(shard, cluster.position(shard)) as reader:
            for table, owner in OWNERS.items():
                assert all(cluster.shard_of(id) == shard for (id,) in reader.rows(f"SELECT {owner} FROM {table}"))
            counted += reader.rows("SELECT coalesce(sum(likes), 0) FROM posts")[0][0]
            found += reader.rows("SELECT count(*) FROM likes")[0][0]
    assert counted == found == likes
