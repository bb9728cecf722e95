"""Reads beside slow writes: with nodes of their own, and with the same nodes for both."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from minisocial.benchmarks import children
from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.client import Job
from minisocial.benchmarks.database.figures import Pair
from minisocial.benchmarks.open_loop import Offer
from minisocial.benchmarks.people import Edge, random_graph, write_graph
from minisocial.seed.load import PASSWORD

HOST = "127.0.0.1"
FORMS = ("separate", "merged")
DELAY = 200  # milliseconds that each write takes longer
TIMED = {"waits": 0.02, "computes": 0.0, "nodes": 2, "slots": 4, "write_delay_ms": DELAY}
CALM = 1 / 1.2  # the p95 of a quiet site beside that with slow writes: within 20 %
READS = 100  # a second
READERS = 8
WRITERS = 16  # more than there are slots for, so that all of those are taken
CONNECTIONS = 100
GET = "GET /?{} HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Crowd:
    """People who read at a steady rate, and others who write again and again."""

    port: int
    seconds: float
    gets: Sequence[str]
    posts: Sequence[str]

    def reads(self) -> float:
        """The p95 of reads, in milliseconds."""
        return children.offer(Offer(HOST, self.port, self.seconds, READS, CONNECTIONS, self.gets)).p95_ms

    def reads_beside_writes(self) -> float:
        """The same while others write."""
        job = Job(HOST, self.port, self.seconds + 1, [[post] for post in self.posts])
        with ThreadPoolExecutor(1) as pool:
            writes = pool.submit(children.generate, job)
            p95 = self.reads()
            result = writes.result()
        assert result.answers and not result.refused, f"the writes failed: {result.statuses}"
        return p95


class Beside:
    """The p95 of reads in rounds: while nobody writes, and while slow writes take all the slots they can get."""

    def __init__(self, name: str, mark: float | None) -> None:
        self._name, self._mark = name, mark
        self._quiet: list[float] = []
        self._busy: list[float] = []

    def round(self, crowd: Crowd) -> None:
        """One more."""
        self._quiet.append(crowd.reads())
        self._busy.append(crowd.reads_beside_writes())

    def pair(self) -> Pair:
        return Pair(self._name, self._quiet, self._busy, self._mark)


def measure(scratch: Path, people: int, rounds: int, seconds: float) -> Iterator[Pair]:
    """Services separate and merged: of the boxes alone around an application that waits, and of a whole system."""
    for form, mark in zip(FORMS, (CALM, None), strict=True):
        beside = Beside(f"p95 of reads that wait for 20 ms, services {form}", mark)
        with children.boxes({**TIMED, "form": form}, scratch / "log") as server:
            for _ in range(rounds):
                beside.round(Crowd(server.port, seconds, [GET], [POST] * WRITERS))
        yield beside.pair()
    yield from _in_a_system(scratch, people, rounds, seconds)


def _in_a_system(scratch: Path, people: int, rounds: int, seconds: float) -> Iterator[Pair]:
    graph, data, log = scratch / "graph.txt", scratch / "data", scratch / "log"
    edges = random_graph(people, 4)
    write_graph(graph, edges)
    children.seed(data, graph, 10 * people, log)
    besides = [
        Beside(f"p95 of home feeds, services {form}", mark) for form, mark in zip(FORMS, (CALM, None), strict=True)
    ]
    with children.system(data, log, write_delay_ms=str(DELAY)) as server:
        crowd = members(server.port, seconds, edges)
        crowd.reads()  # warm caches
        for _ in range(rounds):
            for form, beside in zip(FORMS, besides, strict=True):
                children.switch("services", form, data, log)
                beside.round(crowd)
    yield from (beside.pair() for beside in besides)


def members(port: int, seconds: float, edges: Sequence[Edge]) -> Crowd:
    """Some open their home feed, and others far from them save their profile."""
    readers = range(1, 1 + READERS)

    def log_in(number: int) -> Browser:
        browser = Browser(HOST, port)
        browser.log_in(f"p{number}", PASSWORD)
        return browser

    with ThreadPoolExecutor(2) as pool:  # the server hashes two passwords at a time
        browsers = list(pool.map(log_in, [*readers, *far_from(readers, edges)[:WRITERS]]))
    gets = [browser.encoded("/") for browser in browsers[:READERS]]
    posts = [browser.encoded_form(browser.form("/settings", field="bio")) for browser in browsers[READERS:]]
    return Crowd(port, seconds, gets, posts)


def far_from(some: Iterable[int], edges: Sequence[Edge]) -> list[int]:
    """Whoever is neither a friend of these people nor a friend of a friend, so that no page of theirs changes."""
    near = set(some)
    for _ in range(2):
        near |= {person for edge in edges if near.intersection(edge) for person in edge}
    return sorted({person for edge in edges for person in edge} - near)
