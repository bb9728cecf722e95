"""What is logged, and how a line looks: each names the request it belongs to."""

import logging
import sys
from typing import TextIO

from minisocial import trace

LEVELS = ("debug", "info", "warning", "error")
QUIET = {
    "waitress": logging.WARNING,  # below that it writes whole paths, as they came, and some are secrets
    "waitress.queue": logging.ERROR,  # it warns of each request that waits, which is the balancer's business
}


class Line(logging.Formatter):
    """`2026-03-01 12:00:00 WARNING minisocial.database [3f2a…] what happened`."""

    def format(self, record: logging.LogRecord) -> str:
        record.request = f" [{trace.request_id()}]" if trace.request_id() else ""
        return super().format(record)


def set_up(level: str | None = None, stream: TextIO | None = None) -> None:
    """Logs to `stream` (standard error): without a level only warnings, so that a start says one thing, where it is.

    From `info` on there are our events, and a line for each request and task.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Line("%(asctime)s %(levelname)s %(name)s%(request)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel((level or "warning").upper())
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(least)
