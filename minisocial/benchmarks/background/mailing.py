"""Requests that cause a letter: the letter left for a worker, beside the letter sent before the answer."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from minisocial.background import Letter
from minisocial.benchmarks.background.size import Size
from minisocial.benchmarks.background.stage import PASSWORD, people, system
from minisocial.benchmarks.database.figures import Pair
from minisocial.system import System
from minisocial.torture.background.postbox import Postbox

THREADS = 4  # as many as the slots of a node


def measure(scratch: Path, size: Size) -> list[Pair]:
    """Acknowledged requests a second, and what one takes."""
    rest = threading.Event()
    postbox = Postbox(pause=lambda: rest.wait(size.mail_delay))
    rates: tuple[list[float], list[float]] = ([], [])
    halves: tuple[list[float], list[float]] = ([], [])
    try:
        with system(scratch / "mailing", smtp_url=postbox.url) as made:
            (ada,) = people(made, "ada")
            strangers = iter([_stranger(made, number) for number in range(2 * size.mail_rounds * size.strangers)])
            for _ in range(size.mail_rounds):
                for half, act in enumerate((later(made, ada), at_once(made, ada))):
                    rate, p50 = crowd(act, islice(strangers, size.strangers), size.mail_seconds)
                    rates[half].append(rate)
                    halves[half].append(p50)
    finally:
        postbox.close()
    delay = f"{size.mail_delay * 1000:.0f} ms"
    return [
        Pair(f"friend requests/s, the mail server takes {delay}", *rates),
        Pair("p50 of a friend request, ms", *halves),
    ]


def _stranger(made: System, number: int) -> int:
    return made.social.accounts.create(f"p{number}", f"p{number}@example.org", PASSWORD).id


def later(made: System, ada: int) -> Callable[[int], None]:
    """As it is: the request leaves a task, and the letter is a worker's."""

    def ask(stranger: int) -> None:
        with made.cluster.session({}):
            made.social.friends.add(stranger, ada)

    return ask


def at_once(made: System, ada: int) -> Callable[[int], None]:
    """As it would be without a queue: the answer waits for the mail server."""
    ask = later(made, ada)

    def ask_and_send(stranger: int) -> None:
        ask(stranger)
        made.mailer.send(Letter(f"bench-{stranger}", "ada@example.org", "Ada", "Somebody asks", "A letter.\n"))

    return ask_and_send


def crowd(act: Callable[[int], None], strangers: Iterator[int], seconds: float) -> tuple[float, float]:
    """So many threads for so long: acts a second, and the median of what one took in milliseconds."""
    took: list[float] = []
    began = time.perf_counter()
    turn = threading.Lock()  # guards the strangers

    def following() -> int | None:
        with turn:
            return next(strangers, None)

    def run() -> None:
        while time.perf_counter() < began + seconds and (stranger := following()) is not None:
            before = time.perf_counter()
            act(stranger)
            took.append(time.perf_counter() - before)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / (time.perf_counter() - began), statistics.median(took) * 1000
