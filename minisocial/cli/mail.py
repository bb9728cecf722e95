"""`mail test`: sends one letter with the settings in force, by the very code that sends all others."""

from email.utils import parseaddr

import click

from minisocial.background import Letter, MailDown, Mailer, Undeliverable
from minisocial.clock import Clock
from minisocial.doctor.mail import check_mail
from minisocial.settings import Settings

WIDTH = len("connection")
TEXT = """Hello,

this is the letter that `mail test` sends. If you can read it, letters from this minisocial arrive.

Links in letters will begin with {link}
"""
SPAM = "If it does not arrive, look among the unwanted mail first; then ask the host of the mail server, who has a log."
NO_SERVER = (
    "No mail server is set, so letters are not sent: each is a file in {folder}, and admins read them on the site, at "
    "/admin/letters. Nothing needs mail to work. To have letters sent, set smtp_url, mail_from and public_url, in "
    "{file} for example:\n\n"
    '    smtp_url = "smtp://user:password@mail.example.org:587"\n'
    '    mail_from = "The Club <club@example.org>"\n'
    '    public_url = "https://club.example.org"'
)


def test(settings: Settings, to: str) -> int:
    """Tries the settings out, step by step; exit status 1 if the letter was not taken."""
    clock = Clock()
    mailer = Mailer(
        smtp_url=settings.smtp_url, mail_from=settings.mail_from, folder=settings.data / "mail", clock=clock
    )
    for finding in check_mail(settings) if mailer.has_server else ():
        if finding.remedy or finding.is_note:
            click.echo(f"Mind: {finding.what}{f': {finding.remedy}' if finding.remedy else ''}.")
    if mailer.has_server:
        click.echo(f"A letter from {settings.mail_from} to {to}, through {mailer.snapshot().server}:")
    name, address = parseaddr(to)
    link = settings.public_url or "the address of this machine, since public_url is not set"
    letter = Letter(f"test:{clock.milliseconds()}", address or to, name, "A test of the mail", TEXT.format(link=link))
    return _send(mailer, letter, settings)


def _send(mailer: Mailer, letter: Letter, settings: Settings) -> int:
    try:
        mailer.send(letter, _tell)
    except (MailDown, Undeliverable) as error:
        if not error.step:
            click.echo(str(error), err=True)
            return 1
        _tell(error.step, f"FAILED: {error.what}")
        click.echo(error.remedy or "Nothing was sent.")
        return 1
    if mailer.has_server:
        click.echo(f"The mail server has the letter. {SPAM}")
    else:
        click.echo(NO_SERVER.format(folder=settings.data / "mail", file=settings.data / "minisocial.toml"))
    return 0


def _tell(step: str, seen: str) -> None:
    click.echo(f"  {step:{WIDTH}}  {seen}")
