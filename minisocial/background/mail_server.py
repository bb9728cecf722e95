"""The mail server: how to reach it, one dialogue per letter, and what its answers mean."""

import smtplib
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from minisocial.background.header_text import one_line
from minisocial.background.worker import Hopeless
from minisocial.errors import Unavailable

ANSWER_LIMIT = 200  # characters kept of what a server says
STARTTLS = ("auto", "required", "off")


class MailDown(Unavailable):
    """The letter was not taken this time; it may be later."""


class Undeliverable(Hopeless):
    """The letter will never be taken: the address or the letter itself is refused."""


@dataclass(frozen=True, slots=True)
class SmtpUrl:
    """What an `smtp_url` says."""

    host: str
    port: int
    is_tls: bool  # from the first byte (smtps)
    starttls: str  # auto: if the server offers it, whoever it is; required: or no letter; off
    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> "SmtpUrl":
        """`smtp://[user:password@]host[:port][?starttls=auto|required|off]` or `smtps://…`.

        Where there is a password, TLS is required unless the URL says `starttls=off`.
        """
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        default = "required" if password else "auto"
        starttls = parse_qs(parts.query).get("starttls", [default])[-1]
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or starttls not in STARTTLS:
            raise ValueError("smtp_url must look like smtp://user:password@mail.example.org:587 or smtps://…")
        if not f"{user}{password}".isascii():
            raise ValueError("The user name and password in smtp_url must be plain ASCII.")
        is_tls = parts.scheme == "smtps"
        port = parts.port or (465 if is_tls else 587 if user else 25)
        return cls(parts.hostname, port, is_tls, "off" if is_tls else starttls, user, password)


class MailServer:
    """Hands letters over, each in a dialogue of its own; every step of it waits a bounded time."""

    def __init__(self, url: str, sender: str, timeout: float, tls: ssl.SSLContext | None) -> None:
        self._at = SmtpUrl.parse(url)
        self._sender = sender
        self._timeout = timeout
        self._tls = tls

    def __str__(self) -> str:
        return f"{self._at.host}:{self._at.port}"

    def hand_over(self, message: EmailMessage, to: str) -> None:
        """Returns when the server has taken the letter; raises MailDown or Undeliverable."""
        smtp = self._connect()
        try:
            smtp.send_message(message, self._sender, [to])
        except (smtplib.SMTPException, OSError) as error:
            smtp.close()
            raise self._refusal(error) from None
        with suppress(smtplib.SMTPException, OSError):  # it has the letter: whatever comes now is no failure
            smtp.quit()

    def _connect(self) -> smtplib.SMTP:
        """An open, secured and logged-in connection."""
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._dial()
            self._log_in(smtp)
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise self._down(error) from None
        return smtp

    def _dial(self) -> smtplib.SMTP:
        at = self._at
        me = self._sender.rpartition("@")[2]  # else smtplib asks the DNS for our name, and may wait for it
        if at.is_tls:
            return smtplib.SMTP_SSL(at.host, at.port, me, timeout=self._timeout, context=self._trust())
        return smtplib.SMTP(at.host, at.port, me, timeout=self._timeout)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        at = self._at
        smtp.ehlo_or_helo_if_needed()
        if at.starttls == "required":
            smtp.starttls(context=self._trust())
        elif at.starttls == "auto" and smtp.has_extn("starttls"):
            smtp.starttls(context=_trust_anybody())
        if at.user:
            smtp.login(at.user, at.password)

    def _trust(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    def _refusal(self, error: Exception) -> Exception:
        """What an answer to a letter means: 5xx for its recipient or content is for good."""
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return Undeliverable("The mail server cannot send to an address with such characters.")
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            error = smtplib.SMTPDataError(*next(iter(error.recipients.values())))
        if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500:
            return Undeliverable(f"The mail server refused the letter: {self._told(error)}.")
        return self._down(error)

    def _down(self, error: Exception) -> MailDown:
        return MailDown(f"The mail server {self} did not take the letter: {self._told(error)}.")

    def _told(self, error: Exception) -> str:
        """The server's words, or the system's, on one line."""
        text = str(error) or type(error).__name__
        if isinstance(error, smtplib.SMTPResponseException):
            answer = error.smtp_error
            text = f"{error.smtp_code} {answer.decode(errors='replace') if isinstance(answer, bytes) else answer}"
        return one_line(self._without_password(text), ANSWER_LIMIT).rstrip(".")

    def _without_password(self, text: str) -> str:
        """Some servers repeat what they were sent."""
        user, password = self._at.user, self._at.password
        if not password:
            return text
        for said in (f"\0{user}\0{password}", password):
            text = text.replace(b64encode(said.encode()).decode(), "…").replace(said, "…")
        return text


def _trust_anybody() -> ssl.SSLContext:
    """For a server that offers TLS unasked: better than plain text, and many show a certificate they made."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
