"""How far a long job is: a bar on a terminal, a few lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 32  # characters of the bar
EVERY = 0.1  # seconds between two pictures of it


class Progress:
    """`progress("posts", 300, 1000)`, as often as one likes; `check` may raise, to break the job off."""

    def __init__(
        self,
        check: Callable[[], None] = lambda: None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._stream = stream or sys.stdout
        self._clock = clock
        self._drawn = 0.0
        self._finished: set[str] = set()
        self._label = ""

    def __call__(self, label: str, done: int, total: int) -> None:
        self._check()
        if self._stream.isatty():
            self._draw(label, done, total)
        elif label != self._label:
            self._say(f"{label} ...\n")
        self._label = label

    def _draw(self, label: str, done: int, total: int) -> None:
        """On one line, which is left behind when the label changes or all is done."""
        ended = done >= total
        if label in self._finished or (not ended and label == self._label and self._clock() - self._drawn < EVERY):
            return
        self._drawn = self._clock()
        if ended:
            self._finished.add(label)
        share = min(1.0, done / total) if total else 1.0
        filled = int(share * WIDTH)
        bar = "█" * filled + "░" * (WIDTH - filled)
        self._say(f"\r\033[K{label:<24.24} {bar} {share:4.0%}" + ("\n" if ended else ""))

    def _say(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
