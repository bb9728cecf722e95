"""An open-loop load generator: requests are sent at a rate of their own, whether or not the last ones were answered.

So it goes on asking when a server falls behind, as people do. Times count from the moment a request should have
been sent. `python -m minisocial.benchmarks.open_loop` reads an `Offer` as JSON and writes what came of it.
"""

import json
import selectors
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count

from minisocial.benchmarks.client import Connection, percentile

OK = "2"  # the first digit of a good status


@dataclass(frozen=True, slots=True)
class Offer:
    """So many requests a second, over so many connections at most; `{}` in a request is replaced by a number."""

    host: str
    port: int
    seconds: float
    rate: float
    connections: int
    requests: Sequence[str]
    warm_seconds: float = 0.0  # at the beginning; what is answered by then does not count


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests that were answered after the warm seconds and before the end."""

    offered: int
    good: int
    refused: int
    unsent: int  # no connection was free
    broken: int
    seconds: float
    p50_ms: float
    p95_ms: float
    refused_p50_ms: float
    refused_p95_ms: float

    @property
    def goodput(self) -> float:
        """Good answers per second."""
        return self.good / self.seconds if self.seconds else 0.0


class OpenLoop:
    """Sends an offer."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._requests = _numbered(offer.requests)
        self._idle: list[Connection] = []
        self._due: dict[Connection, float] = {}  # when its request should have been sent
        self._times: dict[bool, list[float]] = {True: [], False: []}  # by whether it was good
        self._counts_from = 0.0
        self._unsent = self._broken = 0

    def run(self) -> Outcome:
        """Do it."""
        offer = self._offer
        with selectors.DefaultSelector() as selector:
            for _ in range(offer.connections):
                connection = Connection((offer.host, offer.port), self._requests)
                self._idle.append(connection)
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            began = time.perf_counter()
            self._counts_from = began + offer.warm_seconds
            offered = self._drive(selector, began)
            seconds = time.perf_counter() - self._counts_from
            for key in list(selector.get_map().values()):
                key.data.socket.close()
        good, refused = (sorted(self._times[is_good]) for is_good in (True, False))
        times = (percentile(each, share) * 1000 for each in (good, refused) for share in (0.5, 0.95))
        return Outcome(offered, len(good), len(refused), self._unsent, self._broken, seconds, *times)

    def _drive(self, selector: selectors.BaseSelector, began: float) -> int:
        offered, end = 0, began + self._offer.seconds
        while (now := time.perf_counter()) < end:
            due = began + offered / self._offer.rate
            if due <= now:
                offered += 1
                self._send(due)
                continue
            for key, _ in selector.select(min(due, end) - now):
                self._receive(selector, key.data)
        return offered

    def _send(self, due: float) -> None:
        if not self._idle:
            self._unsent += 1
            return
        connection = self._idle.pop()
        self._due[connection] = due
        with suppress(OSError):  # it is told of when it is read
            connection.send_next()

    def _receive(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        try:
            status = connection.receive()
        except OSError:
            self._broken += connection in self._due
            self._due.pop(connection, None)
            self._renew(selector, connection)
            return
        if status:
            due, now = self._due.pop(connection), time.perf_counter()
            if now >= self._counts_from:
                self._times[status.startswith(OK)].append(now - due)
            if connection.is_closing:
                self._renew(selector, connection)
            else:
                self._idle.append(connection)

    def _renew(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        selector.unregister(connection.socket)
        connection.socket.close()
        connection.connect()
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        if connection not in self._idle:
            self._idle.append(connection)


def _numbered(requests: Sequence[str]) -> Iterator[bytes]:
    """The requests in turn, each with a number of its own."""
    for number in count():
        yield requests[number % len(requests)].replace("{}", str(number), 1).encode("latin-1")


def main() -> None:
    """Make the offer on standard input."""
    json.dump(asdict(OpenLoop(Offer(**json.load(sys.stdin))).run()), sys.stdout)


if __name__ == "__main__":
    main()
