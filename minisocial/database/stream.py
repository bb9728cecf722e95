"""The stream of changes: whoever must know of a commit is told of it, in order."""

import logging
import threading
from collections import deque
from collections.abc import Sequence

from minisocial.database.log import Change, Consumer

logger = logging.getLogger(__name__)


class Stream:
    """Hands committed changes to the consumers, in commit order.

    Two threads that commit one after the other may arrive here in the other order. So a commit puts
    its changes in line while it still has the right to write, and whoever comes first delivers all
    that is in line: when `deliver` returns, what the caller put there has reached every consumer.
    """

    def __init__(self) -> None:
        self.errors = 0
        self._consumers: list[Consumer] = []
        self._line: deque[Sequence[Change]] = deque()
        self._order = threading.RLock()  # held while delivering, so that the order is that of the line

    def subscribe(self, consumer: Consumer) -> None:
        self._consumers.append(consumer)

    def add(self, batch: Sequence[Change]) -> None:
        if batch:
            self._line.append(batch)

    def deliver(self) -> None:
        with self._order:
            while self._line:
                self._hand_out(self._line.popleft())

    def _hand_out(self, batch: Sequence[Change]) -> None:
        for consumer in self._consumers:
            try:
                consumer(batch)
            except Exception:
                self.errors += 1
                logger.exception("a consumer of the log failed")
