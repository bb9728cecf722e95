"""The tortured process, seen from outside: it is started, told what to do, watched, stopped and killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TextIO

from minisocial.torture.status import Status, from_line

START_SECONDS = 30.0
CALM_SECONDS = 0.25
LOG = "child.stderr"


class Victim:
    """A child process and the newest it said of itself. Leaving the block kills it."""

    def __init__(self, folder: Path, durability: str, seed: str, preload: Mapping[str, str]) -> None:
        """`preload`: environment of the library that makes disks fail."""
        self._log = (folder / LOG).open("ab")
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "minisocial.torture.child", str(folder), durability, seed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **preload},
            cwd=Path(__file__).resolve().parents[2],
            text=True,
            start_new_session=True,  # Ctrl-C is for the one who tortures
        )
        self._news = threading.Condition()  # guards _status, _stirred, _has_ended
        self._status: Status | None = None
        self._stirred = time.monotonic()  # when it was last not healthy, or began to use another file
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def __enter__(self) -> "Victim":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()

    @property
    def status(self) -> Status:
        """The newest; there is one once `wait_for_start` was true."""
        with self._news:
            assert self._status is not None
            return self._status

    @property
    def has_ended(self) -> bool:
        return self._has_ended

    @property
    def is_calm(self) -> bool:
        """For a while, every copy of every shard has followed closely."""
        with self._news:
            return time.monotonic() - self._stirred > CALM_SECONDS

    def wait_for_start(self) -> bool:
        """False if it did not open the database in time."""
        return self.wait(lambda status: True, START_SECONDS)

    def wait(self, until: Callable[[Status], bool], seconds: float) -> bool:
        """Waits until its status is as asked; False if it is not by then, or it ended."""

        def is_over() -> bool:
            return self._has_ended or (self._status is not None and until(self._status))

        with self._news:
            self._news.wait_for(is_over, seconds)
            return self._status is not None and until(self._status)

    def tell(self, word: str) -> None:
        """Has the operator do something."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        except OSError:  # it just ended
            return

    def freeze(self, seconds: float) -> None:
        """Stops the whole process for a while, as a paging or suspended machine does."""
        os.kill(self._process.pid, signal.SIGSTOP)
        threading.Event().wait(seconds)
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for end in (self._process.stdin, self._process.stdout, self._log):
            if end:
                try:
                    end.close()
                except BrokenPipeError:
                    continue

    def _read(self, lines: TextIO) -> None:
        for line in lines:
            try:
                status = from_line(line)
            except ValueError:  # torn by the kill
                continue
            with self._news:
                if not status.is_healthy or self._status is None or status.files != self._status.files:
                    self._stirred = time.monotonic()
                self._status = status
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()
