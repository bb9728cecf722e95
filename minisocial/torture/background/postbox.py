"""A mail server that takes everything, keeps it, and tells where in its dialogues it is."""

import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy

STEPS = ("EHLO", "MAIL", "RCPT", "DATA", "text", "taken", "answered")  # of one dialogue
SECONDS = 20.0  # of silence, after which a connection is closed
LINE = 8192  # bytes of one line that are read


@dataclass(frozen=True, slots=True)
class Received:
    """One letter that the server took."""

    to: str
    subject: str
    message_id: str


class Postbox(socketserver.ThreadingTCPServer):
    """SMTP as far as it is needed to take letters, on a port of this machine.

    A letter counts from the moment its last dot was read: whatever happens to the answer, it is taken.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, pause: Callable[[], object] = lambda: None) -> None:
        """`pause` is called before a letter is taken: a slow server waits there."""
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.pause = pause
        self._lock = threading.Lock()  # guards the two below
        self._received: list[Received] = []
        self._trap: tuple[str, Callable[[], None]] | None = None
        threading.Thread(target=self.serve_forever, name="postbox", daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    @property
    def received(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def set_trap(self, step: str, spring: Callable[[], None]) -> None:
        """The next dialogue that comes to this step stops there until `spring` returns."""
        with self._lock:
            self._trap = (step, spring)

    def reached(self, step: str) -> None:
        """Called by a dialogue."""
        with self._lock:
            trap = self._trap
            if trap is None or trap[0] != step:
                return
            self._trap = None
        trap[1]()

    def take(self, text: bytes) -> None:
        message = message_from_bytes(text, policy=policy.default)
        with self._lock:
            self._received.append(Received(str(message["To"]), str(message["Subject"]), str(message["Message-ID"])))


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection."""

    timeout = SECONDS
    server: Postbox

    def handle(self) -> None:
        try:
            self._say("220 postbox")
            while line := self.rfile.readline(LINE):
                if not self._answer(
                    line.split(maxsplit=1)[0].upper().decode("ascii", "replace") if line.strip() else ""
                ):
                    return
        except OSError:  # the other side was killed
            return

    def _answer(self, word: str) -> bool:
        self.server.reached(word)
        if word == "DATA":
            self._say("354 go on")
            return self._take_text()
        self._say("221 bye" if word == "QUIT" else "250 fine")
        return word != "QUIT"

    def _take_text(self) -> bool:
        lines: list[bytes] = []
        while line := self.rfile.readline(LINE):
            if len(lines) == 1:
                self.server.reached("text")
            if line == b".\r\n":
                self.server.pause()
                self.server.take(b"".join(lines))
                self.server.reached("taken")
                self._say("250 taken")
                self.server.reached("answered")
                return True
            lines.append(line.removeprefix(b"."))
        return False

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
