import re

from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.people import random_graph
from minisocial.benchmarks.scenarios import CONNECTIONS, Scenario, Scenarios, Size

SIZE = Size(people=120, friends=6, posts=10, members=32, rounds=2, page_seconds=0.1)
EDGES = random_graph(SIZE.people, SIZE.friends)


class PaperBrowser(Browser):
    """A browser whose pages are made up: each has a composer and the button that asks its person."""

    def __init__(self, number: int) -> None:
        super().__init__("127.0.0.1", 8000)
        self.etag = '"abc"'
        if number:
            self.cookies["session"] = f"s{number}"

    def page(self, path: str) -> str:
        token = f'<input type="hidden" name="csrf" value="t-{self.cookies.get("session")}">'
        return (
            f'<form action="/posts">{token}<textarea name="text"></textarea></form>'
            '<a href="/@p7/70"></a><a href="/@p8/80"></a><a href="/@p7/70#p71"></a>'
            f'<form action="{path}/friend">{token}<button>Add friend</button></form>'
        )


def scenarios() -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in made().of_path()}


def made() -> Scenarios:
    members = {number: PaperBrowser(number) for number in range(1, SIZE.members + 1)}
    return Scenarios(SIZE, EDGES, dict(members), PaperBrowser(0))


def sessions(requests: list[str]) -> set[str]:
    return {found[1] for request in requests if (found := re.search(r"Cookie: session=(\w+)", request))}


def test_a_visitor_sends_no_cookie() -> None:
    for name in ("visitor's explore page", "the same, not changed: 304"):
        explore = scenarios()[name].requests(0)
        assert len(explore) == CONNECTIONS
        assert all(request.startswith("GET /explore ") and "Cookie" not in request for (request,) in explore)


def test_who_has_the_page_says_so() -> None:
    assert 'If-None-Match: "abc"\r\n' in scenarios()["the same, not changed: 304"].requests(0)[0][0]
    assert "If-None-Match" not in scenarios()["visitor's explore page"].requests(0)[0][0]


def test_members_look_at_several_threads() -> None:
    requests = [request for some in scenarios()["a thread"].requests(0) for request in some]
    assert len(requests) == SIZE.members
    assert {request.split()[1] for request in requests} == {"/@p7/70", "/@p8/80"}


def test_mixed_load_has_each_kind_of_page_and_one_post_for_each_connection() -> None:
    for requests in made().mixed()(1):
        kinds = {re.sub(r"[0-9]+", "n", " ".join(request.split()[:2])) for request in requests}
        assert kinds == {"GET /", "GET /@pn", "GET /@pn/n", "GET /explore", "POST /posts"}
        assert sum(request.startswith("POST") for request in requests) == 1


def test_no_two_connections_are_the_same_person() -> None:
    for name in ("member's home feed", "a profile", "a thread", "publishing a post", "a friend request"):
        people = [sessions(list(requests)) for requests in scenarios()[name].requests(0)]
        assert len(people) == CONNECTIONS
        assert sum(len(some) for some in people) == len(set().union(*people)) == SIZE.members


def test_no_post_is_published_twice() -> None:
    publish = scenarios()["publishing a post"]
    bodies = [
        request.split("\r\n\r\n")[1] for round in (0, 1) for requests in publish.requests(round) for request in requests
    ]
    assert len(bodies) == len(set(bodies)) > 2 * CONNECTIONS
    assert all("csrf=t-s" in body and "visibility=everyone" in body for body in bodies)


def test_friendship_is_asked_of_strangers_once() -> None:
    befriend = scenarios()["a friend request"]
    pairs = []
    for number in (0, 1):
        for requests in befriend.requests(number):
            for request in requests:
                (person,) = sessions([request])
                target = re.match(r"POST /@p(\d+)/friend ", request)
                assert target
                assert f"csrf=t-{person}" in request
                pairs.append((int(person[1:]), int(target[1])))
    assert len(pairs) == len(set(pairs)) > 2 * CONNECTIONS
    friends = {frozenset(edge) for edge in EDGES}
    assert not any(frozenset(pair) in friends or len(set(pair)) == 1 for pair in pairs)
