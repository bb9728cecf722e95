"""The watch: a thread that looks after all shards, a few times a second."""

import logging
import threading
from collections.abc import Callable, Iterable

from minisocial.database.shard import Shard

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.25


class Watch:
    """Looks after each shard in turn, at once when the alarm is set. It outlives whatever it meets."""

    def __init__(self, shards: Callable[[], Iterable[Shard]], alarm: threading.Event) -> None:
        self._shards = shards
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
        for shard in self._shards():
            if self._is_running:
                self._look_after(shard)

    def _run(self) -> None:
        while self._is_running:
            self._alarm.wait(WATCH_SECONDS)
            self._alarm.clear()
            self.step()

    def _look_after(self, shard: Shard) -> None:
        try:
            shard.watch()
        except Exception:
            logger.exception("shard %s can not be looked after", shard.name)
