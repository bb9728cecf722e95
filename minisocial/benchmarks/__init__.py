"""Measures this machine: a whole request, and the database, each against the bare thing it stands on."""

NAMES = ("path", "database")


def run(name: str | None = None, quick: bool = False) -> int:
    """Run the benchmark of that name, or all; prints what it finds and gives the exit status.

    `quick` takes seconds instead of minutes and says little: it shows that everything works.
    """
    from minisocial.benchmarks import database, path  # late: the load generator lies here too and must start light
    from minisocial.errors import Refused

    if name is not None and name not in NAMES:
        raise Refused(f"There is no benchmark called {name}. There are: {', '.join(NAMES)}.")
    for known, benchmark in (("path", path), ("database", database)):
        if name in (None, known):
            benchmark.run(quick)
    return 0
