"""The benchmark `path`: whole requests through the whole system, each beside bare Waitress.

A round measures bare Waitress and a page one right after the other, so that a machine which is busy
with other things slows both; ratios are taken within a round.
"""

import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from minisocial.benchmarks import children
from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.children import Server
from minisocial.benchmarks.client import Job
from minisocial.benchmarks.people import Edge, random_graph, strangers, write_graph
from minisocial.benchmarks.report import MIB, Line, Memory, Pair, lines_of
from minisocial.seed.load import PASSWORD
from minisocial.settings import Settings
from minisocial.system import System

CONNECTIONS = 16
HOST = "127.0.0.1"
MOST_WRITES = 120  # a second and connection: many more than any machine does
DRAIN_SECONDS = 30.0
QUIET_SECONDS = 1.5  # after the start, before memory is read
IDLE_MEMORY = 80 * MIB


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

# what each connection sends in a round, by the round's number
Requests = Callable[[int], Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request; `mark` is the share of bare Waitress to reach."""

    name: str
    requests: Requests
    mark: float | None = None
    is_write: bool = False


def run(quick: bool = False) -> None:
    """Measure, and print the tables."""
    size = QUICK if quick else Size()
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="minisocial-bench-") as scratch:
        PathBenchmark(Path(scratch), size).run()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C does, so that children and scratch folder go with us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class PathBenchmark:
    """One run in a scratch folder."""

    def __init__(self, scratch: Path, size: Size) -> None:
        self._size = size
        self._log = scratch / "children.log"
        self._graph = scratch / "graph.txt"
        self._data = scratch / "data"
        self._empty = scratch / "empty"
        self._edges: Sequence[Edge] = random_graph(size.people, size.friends)
        self._memory: list[Memory] = []

    def run(self) -> None:
        """Memory first, then all scenarios, round after round."""
        self._measure_empty()
        self._seed()
        with children.system(self._data, self._log) as system, children.bare(_threads(self._empty), self._log) as bare:
            self._remember("idle, with all these people", system)
            members = self._log_in(system)
            scenarios = Scenarios(self._size, self._edges, members).all()
            lines = self._measure(scenarios, system, bare)
            self._remember("after all this", system)
        for line in lines_of(lines, self._memory):
            click.echo(line)

    def _measure_empty(self) -> None:
        click.echo("Starting on an empty folder ...")
        with children.system(self._empty, self._log) as system:
            self._remember("idle, empty folder", system, IDLE_MEMORY)

    def _remember(self, name: str, system: Server, mark: int | None = None) -> None:
        threading.Event().wait(QUIET_SECONDS)
        self._memory.append(Memory(name, system.memory, mark))

    def _seed(self) -> None:
        size = self._size
        click.echo(f"Seeding {size.people:,} people, {len(self._edges):,} friendships and {size.posts:,} posts ...")
        write_graph(self._graph, self._edges)
        children.seed(self._data, self._graph, size.posts, self._log)

    def _log_in(self, system: Server) -> dict[int, Browser]:
        click.echo(f"Logging {self._size.members} people in ...")

        def log_in(number: int) -> tuple[int, Browser]:
            browser = Browser(HOST, system.port)
            browser.log_in(f"p{number}", PASSWORD)
            return number, browser

        numbers = range(1, self._size.members + 1)  # 0 is the admin, who sees more
        with ThreadPoolExecutor(2) as pool:  # the server hashes two passwords at a time
            return dict(pool.map(log_in, numbers))

    def _measure(self, scenarios: Sequence[Scenario], system: Server, bare: Server) -> list[Line]:
        pairs: dict[str, list[Pair]] = {scenario.name: [] for scenario in scenarios}
        for number in range(self._size.rounds):
            click.echo(f"Round {number + 1} of {self._size.rounds} ...")
            for scenario in scenarios:
                pairs[scenario.name].append(self._pair(scenario, number, system, bare))
        return [Line(scenario.name, pairs[scenario.name], scenario.mark) for scenario in scenarios]

    def _pair(self, scenario: Scenario, number: int, system: Server, bare: Server) -> Pair:
        if not scenario.is_write:  # what the writes of the last round changed is rendered anew first
            children.generate(Job(HOST, system.port, self._size.warm_seconds, scenario.requests(number)))
        plain = [[Browser(HOST, bare.port).encoded("/")]] * CONNECTIONS
        bare_result = children.generate(Job(HOST, bare.port, self._size.bare_seconds, plain))
        job = Job(HOST, system.port, self._size.page_seconds, scenario.requests(number), once=scenario.is_write)
        pair = Pair(bare_result, children.generate(job))
        if scenario.is_write:
            _drain(system)
        return pair


def _drain(system: Server) -> None:
    """Wait until the workers have done what the writes left to them: it must not slow what comes next."""
    pause = threading.Event()
    for _ in range(int(DRAIN_SECONDS / 0.2)):
        if not system.waiting:
            return
        pause.wait(0.2)
    click.echo(f"  {system.waiting} tasks are still waiting {DRAIN_SECONDS:.0f} seconds later; they slow what follows.")


def _threads(folder: Path) -> int:
    """As many as the front door of a system with default settings has."""
    return System(Settings(data=folder)).front_door.threads


class Scenarios:
    """What is asked of the system, encoded for every connection."""

    def __init__(self, size: Size, edges: Sequence[Edge], members: dict[int, Browser]) -> None:
        self._size = size
        self._edges = edges
        self._members = members

    def all(self) -> list[Scenario]:
        """The five of them, reads first."""
        return [
            Scenario("visitor's explore page", self._explore, mark=0.80),
            Scenario("member's home feed", self._home, mark=0.35),
            Scenario("a profile", self._profile, mark=0.35),
            Scenario("publishing a post", self._publish(), is_write=True),
            Scenario("a friend request", self._befriend(), is_write=True),
        ]

    def _explore(self, number: int) -> Sequence[Sequence[str]]:
        visitor = Browser(HOST, 0)
        visitor.host = next(iter(self._members.values())).host
        return [[visitor.encoded("/explore")]] * CONNECTIONS

    def _home(self, number: int) -> Sequence[Sequence[str]]:
        return [[member.encoded("/") for _, member in group] for group in self._groups()]

    def _profile(self, number: int) -> Sequence[Sequence[str]]:
        """Every member looks at some people of their own, so that no two requests at a time are alike."""
        return [
            [member.encoded(f"/@p{other}") for person, member in group for other in self._looked_at(person)]
            for group in self._groups()
        ]

    def _looked_at(self, person: int) -> list[int]:
        return strangers(person, self._size.people, self._edges)[: self._size.profiles]

    def _publish(self) -> Requests:
        forms = {number: member.form("/", field="text") for number, member in self._members.items()}

        def requests(number: int) -> Sequence[Sequence[str]]:
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

        def requests(number: int) -> Sequence[Sequence[str]]:
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
