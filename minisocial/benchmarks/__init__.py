"""Measures this machine: the whole path of a request, against the bare server it stands on."""

NAMES = ("path",)


def run(name: str | None = None, quick: bool = False) -> int:
    """Run the benchmark of that name, or all; prints what it finds and gives the exit status.

    `quick` takes seconds instead of minutes and says little: it shows that everything works.
    """
    from minisocial.benchmarks import path  # late: the load generator lies in this package and must start light
    from minisocial.errors import Refused

    if name is not None and name not in NAMES:
        raise Refused(f"There is no benchmark called {name}. There is: {', '.join(NAMES)}.")
    path.run(quick)
    return 0
