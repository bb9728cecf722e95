"""HTTP as strictly as two servers in a row need it: what could be read in two ways is refused.

Waitress parses well; this adds what RFC 9112 leaves to the server's choice, and the limits.
"""

import select
import time
from contextlib import suppress
from io import BytesIO
from typing import Any, cast

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, build_http_date

from minisocial.proxy.origin import is_host

LONGEST_CHUNK_LINE = 1024
UNREAD = 1 << 20  # bytes looked at when a connection is closed
CHUNK = 64 << 10
UNSENT = 256 << 10  # bytes of answers that wait for a client who goes on asking
DRAINED = 16 << 20  # bytes of a body that is too large, read and dropped so that the client reads our answer

SENTENCES = {
    400: "This request was not understood: it is not proper HTTP. Nothing was changed.",
    413: "That was far too large to be taken. Nothing was changed.",
    431: "The headers of this request are too long. Deleting this site's cookies may help.",
    500: "Something broke on our side. Please try again in a moment.",
    501: "This way of sending is not understood. Nothing was changed.",
}


class Body:
    """A request's body in memory, kept up to `limit` bytes and only counted beyond."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0
        self._file = BytesIO()

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        self._length += len(data)
        if self._length <= self._limit:
            self._file.write(data)

    def getfile(self) -> BytesIO:
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        self._file.close()


class StrictParser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses what smuggles requests: doubled lengths, hosts and framings, folded lines, foreign targets."""

    body_rcv: Any
    expect_continue: bool

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.began = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        _refuse_ambiguous(header_plus)
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a target that is no URL, such as http://[
            raise ParsingError("odd target") from error
        _refuse_odd_target(self)
        if self.body_rcv is not None:
            self._limit_body()

    def received(self, data: bytes) -> int:
        count = cast(int, super().received(data))
        lines = getattr(self.body_rcv, "control_line", b""), getattr(self.body_rcv, "trailer", b"")
        if max(map(len, lines)) > LONGEST_CHUNK_LINE:
            self.error = BadRequest("chunk line too long")
            self.completed = True
        return count

    def _limit_body(self) -> None:
        self.body_rcv.buf = Body(self.adj.body_bytes)
        if self.expect_continue and self.content_length > self.adj.body_bytes:
            # the client asks first: say no at once, and expect no body
            self.expect_continue = False
            self.body_rcv = None
            self.headers["CONNECTION"] = "close"


