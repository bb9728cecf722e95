"""What is asked of the system: each kind of request, encoded for every connection."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.people import Edge, strangers

CONNECTIONS = 16
HOST = "127.0.0.1"
MOST_WRITES = 120  # a second and connection: many more than any machine does
POST = re.compile(r'href="(/@[\w-]+/[0-9]+)"')


@dataclass(frozen=True, slots=True)
class Size:
    """How large the community is, and how long is measured."""

    people: int = 2000
    friends: int = 20
    posts: int = 40_000
    members: int = 32  # logged in; two for each connection
    profiles: int = 3  # people each member looks at, again and again
    rounds: int = 3
    bare_seconds: float = 1.5
    warm_seconds: float = 3.0  # before each page is measured: the marks are for warm caches
    page_seconds: float = 4.0


QUICK = Size(
    people=200, friends=10, posts=2000, members=16, rounds=1, bare_seconds=0.5, warm_seconds=1.0, page_seconds=1.0
)

Sent = Sequence[Sequence[str]]  # what each connection sends
Requests = Callable[[int], Sent]  # the same, by the number of the round


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request; `mark` is the share of bare Waitress to reach."""

    name: str
    requests: Requests
    mark: float | None = None
    is_write: bool = False


class Scenarios:
    """What is asked of the system, encoded for every connection."""

    def __init__(self, size: Size, edges: Sequence[Edge], members: dict[int, Browser], visitor: Browser) -> None:
        """`members` are logged in, `visitor` is not."""
        self._size = size
        self._edges = edges
        self._members = members
        self._visitor = visitor

    def of_path(self) -> list[Scenario]:
        """Whole requests, reads first."""
        return [
            *self.reads(),
            Scenario("publishing a post", self._publish(), is_write=True),
            Scenario("a friend request", self._befriend(), is_write=True),
        ]

    def reads(self) -> list[Scenario]:
        """Pages that are looked at again and again."""
        return [
            Scenario("visitor's explore page", self._visited(), mark=0.90),
            Scenario("the same, not changed: 304", self._visited(is_known=True), mark=0.95),
            Scenario("member's home feed", self.home, mark=0.50),
            Scenario("a profile", self._profile, mark=0.45),
            Scenario("a thread", self._thread(), mark=0.45),
            Scenario("explore, by a member", self._explore, mark=0.45),
        ]

    def mixed(self) -> Requests:
        """Many kinds of request together: mostly reads of members, a visitor's, and a post for each round."""
        reads = [self.home(0), self._profile(0), self._thread()(0), self._explore(0), self._visited()(0)]
        publish = self._publish()

        def requests(number: int) -> Sent:
            together = zip(*reads, publish(number), strict=True)
            return [[*(request for kind in kinds for request in kind), posts[0]] for *kinds, posts in together]

        return requests

    def _visited(self, is_known: bool = False) -> Requests:
        self._visitor.page("/explore")
        known = {"If-None-Match": self._visitor.etag} if is_known else {}
        requests = [[self._visitor.encoded("/explore", **known)]] * CONNECTIONS
        return lambda number: requests

    def _explore(self, number: int) -> Sent:
        return [[member.encoded("/explore") for _, member in group] for group in self._groups()]

    def _thread(self) -> Requests:
        """Each member looks at one of the newest posts, most of them at another one."""
        posts = list(dict.fromkeys(POST.findall(self._visitor.page("/explore"))))
        requests = [
            [member.encoded(posts[person % len(posts)]) for person, member in group] for group in self._groups()
        ]
        return lambda number: requests

    def home(self, number: int) -> Sent:
        """Every member looks at their feed."""
        return [[member.encoded("/") for _, member in group] for group in self._groups()]

    def _profile(self, number: int) -> Sent:
        """Every member looks at some people of their own, so that no two requests at a time are alike."""
        return [
            [member.encoded(f"/@p{other}") for person, member in group for other in self._looked_at(person)]
            for group in self._groups()
        ]

    def _looked_at(self, person: int) -> list[int]:
        return strangers(person, self._size.people, self._edges)[: self._size.profiles]

    def _publish(self) -> Requests:
        forms = {number: member.form("/", field="text") for number, member in self._members.items()}

        def requests(number: int) -> Sent:
            return [
                [
                    member.encoded_form(forms[person].filled(text=_post(number, person, turn), visibility="everyone"))
                    for turn in range(self._writes // len(group))
                    for person, member in group
                ]
                for group in self._groups()
            ]

        return requests

    def _befriend(self) -> Requests:
        """Every round takes people who were not asked before; who is asked stands in the form itself."""
        waiting = {number: strangers(number, self._size.people, self._edges) for number in self._members}
        sample = {number: others[0] for number, others in waiting.items()}
        forms = {
            number: member.form(f"/@p{sample[number]}", button="Add friend") for number, member in self._members.items()
        }

        def requests(number: int) -> Sent:
            return [
                [
                    member.encoded_form(forms[person].for_another(f"p{sample[person]}", f"p{other}"))
                    for person, member in group
                    for other in _taken(waiting[person], self._writes // len(group))
                ]
                for group in self._groups()
            ]

        return requests

    @property
    def _writes(self) -> int:
        """Requests a connection may need in one round."""
        return int(MOST_WRITES * self._size.page_seconds)

    def _groups(self) -> list[list[tuple[int, Browser]]]:
        """The members of each connection: no two connections share one, so no two requests are alike."""
        members = list(self._members.items())
        return [members[start::CONNECTIONS] for start in range(CONNECTIONS)]


def _post(number: int, person: int, turn: int) -> str:
    return f"Round {number}, post {turn} of person {person}: nothing to see here, I am only measuring. #bench"


def _taken(waiting: list[int], count: int) -> list[int]:
    """The next few people, who are then no longer waiting; fewer when there are no more."""
    taken, waiting[:] = waiting[:count], waiting[count:]
    return taken
