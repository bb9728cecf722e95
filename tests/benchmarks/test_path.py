import re

from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.path import CONNECTIONS, Scenario, Scenarios, Size
from minisocial.benchmarks.people import random_graph

SIZE = Size(people=120, friends=6, posts=10, members=32, rounds=2, page_seconds=0.1)
EDGES = random_graph(SIZE.people, SIZE.friends)


class PaperBrowser(Browser):
    """A browser whose pages are made up: each has a composer and the button that asks its person."""

    def __init__(self, number: int) -> None:
        super().__init__("127.0.0.1", 8000)
        self.cookies["session"] = f"s{number}"

    def page(self, path: str) -> str:
        token = f'<input type="hidden" name="csrf" value="t-{self.cookies["session"]}">'
        return (
            f'<form action="/posts">{token}<textarea name="text"></textarea></form>'
            f'<form action="{path}/friend">{token}<button>Add friend</button></form>'
        )


def scenarios() -> dict[str, Scenario]:
    members = {number: PaperBrowser(number) for number in range(1, SIZE.members + 1)}
    return {scenario.name: scenario for scenario in Scenarios(SIZE, EDGES, dict(members)).all()}


def sessions(requests: list[str]) -> set[str]:
    return {found[1] for request in requests if (found := re.search(r"Cookie: session=(\w+)", request))}


def test_a_visitor_sends_no_cookie() -> None:
    explore = scenarios()["visitor's explore page"].requests(0)
    assert len(explore) == CONNECTIONS
    assert all(request.startswith("GET /explore ") and "Cookie" not in request for (request,) in explore)


def test_no_two_connections_are_the_same_person() -> None:
    for name in ("member's home feed", "a profile", "publishing a post", "a friend request"):
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
