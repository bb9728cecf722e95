"""The stream of changes: whoever must know of a commit is told of it, in order."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from minisocial.database.log import Change, Consumer

OnLoss = Callable[[], None]

logger = logging.getLogger(__name__)


class Stream:
    """Hands committed changes to the consumers, in commit order.

    Two threads that commit one after the other may arrive here in the other order. So a commit puts
    its changes in line while it still has the right to write, and whoever comes first delivers all
    that is in line: when `deliver` returns, what the caller put there has reached every consumer.

    After a fail-over some of what they were told may be lost, and no change says so: `tell_lost` does.
    """

    def __init__(self) -> None:
        self.errors = 0
        self._consumers: list[tuple[Consumer, OnLoss]] = []
        self._line: deque[Sequence[Change]] = deque()
        self._order = threading.RLock()  # held while delivering, so that the order is that of the line

    def subscribe(self, consumer: Consumer, on_loss: OnLoss = lambda: None) -> None:
        self._consumers.append((consumer, on_loss))

    def add(self, batch: Sequence[Change]) -> None:
        if batch:
            self._line.append(batch)

    def deliver(self) -> None:
        with self._order:
            while self._line:
                self._hand_out(self._line.popleft())

    def tell_lost(self) -> None:
        with self._order:
            for _, on_loss in self._consumers:
                self._call(on_loss)

    def _hand_out(self, batch: Sequence[Change]) -> None:
        for consumer, _ in self._consumers:
            self._call(consumer, batch)

    def _call(self, consumer: Callable[..., None], *told: Sequence[Change]) -> None:
        try:
            consumer(*told)
        except Exception:
            self.errors += 1
            logger.exception("a consumer of the log failed")
