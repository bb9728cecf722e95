"""The watch: a thread that looks after all shards, a few times a second."""

import logging
import threading
from collections.abc import Callable, Iterable

from minisocial.database.shard import Shard

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.25
MEND_EVERY = 20  # steps


class Watch:
    """Looks after each shard in turn, at once when the alarm is set. It outlives whatever it meets."""

    def __init__(self, shards: Callable[[], Iterable[Shard]], alarm: threading.Event, mend: Callable[[], None]) -> None:
        """`mend` is called now and then: it sees to it that the record is in every place."""
        self._shards = shards
        self._mend = mend
        self._steps = 0
        self._alarm = alarm
        self._is_running = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._is_running = True
        self._thread = threading.Thread(target=self._run, name="database watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_running = False
        self._alarm.set()
        if self._thread:
            self._thread.join(timeout=10)
        self._thread = None

    def step(self) -> None:
        """Looks once."""
        self._steps += 1
        if self._steps % MEND_EVERY == 0:
            self._try(self._mend, "the record can not be mended")
        for shard in self._shards():
            if self._is_running:
                self._try(shard.watch, f"shard {shard.name} can not be looked after")

    def _run(self) -> None:
        while self._is_running:
            self._alarm.wait(WATCH_SECONDS)
            self._alarm.clear()
            self.step()

    def _try(self, work: Callable[[], None], complaint: str) -> None:
        try:
            work()
        except Exception:
            logger.exception(complaint)
