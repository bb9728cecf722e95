"""A real mail server on this machine, for as long as a test runs."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller


class Box:
    """Takes letters, or answers as it is told to: `answers` maps "RCPT" or "DATA" to a reply."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.envelopes: list[Any] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.letters.append(envelope.original_content)
        self.envelopes.append(envelope)
        return "250 OK"


@contextmanager
def smtp_server(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[tuple[Box, int]]:
    """The box and the port; `tls` is offered through STARTTLS, `ssl_context` begins with the first byte."""
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, tls_context=tls, **options)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
