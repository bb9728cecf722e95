"""What a benchmark of whole requests stands on: a community in a scratch folder, its members logged in, signals."""

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click

from minisocial.benchmarks import children
from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.children import Server
from minisocial.benchmarks.client import Job
from minisocial.benchmarks.people import Edge, random_graph, write_graph
from minisocial.benchmarks.report import Line, Pair
from minisocial.benchmarks.scenarios import CONNECTIONS, HOST, Scenario, Scenarios, Size
from minisocial.seed.load import PASSWORD
from minisocial.settings import Settings
from minisocial.system import System

DRAIN_SECONDS = 30.0


class Stage:
    """One run in a scratch folder."""

    def __init__(self, scratch: Path, size: Size) -> None:
        self.size = size
        self.log = scratch / "children.log"
        self.data = scratch / "data"
        self.edges: Sequence[Edge] = random_graph(size.people, size.friends)
        self._graph = scratch / "graph.txt"

    def seed(self) -> None:
        """Fill the data folder."""
        size = self.size
        click.echo(f"Seeding {size.people:,} people, {len(self.edges):,} friendships and {size.posts:,} posts ...")
        write_graph(self._graph, self.edges)
        children.seed(self.data, self._graph, size.posts, self.log)

    def scenarios(self, system: Server) -> Scenarios:
        """What is asked of this system."""
        return Scenarios(self.size, self.edges, self._log_in(system), Browser(HOST, system.port))

    def _log_in(self, system: Server) -> dict[int, Browser]:
        """Some members' browsers, by number."""
        click.echo(f"Logging {self.size.members} people in ...")

        def log_in(number: int) -> tuple[int, Browser]:
            browser = Browser(HOST, system.port)
            browser.log_in(f"p{number}", PASSWORD)
            return number, browser

        numbers = range(1, self.size.members + 1)  # 0 is the admin, who sees more
        with ThreadPoolExecutor(2) as pool:  # the server hashes two passwords at a time
            return dict(pool.map(log_in, numbers))

    def measure(self, scenarios: Sequence[Scenario], system: Server, bare: Server) -> list[Line]:
        """All scenarios, round after round, each right beside bare Waitress."""
        pairs: dict[str, list[Pair]] = {scenario.name: [] for scenario in scenarios}
        for number in range(self.size.rounds):
            click.echo(f"Round {number + 1} of {self.size.rounds} ...")
            for scenario in scenarios:
                pairs[scenario.name].append(self._pair(scenario, number, system, bare))
        return [Line(scenario.name, pairs[scenario.name], scenario.mark) for scenario in scenarios]

    def _pair(self, scenario: Scenario, number: int, system: Server, bare: Server) -> Pair:
        if not scenario.is_write:  # what the writes of the last round changed is rendered anew first
            children.generate(Job(HOST, system.port, self.size.warm_seconds, scenario.requests(number)))
        plain = [[Browser(HOST, bare.port).encoded("/")]] * CONNECTIONS
        bare_result = children.generate(Job(HOST, bare.port, self.size.bare_seconds, plain))
        job = Job(HOST, system.port, self.size.page_seconds, scenario.requests(number), once=scenario.is_write)
        pair = Pair(bare_result, children.generate(job))
        if scenario.is_write:
            drain(system)
        return pair


def drain(system: Server) -> None:
    """Wait until the workers have done what the writes left to them: it must not slow what comes next."""
    pause = threading.Event()
    for _ in range(int(DRAIN_SECONDS / 0.2)):
        if not system.waiting:
            return
        pause.wait(0.2)
    click.echo(f"  {system.waiting} tasks are still waiting {DRAIN_SECONDS:.0f} seconds later; they slow what follows.")


def threads(folder: Path) -> int:
    """As many as the front door of a system with default settings has."""
    return System(Settings(data=folder)).front_door.threads


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C does, so that children and scratch folder go with us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
