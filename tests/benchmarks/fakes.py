"""Servers that answer as told, byte for byte."""

import re
import socket
import threading
from types import TracebackType


class ScriptedServer:
    """Answers each request with the next of `answers`, then with the last; None: hangs up instead."""

    def __init__(self, *answers: "bytes | None") -> None:
        self._answers = list(answers)
        self._lock = threading.Lock()  # guards _answers and requests
        self.requests: list[str] = []
        self.opened = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> "ScriptedServer":
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.opened += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._answer_all(connection)
            except OSError:
                return  # the client has gone

    def _answer_all(self, connection: socket.socket) -> None:
        while request := _whole_request(connection):
            with self._lock:
                self.requests.append(request)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if answer is None:
                return
            for start in range(0, len(answer), 4000):  # in pieces, as a network delivers it
                connection.sendall(answer[start : start + 4000])


def _whole_request(connection: socket.socket) -> str:
    """Head and body, or "" when the client has hung up."""
    request = ""
    while data := connection.recv(65536).decode("latin-1"):
        request += data
        head, blank, body = request.partition("\r\n\r\n")
        length = re.search(r"Content-Length: (\d+)", head)
        if blank and len(body) >= (int(length[1]) if length else 0):
            return request
    return ""


def answer(status: str = "200 OK", body: bytes = b"hello", *headers: str) -> bytes:
    """A whole answer with its length."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body
