"""Mail: settings with which letters would go out, but not arrive or lead nowhere. No server is spoken to."""

import ipaddress
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from minisocial.background.smtp_url import BadSetting, SmtpUrl
from minisocial.doctor.finding import Finding, note
from minisocial.settings import Settings

LOCAL_ENDINGS = ("localhost", "local", "localdomain", "internal", "lan", "home", "invalid", "test", "example", "arpa")
TRY = "python3 run.py mail test YOU@… shows whether letters go out"


def check_mail(settings: Settings) -> Iterator[Finding]:
    """Whether letters can leave this machine, come from somewhere, and their links lead back here."""
    if not settings.smtp_url:
        yield Finding("no mail server is set: letters lie in data/mail and in the admin pages")
        return
    faults = [*_about_sender(settings), *_about_links(settings), *_about_line(settings)]
    yield from faults or [Finding(f"letters are sent as {settings.mail_from} ({TRY})")]


def _about_sender(settings: Settings) -> Iterator[Finding]:
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    if is_local(domain):
        remedy = "other mail servers refuse such a sender: set mail_from to an address of yours"
        yield Finding(f"mail_from is {settings.mail_from}, which nobody elsewhere can answer", remedy)


def _about_links(settings: Settings) -> Iterator[Finding]:
    if not settings.public_url:
        remedy = "set public_url to the address by which people reach this site"
        yield Finding("a mail server is set, but not public_url: links in letters lead to this machine only", remedy)
        return
    if is_local(urlsplit(settings.public_url).hostname or ""):
        yield note(f"links in letters lead to {settings.public_url}, which only this network can reach")
    elif settings.public_url.startswith("http:"):
        yield note("public_url begins with http: mail programs offer to unsubscribe with one click only for https")


def _about_line(settings: Settings) -> Iterator[Finding]:
    try:
        at = SmtpUrl.parse(settings.smtp_url)
    except BadSetting as error:
        yield Finding("smtp_url cannot be read, and no start will take it", str(error))
        return
    if at.password and not at.is_tls and at.starttls == "off" and not is_local(at.host):
        yield Finding(f"the mail password goes to {at.host} over an open line", "leave ?starttls=off out of smtp_url")


def is_local(host: str) -> bool:
    """Whether a name or address means something in this network at most."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." not in host or host.rpartition(".")[2].lower() in LOCAL_ENDINGS
