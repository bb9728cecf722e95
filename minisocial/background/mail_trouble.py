"""What went wrong with a letter, in plain words: which step, why, and what to do about it."""

import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass

from minisocial.background.handlers import Hopeless
from minisocial.background.header_text import one_line
from minisocial.background.mail_line import Garbage
from minisocial.background.smtp_url import SIGNS, SmtpUrl
from minisocial.errors import Unavailable

ANSWER_LIMIT = 200  # characters kept of what a server says


class MailDown(Unavailable):
    """The letter was not taken this time; it may be later. `step`: where it failed; `remedy`: what to do."""

    def __init__(self, message: str, step: str = "", what: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.step = step
        self.what = what
        self.remedy = remedy


class Undeliverable(Hopeless):
    """The letter will never be taken: the address or the letter itself is refused."""

    def __init__(self, message: str, step: str = "", what: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.step = step
        self.what = what
        self.remedy = remedy


class Refusal(smtplib.SMTPResponseException):
    """The server said no."""


class NotOffered(smtplib.SMTPNotSupportedError):
    """The server does not know something that we need: `str()` of it is its name."""


class TooBig(smtplib.SMTPException):
    """The letter is longer than the server said it takes."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a step failed: in the server's words or ours, and the remedy."""

    what: str
    remedy: str
    is_final: bool = False  # another try would end the same way


def trouble(
    step: str, error: Exception, at: SmtpUrl, patience: float, secrets: Collection[str] = ()
) -> MailDown | Undeliverable:
    """What to raise for a step that failed; none of the `secrets` is in its message, nor the password."""
    cause = _CAUSES[step](error, at) or _of_the_line(error, at, patience)
    what = one_line(_without(secrets, _without_password(cause.what, at)), ANSWER_LIMIT).rstrip(".")
    kind = Undeliverable if cause.is_final else MailDown
    message = f"The mail server {at} did not take the letter, at the step “{step}”: {what}. {cause.remedy}"
    return kind(message, step, what, cause.remedy)


def _of_the_line(error: Exception, at: SmtpUrl, patience: float) -> Cause:
    """What can happen at any step."""
    if isinstance(error, TimeoutError):
        return Cause(
            f"no answer within {patience:g} seconds", "It may be overloaded: try again later, or ask its host."
        )
    if isinstance(error, Garbage):
        return Cause(
            f"what answers there is no mail server; it said: {error}", f"Check the host and the port. {_PORTS}"
        )
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionError):
        return Cause(
            "it hung up in the middle", "Try again; if it stays so, ask its host: it may not like this machine."
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return Cause(_said(error), _LATER if error.smtp_code < 500 else "What it says is the reason; ask its host.")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Cause(reason or type(error).__name__, "Try again; if it stays so, ask the host of the mail server.")


# --- step by step


def _name(error: Exception, at: SmtpUrl) -> Cause | None:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Cause(
            f"the name {at.host} could not be looked up", "Is this machine on the network, and does its DNS work?"
        )
    return Cause(f"there is no {at.host}", "Check the name of the mail server in smtp_url for a slip.")


def _connection(error: Exception, at: SmtpUrl) -> Cause | None:
    if isinstance(error, ConnectionRefusedError):
        return Cause(
            f"nobody listens at port {at.port} of {at.host}", f"Check the port, and that the server runs. {_PORTS}"
        )
    if isinstance(error, TimeoutError):
        remedy = "A firewall or your provider may block it (port 25 is blocked by many): try 587 or 465, or ask them."
        return Cause(f"port {at.port} of {at.host} does not answer, as if it were walled off", remedy)
    if isinstance(error, OSError):
        return Cause(error.strerror or type(error).__name__, "This machine finds no way there: check its network.")
    return None


def _greeting(error: Exception, at: SmtpUrl) -> Cause | None:
    if isinstance(error, TimeoutError | smtplib.SMTPServerDisconnected | ConnectionError) and not at.is_tls:
        return Cause("it says nothing", f"Perhaps this port waits for TLS: write smtps:// in smtp_url. {_PORTS}")
    if isinstance(error, smtplib.SMTPResponseException):
        return Cause(_said(error), "It does not talk to this machine now: try again later, or ask its host.")
    return None


def _tls(error: Exception, at: SmtpUrl) -> Cause | None:
    if isinstance(error, NotOffered):
        remedy = "Write smtps:// and port 465, if it has that. Only on a line that nobody listens to: ?starttls=off."
        return Cause("it offers no STARTTLS, so the password would go over an open line", remedy)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, at)
    if isinstance(error, ssl.SSLError):
        what = f"no TLS could be agreed on ({(error.reason or 'unknown').lower().replace('_', ' ')})"
        hint = (
            "Perhaps this port begins without TLS: write smtp:// in smtp_url" if at.is_tls else "Its TLS may be too old"
        )
        return Cause(what, f"{hint}. {_PORTS}")
    return None


def _certificate(error: ssl.SSLCertVerificationError, at: SmtpUrl) -> Cause:
    if error.verify_code in (62, 63, 64):  # host name, e-mail or address does not fit
        return Cause(
            f"its certificate is for another name than {at.host}",
            "Write the name that stands in the certificate into smtp_url, which its host can tell you.",
        )
    if error.verify_code == 10:
        return Cause("its certificate has expired", "Its host must renew it. Check this machine's clock, too.")
    if error.verify_code == 9:
        return Cause("its certificate is not valid yet", "Check this machine's clock.")
    return Cause(
        f"its certificate is not trusted ({error.verify_message})",
        "Its host should use one that everybody trusts; or tell this machine to: SSL_CERT_FILE=the-certificate.pem.",
    )


def _log_in(error: Exception, at: SmtpUrl) -> Cause | None:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        if error.smtp_code < 500:
            return Cause(_said(error), _LATER)
        remedy = (
            f"Check the name and password in smtp_url; {SIGNS}. Some providers want a password made for this program."
        )
        return Cause(f"the name or the password was refused: {_said(error)}", remedy)
    if isinstance(error, NotOffered):
        remedy = "Use the port for sending with a password (587, or smtps:// and 465); or leave name and password out."
        return Cause("it takes no password here", remedy)
    if type(error) is smtplib.SMTPException:
        return Cause("it knows no way to log in that we know", "Ask its host to allow PLAIN or LOGIN over TLS.")
    return None


def _sender(error: Exception, at: SmtpUrl) -> Cause | None:
    if isinstance(error, NotOffered):
        return Cause(
            "it cannot send to an address with such characters", "Use an address of plain letters.", is_final=True
        )
    if isinstance(error, TooBig):
        return Cause(f"the letter is too large: {error}", "Ask its host to take larger ones.", is_final=True)
    if _code(error) >= 500:
        if _wants_log_in(error):
            return Cause(_said(error), _LOG_IN)
        remedy = "Set mail_from to an address that this mail server may send for: mostly that of the account itself."
        return Cause(f"the sender was refused: {_said(error)}", remedy)
    return None


def _recipient(error: Exception, at: SmtpUrl) -> Cause | None:
    if _code(error) >= 500:
        if _wants_log_in(error):
            return Cause(_said(error), _LOG_IN)
        return Cause(f"the address was refused: {_said(error)}", "Check the address for a slip.", is_final=True)
    if _code(error) >= 400:
        remedy = (
            "Many servers refuse a stranger's first letter on purpose (greylisting). Letters are tried again for a day."
        )
        return Cause(f"the address was not taken this time: {_said(error)}", remedy)
    return None


def _message(error: Exception, at: SmtpUrl) -> Cause | None:
    if _code(error) == 552:
        return Cause(f"the letter is too large: {_said(error)}", "Ask its host to take larger ones.", is_final=True)
    if _code(error) >= 500:
        remedy = "Often the domain of mail_from lacks SPF or DKIM records, or this machine's address is on a blocklist."
        return Cause(f"the letter itself was refused: {_said(error)}", remedy, is_final=True)
    return None


_CAUSES: dict[str, Callable[[Exception, SmtpUrl], Cause | None]] = {
    "name": _name,
    "connection": _connection,
    "greeting": _greeting,
    "TLS": _tls,
    "log-in": _log_in,
    "sender": _sender,
    "recipient": _recipient,
    "message": _message,
}
_PORTS = "Usual are smtp:// with 587, smtps:// with 465, and 25 between servers."
_LATER = "It asks to come again later; letters are tried again for a day."
_LOG_IN = "It sends for nobody it does not know: put a name and password into smtp_url, smtp://user:password@…"


def _code(error: Exception) -> int:
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0


def _wants_log_in(error: Exception) -> bool:
    """Whether what a server lacks is not a better address but to know who we are."""
    said = _said(error).lower()
    return _code(error) == 530 or "relay" in said or "authentication required" in said


def _said(error: Exception) -> str:
    """The server's code and words."""
    assert isinstance(error, smtplib.SMTPResponseException)
    words = error.smtp_error
    return f"{error.smtp_code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"


def _without(secrets: Collection[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "…")
    return text


def _without_password(text: str, at: SmtpUrl) -> str:
    """Some servers repeat what they were sent."""
    if not at.password:
        return text
    for said in (f"\0{at.user}\0{at.password}", at.password):
        text = text.replace(b64encode(said.encode()).decode(), "…").replace(said, "…")
    return text
