"""The load generator: many connections, one thread, requests encoded beforehand.

It runs in a process of its own, so that it takes no interpreter time from the server, and parses of an
answer only what it must: the status and where the answer ends. `python -m minisocial.benchmarks.client`
reads a `Job` as JSON from standard input and writes the `Result` to standard output.
"""

import json
import math
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
CLOSING = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
TIMEOUT = 20.0  # seconds for one answer
MOST_BROKEN = 50  # connections lost before it gives up


@dataclass(frozen=True, slots=True)
class Job:
    """What to send: for each connection its requests, one after the other, again and again unless `once`."""

    host: str
    port: int
    seconds: float
    connections: Sequence[Sequence[str]]  # whole requests, as Latin-1
    once: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came back. Times are from the first byte sent to the last one received."""

    answers: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    statuses: Mapping[str, int]
    broken: int  # connections that the server closed before the answer was there
    cpu_seconds: float  # what the generator itself used

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return (self.answers - self.refused) / self.seconds if self.seconds else 0.0

    @property
    def refused(self) -> int:
        """Answers with a status of 400 or more."""
        return sum(count for status, count in self.statuses.items() if status >= "400")


class Connection:
    """One keep-alive connection with one request in flight."""

    __slots__ = ("_address", "_received", "_requests", "is_closing", "sent_at", "socket")

    def __init__(self, address: tuple[str, int], requests: Iterator[bytes]) -> None:
        self._address = address
        self._requests = requests
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(self._address, TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_next(self) -> bool:
        """Send the next request; false when there is none left."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> str:
        """The status of the answer once it is there whole, "" until then; raises if the server hung up."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionResetError
        self._received = data = self._received + data if self._received else data
        head = data.find(b"\r\n\r\n") + 4
        if head < 4 or not _is_whole(data, head):
            return ""
        self.is_closing = CLOSING.search(data, 0, head) is not None
        return data[9:12].decode("latin-1")


def _is_whole(data: bytes, head: int) -> bool:
    length = LENGTH.search(data, 0, head)
    if length:
        return len(data) >= head + int(length[1])
    return not CHUNKED.search(data, 0, head) or data.endswith(b"\r\n0\r\n\r\n")


class LoadGenerator:
    """Sends the requests of a job over all its connections until its time is over."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._times: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._broken = 0

    def run(self) -> Result:
        """Do the job. A request still in flight when the time is over counts for nothing."""
        cpu, began = time.process_time(), time.perf_counter()
        with selectors.DefaultSelector() as selector:
            try:
                self._start(selector)
                self._drive(selector, began + self._job.seconds)
            finally:
                for key in list(selector.get_map().values()):
                    key.data.socket.close()
        return self._result(time.perf_counter() - began, time.process_time() - cpu)

    def _start(self, selector: selectors.BaseSelector) -> None:
        for texts in self._job.connections:
            requests = [text.encode("latin-1") for text in texts]
            connection = Connection(
                (self._job.host, self._job.port), iter(requests) if self._job.once else cycle(requests)
            )
            if connection.send_next():
                selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _drive(self, selector: selectors.BaseSelector, end: float) -> None:
        while selector.get_map() and (left := end - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                if not self._goes_on(selector, key.data):
                    selector.unregister(key.data.socket)
                    key.data.socket.close()

    def _goes_on(self, selector: selectors.BaseSelector, connection: Connection) -> bool:
        """Take what has come on a connection and send what is next; false when there is no more to do."""
        try:
            return self._step(selector, connection)
        except OSError:
            self._broken += 1
        try:
            return self._broken <= MOST_BROKEN and self._step_anew(selector, connection)
        except OSError:
            return False

    def _step(self, selector: selectors.BaseSelector, connection: Connection) -> bool:
        status = connection.receive()
        if not status:
            return True
        self._times.append(time.perf_counter() - connection.sent_at)
        self._statuses[status] += 1
        return self._step_anew(selector, connection) if connection.is_closing else connection.send_next()

    def _step_anew(self, selector: selectors.BaseSelector, connection: Connection) -> bool:
        old = connection.socket
        connection.connect()
        selector.unregister(old)
        old.close()
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection.send_next()

    def _result(self, seconds: float, cpu_seconds: float) -> Result:
        times = sorted(self._times)
        return Result(
            answers=len(times),
            seconds=seconds,
            p50_ms=percentile(times, 0.50) * 1000,
            p95_ms=percentile(times, 0.95) * 1000,
            p99_ms=percentile(times, 0.99) * 1000,
            statuses=dict(self._statuses),
            broken=self._broken,
            cpu_seconds=cpu_seconds,
        )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the ordered values do not exceed (nearest rank); 0 if there are none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def main() -> None:
    """Do the job on standard input."""
    job = Job(**json.load(sys.stdin))
    json.dump(asdict(LoadGenerator(job).run()), sys.stdout)


if __name__ == "__main__":
    main()
