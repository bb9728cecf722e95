"""The line to a mail server: SMTP over an open socket, where no answer may be endless."""

import smtplib
import socket
import ssl
import time

ANSWER_LINES = 100  # of one answer; servers that say hello use about fifteen
ANSWER_BYTES = 32 << 10
READ_BYTES = 4096


class Garbage(smtplib.SMTPException):
    """What answers is no mail server; `str()` of it is what it said."""


class Line(smtplib.SMTP):
    """smtplib's dialogue, but for how answers are heard.

    An answer is there within `patience` seconds, the whole of it and not each byte, and it has a bounded
    number of lines: smtplib itself waits anew for every byte, and stores lines without end.
    """

    def __init__(self, connection: socket.socket, me: str, patience: float) -> None:
        """`me`: the name to say hello with; else smtplib asks the DNS for ours, and may wait for it."""
        super().__init__(local_hostname=me, timeout=patience)
        self.sock = connection
        self.patience = patience
        self._heard = bytearray()

    def secure(self, context: ssl.SSLContext, host: str) -> str:
        """Begins TLS, and gives its version. What was heard before is forgotten: anybody may have put it in."""
        assert self.sock is not None
        self.sock.settimeout(self.patience)
        self.sock = secured = context.wrap_socket(self.sock, server_hostname=host)
        self._heard.clear()
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        return secured.version() or "TLS"

    def greeting(self) -> tuple[int, bytes]:
        """What the server says first, unasked."""
        return self.getreply()

    def getreply(self) -> tuple[int, bytes]:
        """One answer: its code, and its words without their codes."""
        end = time.monotonic() + self.patience
        said: list[bytes] = []
        while True:
            line = self._hear(end)
            if not line[:3].isdigit() or len(said) >= ANSWER_LINES:
                self.close()
                raise Garbage(line[:100].decode("utf-8", "replace"))
            said.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(said)

    def _hear(self, end: float) -> bytes:
        """One line, before this moment."""
        while b"\n" not in self._heard:
            if len(self._heard) > ANSWER_BYTES:
                self.close()
                raise Garbage(self._heard[:100].decode("utf-8", "replace"))
            self._heard += self._receive(end)
        line, _, rest = bytes(self._heard).partition(b"\n")
        self._heard = bytearray(rest)
        return line

    def _receive(self, end: float) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the line is closed")
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        data = self.sock.recv(READ_BYTES)
        self.sock.settimeout(self.patience)  # for what is sent next
        if not data:
            self.close()
            raise smtplib.SMTPServerDisconnected("the server hung up")
        return data
