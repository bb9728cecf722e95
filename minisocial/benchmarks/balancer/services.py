"""Reads beside slow writes: with nodes of their own, and with the same nodes for both."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from minisocial.benchmarks import children
from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.client import Job
from minisocial.benchmarks.database.figures import Pair
from minisocial.benchmarks.open_loop import Offer
from minisocial.benchmarks.people import random_graph, write_graph
from minisocial.seed.load import PASSWORD

HOST = "127.0.0.1"
FORMS = ("separate", "merged")
DELAY = 200  # milliseconds that each write takes longer
CALM = 1 / 1.2  # the p95 of a quiet site beside that with slow writes: within 20 %
READS = 100  # a second
READERS = 8
WRITERS = 16  # more than there are slots for, so that all of those are taken
CONNECTIONS = 100


def measure(scratch: Path, people: int, rounds: int, seconds: float) -> list[Pair]:
    """The p95 of reads while nobody writes beside that while slow writes take all slots they can get."""
    graph, data, log = scratch / "graph.txt", scratch / "data", scratch / "log"
    write_graph(graph, random_graph(people, 4))
    children.seed(data, graph, 10 * people, log)
    with children.system(data, log, write_delay_ms=str(DELAY)) as server:
        crowd = _Crowd(server.port, seconds)
        crowd.reads()  # warm caches
        return [*_measured(data, log, crowd, rounds)]


def _measured(data: Path, log: Path, crowd: "_Crowd", rounds: int) -> Iterator[Pair]:
    quiet: dict[str, list[float]] = {form: [] for form in FORMS}
    busy: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form in FORMS:
            children.switch("services", form, data, log)
            quiet[form].append(crowd.reads())
            busy[form].append(crowd.reads_beside_writes())
    for form, mark in zip(FORMS, (CALM, None), strict=True):
        yield Pair(f"p95 of reads, ms, services {form}", quiet[form], busy[form], mark)


class _Crowd:
    """People who open their home feed, and others who save their profile again and again."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port, self._seconds = port, seconds
        with ThreadPoolExecutor(2) as pool:  # the server hashes two passwords at a time
            browsers = list(pool.map(self._log_in, range(1, 1 + READERS + WRITERS)))
        self._reads = [browser.encoded("/") for browser in browsers[:READERS]]
        self._writes: Sequence[Sequence[str]] = [
            [browser.encoded_form(browser.form("/settings", field="bio"))] for browser in browsers[READERS:]
        ]

    def reads(self) -> float:
        """The p95 of reads, in milliseconds."""
        return children.offer(Offer(HOST, self._port, self._seconds, READS, CONNECTIONS, self._reads)).p95_ms

    def reads_beside_writes(self) -> float:
        """The same while others write."""
        job = Job(HOST, self._port, self._seconds + 1, self._writes)
        with ThreadPoolExecutor(1) as pool:
            writes = pool.submit(children.generate, job)
            p95 = self.reads()
            result = writes.result()
        assert result.answers and not result.refused, f"the writes failed: {result.statuses}"
        return p95

    def _log_in(self, number: int) -> Browser:
        browser = Browser(HOST, self._port)
        browser.log_in(f"p{number}", PASSWORD)
        return browser
