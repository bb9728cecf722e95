"""The ticket of a request that waits for a slot."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from minisocial.errors import NodeDown

W = TypeVar("W")
T = TypeVar("T")


class Ticket(Generic[W, T]):
    """Waits in its own thread; the slot is found in another one, so that nobody can be quicker."""

    __slots__ = ("_error", "_found", "_settled", "wish")

    def __init__(self, wish: W) -> None:
        self.wish = wish
        self._settled = threading.Lock()  # free once it is settled
        self._settled.acquire()
        self._found: T | None = None
        self._error: NodeDown | None = None

    def wait(self, seconds: float) -> bool:
        """Until it is settled; False if that takes too long."""
        return self._settled.acquire(timeout=max(0.0, seconds))

    def found(self) -> T:
        """What was found for it; raises if there is nothing to wait for any more."""
        if self._found is None:
            raise self._error or NodeDown("This part is resting.")
        return self._found

    def settle(self, choose: Callable[[W], T | None]) -> bool:
        """Looks for a slot; whether the waiting is over, for good or ill. To be called once more only if it is not."""
        try:
            self._found = choose(self.wish)
        except NodeDown as error:
            self._error = error
        if self._found is None and self._error is None:
            return False
        self._settled.release()
        return True
