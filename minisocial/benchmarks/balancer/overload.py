"""A site at twice its capacity: how much of it is left, and how long a refusal takes."""

from dataclasses import asdict, dataclass
from pathlib import Path

from minisocial.benchmarks import children
from minisocial.benchmarks.client import Job
from minisocial.benchmarks.database.figures import Alone, Pair
from minisocial.benchmarks.open_loop import Offer, Outcome

GOODPUT = 0.90  # of capacity
CONNECTIONS = 380
TURNS = 20  # of each slot, at least: those under way at the end are not counted
REQUEST = "GET /?{} HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Load:
    """An application, and the nodes it runs on."""

    name: str
    waits: float = 0.0  # seconds
    computes: float = 0.0
    nodes: int = 2
    slots: int = 4


LOADS = (
    Load("requests that wait for 20 ms", waits=0.02),
    Load("requests that wait for 300 ms", waits=0.3, slots=15),
    Load("requests that compute for 3 ms", computes=0.003, slots=2),
)


def measure(load: Load, rounds: int, seconds: float, log: Path) -> tuple[Pair, Alone]:
    """The good answers at twice the capacity beside the capacity, and how long a refusal takes."""
    seconds = max(seconds, TURNS * load.waits)
    capacities, outcomes = list[float](), list[Outcome]()
    with children.boxes({name: value for name, value in asdict(load).items() if name != "name"}, log) as server:
        for _ in range(rounds):
            capacities.append(capacity(load, server.port, seconds))
            twice = Offer(HOST, server.port, seconds, 2 * capacities[-1], CONNECTIONS, [REQUEST], seconds / 3)
            outcomes.append(children.offer(twice))
    goodput = [outcome.goodput for outcome in outcomes]
    return Pair(f"good answers/s, {load.name}", goodput, capacities, mark=GOODPUT), _refusals(load, outcomes)


def capacity(load: Load, port: int, seconds: float) -> float:
    """Good answers per second, as long as somebody waits for every slot."""
    crowd = [[REQUEST.replace("{}", f"c{number}")] for number in range(2 * load.nodes * load.slots)]
    return children.generate(Job(HOST, port, seconds, crowd)).rate


def _refusals(load: Load, outcomes: list[Outcome]) -> Alone:
    middle = sorted(outcomes, key=lambda outcome: outcome.refused_p95_ms)[len(outcomes) // 2]
    unsent = sum(outcome.unsent + outcome.broken for outcome in outcomes)
    note = f"{middle.refused} of {middle.offered} refused" + (f", {unsent} not sent or lost" if unsent else "")
    return Alone(f"a refusal, {load.name}", middle.refused_p50_ms, middle.refused_p95_ms, note)
