"""Ctrl-C and SIGTERM: the first asks to stop gracefully, the second stops at once."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

GRACE = 4.8  # seconds; then it ends as `kill -9` would, which loses nothing that was acknowledged
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(BaseException):
    """Work was broken off, because somebody asked for it."""


class StopSignals:
    """`with StopSignals() as stop: ... stop.wait()`, in the main thread.

    A handler runs between any two steps of the main thread, so it only puts a word into a queue
    that is made for that (an `Event` could be locked at that very moment); the work looks at
    `check()` where it can be broken off.
    """

    def __init__(self, at_once: Callable[[int], Any] = os._exit) -> None:
        self._at_once = at_once
        self._words: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.is_asked = False
        self._before: dict[int, Any] = {}
        self.last_act: Callable[[], None] = lambda: None  # what must be done even when stopping at once

    def __enter__(self) -> "StopSignals":
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue  # nohup wants it so (a shell that starts us with & ignores SIGINT, but means no harm)
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises `Stopped` if somebody asked."""
        if self.is_asked:
            raise Stopped

    def wait(self) -> None:
        """Until somebody asks."""
        while not self.is_asked:
            try:
                self._words.get(timeout=1)
            except queue.Empty:
                continue  # Windows tells of Ctrl-C only between two waits

    def guard(self, seconds: float = GRACE) -> threading.Timer:
        """Ends the process when the graceful way takes too long; cancel it when that is done."""
        timer = threading.Timer(seconds, self._give_up)
        timer.daemon = True
        timer.start()
        return timer

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked:
            self.last_act()
            self._at_once(128 + number)
        self.is_asked = True
        self._words.put(number)

    def _give_up(self) -> None:
        sys.stderr.write("minisocial did not end in time and was stopped; nothing that was acknowledged is lost.\n")
        self.last_act()
        self._at_once(1)
