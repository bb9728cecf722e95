"""The mail server: one dialogue per letter, step by step.

Real letters and the host's test of the settings take the same steps, so a test that ends well means
that letters go out, and a letter that does not says which step failed and what to do about it.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable, Collection
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

from minisocial.background.header_text import letter_policy, one_line
from minisocial.background.mail_line import Line
from minisocial.background.mail_trouble import NotOffered, Refusal, TooBig, trouble
from minisocial.background.smtp_url import SmtpUrl

SAID_LIMIT = 120  # characters of what a server says that are shown
ADDRESSES_TRIED = 4
LETTER_PATIENCE = 4  # times as long as for other steps: the server looks for viruses, and ends of long lines
FAILURES = (smtplib.SMTPException, OSError, ValueError)  # ValueError: names and challenges that cannot be decoded

Tell = Callable[[str, str], object]  # is told of each step that went well: its name, and what was seen


def tell_nobody(step: str, seen: str) -> None:
    """Real letters go out without a word."""


class MailServer:
    """Hands letters over, each in a dialogue of its own; every step of it waits a bounded time."""

    def __init__(self, url: str, sender: str, patience: float, tls: ssl.SSLContext | None) -> None:
        """`patience`: seconds for each step. `tls`: whom to trust, by default the system's list."""
        self.at = SmtpUrl.parse(url)
        self._sender = sender
        self._patience = patience
        self._tls = tls

    def __str__(self) -> str:
        return str(self.at)

    def hand_over(
        self, message: EmailMessage, to: str, tell: Tell = tell_nobody, secrets: Collection[str] = ()
    ) -> None:
        """Returns when the server has taken the letter; raises MailDown or Undeliverable.

        `secrets`: words of the letter that nobody is told of, even if the server says them.
        """
        dialogue = Dialogue(self.at, self._sender, to, message, self._patience, self._tls)
        try:
            for step, take in dialogue.steps():
                try:
                    seen = take()
                except FAILURES as error:
                    raise trouble(step, error, self.at, self._patience, secrets) from None
                tell(step, one_line(seen, SAID_LIMIT))
        finally:
            dialogue.end()


class Dialogue:
    """One letter on its way to the server. Each step says what it saw, or raises what `trouble` explains."""

    def __init__(
        self, at: SmtpUrl, sender: str, to: str, message: EmailMessage, patience: float, tls: ssl.SSLContext | None
    ) -> None:
        self._at = at
        self._sender = sender
        self._to = to
        self._message = message
        self._patience = patience
        self._tls = tls
        self._found: list[tuple[Any, ...]] = []
        self._line: Line | None = None
        self._was_taken = False

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """The steps in their order: with smtps, TLS comes before the first word."""
        hello, secure = ("greeting", self._greet), ("TLS", self._secure)
        return [
            ("name", self._find),
            ("connection", self._connect),
            *([secure, hello] if self._at.is_tls else [hello, secure]),
            ("log-in", self._log_in),
            ("sender", self._say_from),
            ("recipient", self._say_to),
            ("message", self._say_letter),
        ]

    def end(self) -> None:
        """Hangs up; whatever comes now is no failure, since the server has the letter or has refused it."""
        if self._line is not None:
            with suppress(*FAILURES):
                if self._was_taken:
                    self._line.quit()
            self._line.close()

    @property
    def _open(self) -> Line:
        assert self._line is not None, "the steps are taken in order"
        return self._line

    def _find(self) -> str:
        self._found = socket.getaddrinfo(self._at.host, self._at.port, type=socket.SOCK_STREAM)[:ADDRESSES_TRIED]
        return f"{self._at.host} is {', '.join(dict.fromkeys(str(found[4][0]) for found in self._found))}"

    def _connect(self) -> str:
        for family, kind, protocol, _, address in self._found:
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(self._patience)
            try:
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            else:
                self._line = Line(connection, self._sender.rpartition("@")[2], self._patience)
                return f"port {self._at.port} of {address[0]} is open"
        raise failure

    def _greet(self) -> str:
        self._expect(220, self._open.greeting())
        self._open.ehlo_or_helo_if_needed()
        return f"it says hello: {(self._open.ehlo_resp or self._open.helo_resp or b'').decode('utf-8', 'replace')}"

    def _secure(self) -> str:
        at, line = self._at, self._open
        if at.is_tls:
            return f"{line.secure(self._trust(), at.host)}, and the certificate is one of {at.host}"
        if at.starttls == "off" or (at.starttls == "auto" and not line.has_extn("starttls")):
            return "none: this line can be listened to"
        if not line.has_extn("starttls"):
            raise NotOffered("STARTTLS")
        self._expect(220, line.docmd("STARTTLS"))
        is_checked = at.starttls == "required"
        version = line.secure(self._trust() if is_checked else _trust_anybody(), at.host)
        line.ehlo_or_helo_if_needed()
        return f"{version}, and the certificate is {f'one of {at.host}' if is_checked else 'not looked at'}"

    def _log_in(self) -> str:
        if not self._at.user:
            return "none is set"
        if not self._open.has_extn("auth"):
            raise NotOffered("AUTH")
        self._open.login(self._at.user, self._at.password)
        return f"as {self._at.user}"

    def _say_from(self) -> str:
        self._content = self._message.as_bytes(policy=letter_policy(self._is_international))
        limit = self._open.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(self._content):
            raise TooBig(f"it takes {int(limit):,} bytes, and this letter has {len(self._content):,}")
        self._expect(250, self._open.mail(self._sender, self._options()))
        return self._sender

    def _options(self) -> list[str]:
        size = [f"size={len(self._content)}"] if self._open.has_extn("size") else []
        if not self._is_international:
            return size
        if not self._open.has_extn("smtputf8"):
            raise NotOffered("SMTPUTF8")
        return [*size, "SMTPUTF8", "BODY=8BITMIME"]

    @property
    def _is_international(self) -> bool:
        """Whether an address has signs that only newer servers know (RFC 6531)."""
        return not f"{self._sender}{self._to}".isascii()

    def _say_to(self) -> str:
        code, said = self._open.rcpt(self._to)
        if code not in (250, 251):
            raise Refusal(code, said)
        return self._to

    def _say_letter(self) -> str:
        self._open.patience *= LETTER_PATIENCE
        code, said = self._open.data(self._content)
        self._expect(250, (code, said))
        self._was_taken = True
        self._open.patience = min(self._patience, 2.0)  # for its good-bye
        return f"taken: {said.decode('utf-8', 'replace')}"

    def _expect(self, code: int, answer: tuple[int, bytes]) -> None:
        if answer[0] != code:
            raise Refusal(*answer)

    def _trust(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()


def _trust_anybody() -> ssl.SSLContext:
    """For a server that offers TLS unasked: better than plain text, and many show a certificate they made."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
