"""A system whose caches are emptied again and again: what a page costs that has to be made from the database.

`python -m minisocial.benchmarks.emptied FOLDER TIMES` serves a seeded folder to itself and prints, as JSON, the
milliseconds of the same pages, one request at a time: `warm`, and `cold` with all caches emptied before
each. The emptying itself is not measured; each warm request stands right beside a cold one.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from minisocial.benchmarks.browser import Browser
from minisocial.seed.load import PASSWORD
from minisocial.settings import Settings
from minisocial.system import System

PEOPLE = 8


@dataclass(frozen=True, slots=True)
class Emptied:
    """Milliseconds of each request."""

    warm: list[float]
    cold: list[float]


def measure(system: System, times: int) -> Emptied:
    """The home feeds of some members, warm and cold in turn."""
    members = [_logged_in(system, number) for number in range(1, PEOPLE + 1)]
    found = Emptied([], [])
    for turn in range(times):
        member = members[turn % PEOPLE]
        for _ in system.nodes:
            member.page("/")  # in turn, so that each node knows it
        found.warm.append(_timed(member))
        system.caches.invalidation.forget_everything()
        found.cold.append(_timed(member))
    for member in members:
        member.close()
    return found


def _logged_in(system: System, number: int) -> Browser:
    browser = Browser("127.0.0.1", system.front_door.port)
    browser.log_in(f"p{number}", PASSWORD)
    return browser


def _timed(member: Browser) -> float:
    began = time.perf_counter()
    member.page("/")
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure, and print."""
    folder, times = Path(sys.argv[1]), int(sys.argv[2])
    system = System(Settings(data=folder, port=0, rate_limits=False))
    system.start()
    try:
        found = measure(system, times)
    finally:
        system.stop()
    click.echo(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
