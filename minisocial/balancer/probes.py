"""Active health: asks each node for its cheapest address now and then, and an ejected one before it may come back."""

import threading
from collections.abc import Callable, Iterable

from minisocial.balancer.service import Service, Target
from minisocial.clock import Clock

Spawn = Callable[[Callable[[], None]], object]  # has it done beside the caller

TICK = 0.5  # seconds between two steps
PATIENCE = 2.0  # seconds; a probe without an answer has failed
STOP_SECONDS = 2.0


def in_a_thread(work: Callable[[], None]) -> None:
    """Has it done in a thread of its own: a node that hangs must not hold up the probes of the others."""
    threading.Thread(target=work, name="probe", daemon=True).start()


class Probes:
    """Probes the nodes of these services, at most one at a time each."""

    def __init__(self, services: Callable[[], Iterable[Service]], clock: Clock, spawn: Spawn = in_a_thread) -> None:
        self._services = services
        self._clock = clock
        self._spawn = spawn
        self._lock = threading.Lock()  # guards _began
        self._began: dict[Target, float] = {}  # probes without an answer yet
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread that steps."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="health checks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread:
            thread.join(STOP_SECONDS)

    def step(self) -> None:
        """Begins the probes that are due, counts those that have hung, and lets all that was learnt take effect."""
        for service in self._services():
            for node, health in service.health().items():
                if node.state == "up" and health.is_due():
                    self._probe(node, health.probed)
            service.judge()

    def _probe(self, node: Target, tell: Callable[[bool], None]) -> None:
        now = self._clock.monotonic()
        with self._lock:
            hanging = self._began.get(node)
            if hanging is None:
                self._began[node] = now
        if hanging is None:
            self._spawn(lambda: self._ask(node, tell))
        elif now - hanging >= PATIENCE:
            tell(False)

    def _ask(self, node: Target, tell: Callable[[bool], None]) -> None:
        try:
            is_well = node.probe()
        finally:
            with self._lock:
                late = self._clock.monotonic() - self._began.pop(node) >= PATIENCE
        tell(is_well and not late)

    def _run(self) -> None:
        while not self._stopping.wait(TICK):
            self.step()
