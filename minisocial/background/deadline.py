"""A deadline: until when an attempt at a task may go on, and how it is told to stop."""

import threading

from minisocial.clock import Clock
from minisocial.errors import MinisocialError


class OutOfTime(MinisocialError):
    """The attempt was told to stop. What it did until then is kept, or undone, as with any failure."""


class Deadline:
    """How long one attempt may take. Nobody can end a thread from outside, so the task has to ask."""

    def __init__(self, clock: Clock | None = None, seconds: float = float("inf")) -> None:
        self._clock = clock or Clock()
        self.began = self._clock.monotonic()
        self.seconds = seconds
        self.is_called_off = threading.Event()  # for those who wait: it is set as soon as they should not any more

    @property
    def elapsed(self) -> float:
        """Seconds since the attempt began."""
        return self._clock.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds it may still take; 0 if it should stop."""
        return 0.0 if self.is_called_off.is_set() else max(0.0, self.seconds - self.elapsed)

    def call_off(self) -> None:
        self.is_called_off.set()

    def check(self) -> None:
        """Raises OutOfTime if it should stop."""
        if not self.left:
            raise OutOfTime(f"It was told to stop after {self.elapsed:.0f} seconds, and is tried again.")