class PlainErrorTask(ErrorTask):  # type: ignore[misc]
    """What somebody gets whose request could not even be read: one sentence, no names or versions."""

    def execute(self) -> None:
        error = self.request.error
        body = SENTENCES.get(error.code, SENTENCES[400]).encode() + b"\n"
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class CompleteTask(WSGITask):  # type: ignore[misc]
    """Sends a complete answer in one piece.

    Waitress itself closes the connection after each 304, respells and sorts every header, and sends the
    headers and the body as two packets; our answers are complete and well spelled, so none of it is needed.
    """

    wrote_header: bool

    def write(self, data: bytes) -> None:
        if self.wrote_header or not self.has_body or len(data) != self.content_length:
            super().write(data)
            return
        whole = self.build_response_header() + data
        self.wrote_header = True
        self.content_bytes_written = len(data)
        self.channel.write_soon(whole)

    def build_response_header(self) -> bytes:
        """The answer's head, with the headers in the order and spelling they were given."""
        if self._has_to_close():
            self.set_close_on_finish()
        elif self.version == "1.0":
            self.response_headers.append(("Connection", "Keep-Alive"))
        lines = [f"HTTP/{self.version} {self.status}"]
        if not self.response_headers or self.response_headers[0][0] != "Date":  # a kept page brings its own
            lines.append(f"Date: {build_http_date(self.start_time)}")
        lines += [f"{name}: {value}" for name, value in self.response_headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _has_to_close(self) -> bool:
        asked = self.request.headers.get("CONNECTION", "").lower()
        if "," in asked:  # seldom: other headers named as being for this step only, which nobody passes on here
            options = [option.strip() for option in asked.split(",")]
            asked = "close" if "close" in options else "keep-alive" if "keep-alive" in options else ""
        keeps = asked == "keep-alive" if self.version == "1.0" else asked != "close"
        return not keeps or (self.has_body and self.content_length is None)


class StrictChannel(HTTPChannel):  # type: ignore[misc]
    """A connection that speaks strictly, one request after the other."""

    parser_class = StrictParser
    error_task_class = PlainErrorTask
    task_class = CompleteTask
    _active = 0.0
    is_due = False  # a request is complete, and nobody works on it yet; used by the front door's own thread only

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.opened = time.monotonic()

    def received(self, data: bytes) -> bool:
        """Takes what has arrived; a request that is complete by now is begun."""
        is_open = super().received(data)
        if self.is_due:
            self.server.task_dispatcher.begin(self)
        return cast(bool, is_open)

    def write_soon(self, data: bytes) -> int:
        """Sends soon. Who asks on without reading what they asked for is cut off after the answers so far.

        Waitress would let 16 MiB of answers pile up for each connection, and then have a thread wait for the
        client without end: a few connections that never read would take all memory and all threads.
        """
        if self.total_outbufs_len > UNSENT:
            with self.outbuf_lock:
                self._flush_exception(self._flush_some, do_close=False)
            if self.total_outbufs_len > UNSENT:
                raise ClientDisconnected
        sent = self._send_now(data)
        if sent < len(data):
            super().write_soon(data[sent:])
        return len(data)

    def _send_now(self, data: bytes) -> int:
        """Straight to the network, if nothing waits to be sent before it; mostly all goes, and no buffer is needed."""
        with self.outbuf_lock:
            if self.total_outbufs_len or not self.connected:
                return 0
            sent = cast(int, self.send(data, do_close=False))
        self._active = time.monotonic()
        return sent

    @property
    def last_activity(self) -> float:
        """When it was last read from or sent to, by the clock that nobody sets."""
        return self._active

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        self._active = time.monotonic()  # Waitress says `time.time()`; a clock set forward would close everything

    def close_if_slow(self, seconds: float, idle_seconds: float) -> None:
        """Closes it if a request takes too long to arrive, an answer to be read, or nothing comes at all.

        Of a request, idle bytes now and then do not hold it open.
        """
        if self.requests:  # the rest of the next one is not read before this one is answered
            return
        now, request = time.monotonic(), self.request
        patience = seconds if self.total_outbufs_len else idle_seconds
        if request is not None and now - request.began > seconds:
            self.will_close = True
        elif request is None and now - self._active > patience and (self.total_outbufs_len or not self.has_news()):
            self.handle_close()

    def has_news(self) -> bool:
        """Whether something has arrived that was not read yet, such as a request."""
        look = select.poll()
        look.register(self.socket, select.POLLIN)
        return bool(look.poll(0))

    def handle_close(self) -> None:
        """Closes it; what has arrived and was not read is read first, or our last words would be lost with it."""
        with suppress(OSError, AttributeError):  # nothing there; or closed already
            for _ in range(UNREAD // CHUNK):
                if not self.socket.recv(CHUNK):
                    break
        super().handle_close()

    @property
    def is_idle(self) -> bool:
        """Nothing being read, run or sent."""
        return not (self.requests or self.request or self.total_outbufs_len)


def _refuse_ambiguous(head: bytes) -> None:
    head = head.lower()
    framings = head.count(b"\r\ncontent-length:") + head.count(b"\r\ntransfer-encoding:")
    if framings > 1:
        raise ParsingError("more than one length")
    if head.count(b"\r\nhost:") > 1:
        raise ParsingError("more than one Host")
    if b"\r\n " in head or b"\r\n\t" in head:
        raise ParsingError("folded header line")


def _refuse_odd_target(request: Any) -> None:
    host = request.headers.get("HOST")
    if host is None and request.version == "1.1":
        raise ParsingError("no Host")
    if host is not None and not is_host(host):
        raise ParsingError("odd Host")
    if request.proxy_netloc and request.proxy_netloc != host:
        raise ParsingError("target and Host differ")  # RFC 9112 would have the target count; one of two may lie
    if not request.path.startswith("/"):
        _settle_path(request)
    if request.version != "1.1" and "TRANSFER_ENCODING" in request.headers:
        raise ParsingError("Transfer-Encoding in HTTP/1.0")


def _settle_path(request: Any) -> None:
    """What stands in the request line is a path, unless it is a whole address without one, or `*` for OPTIONS."""
    if request.proxy_netloc and not request.path:
        request.path = "/"
    elif request.command != "OPTIONS" or request.path != "*":
        raise ParsingError("odd target")
