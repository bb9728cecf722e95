"""The `smtp_url`: which mail server, and how to speak with it."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from minisocial.errors import CannotStart

STARTTLS = ("auto", "required", "off")
HOW = "smtp_url must look like smtp://user:password@mail.example.org:587 or smtps://user:password@mail.example.org"
SIGNS = "signs like @ / : # % in the name or the password are written as %40 %2F %3A %23 %25"


class BadSetting(CannotStart, ValueError):
    """A setting about mail that cannot be used; the message never has a password in it."""


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
        try:
            parts = urlsplit(url)
            host, port, query = parts.hostname, parts.port, parse_qs(parts.query)
        except ValueError:
            raise BadSetting(f"{HOW}; {SIGNS}.") from None
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        starttls = query.get("starttls", ["required" if password else "auto"])[-1]
        if parts.scheme not in ("smtp", "smtps") or not host or parts.path.strip("/") or parts.fragment:
            raise BadSetting(f"{HOW}; {SIGNS}.")
        if starttls not in STARTTLS:
            raise BadSetting(f"In smtp_url, starttls is {', '.join(STARTTLS[:-1])} or {STARTTLS[-1]}.")
        if not f"{user}{password}".isascii():
            raise BadSetting("The user name and password in smtp_url must be plain ASCII.")
        is_tls = parts.scheme == "smtps"
        port = port or (465 if is_tls else 587 if user else 25)
        return cls(host, port, is_tls, "off" if is_tls else starttls, user, password)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
