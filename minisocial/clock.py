"""The time, handed in wherever it is needed, so that a test can move it."""

import time


class Clock:
    """The machine's clock. Tests hand in a subclass that stands still until told."""

    def time(self) -> float:
        """Seconds since 1970, which may step back."""
        return time.time()

    def milliseconds(self) -> int:
        """Milliseconds since 1970."""
        return int(self.time() * 1000)

    def monotonic(self) -> float:
        """Seconds since some moment; never steps back."""
        return time.monotonic()
