"""Measures whole requests, boxes in front, database and queue, each beside the bare thing it stands on."""

NAMES = ("path", "edge", "balancer", "database", "background", "feeds")


def run(name: str | None = None, quick: bool = False, minutes: float = 1.0) -> int:
    """Run the benchmark of that name, or all; prints what it finds and gives the exit status.

    `quick` takes seconds instead of minutes and says little: it shows that everything works. `minutes`: how
    long `edge` loads a system to see whether its memory grows.
    """
    from minisocial.benchmarks import (
        background,
        balancer,
        database,
        edge,
        feeds,
        path,
    )  # late: load generators here start light
    from minisocial.errors import Refused

    if name is not None and name not in NAMES:
        raise Refused(f"There is no benchmark called {name}. There are: {', '.join(NAMES)}.")
    if name in (None, "path"):
        path.run(quick)
    if name in (None, "edge"):
        edge.run(quick, minutes)
    if name in (None, "balancer"):
        balancer.run(quick)
    if name in (None, "database"):
        database.run(quick)
    if name in (None, "background"):
        background.run(quick)
    if name in (None, "feeds"):
        feeds.run(quick)
    return 0
