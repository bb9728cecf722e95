"""A whole minisocial in a process of its own, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
OFF = {"MINISOCIAL_RATE_LIMITS": "off", "MINISOCIAL_PASSWORD_COST": "4"}


class Child:
    """`python -m minisocial serve` on a data folder; `url` is where it answers."""

    def __init__(self, data: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "minisocial", "serve", "--data", str(data), "--port", "0", *flags]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **OFF}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.url = self._address()

    def _address(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # ends when the process does
            for word in line.split():
                if urlsplit(word).scheme == "http":
                    return word
        raise AssertionError(f"it ended with status {self.process.wait()} and no address")

    def kill(self) -> None:
        """As `kill -9` does: no handler runs, nothing is tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Gracefully; its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status
