"""Mail: letters to people, through a mail server or into a folder.

What mail can promise: a letter is sent at least once, and twice only if the connection or this
process is lost in the moment between the server's taking it and our hearing so. Both then carry the
same `Message-ID`, by which most mail programs show them as one.
"""

import hashlib
import re
import ssl
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path

from minisocial.background.header_text import ENCODED_WORD, clean, letter_policy, one_line
from minisocial.background.letters import Letters, StoredLetter
from minisocial.background.mail_server import MailServer, Tell, tell_nobody
from minisocial.background.mail_trouble import MailDown, Undeliverable
from minisocial.background.outbox import Task
from minisocial.background.schedule import DAY, Job, until
from minisocial.background.smtp_url import BadSetting
from minisocial.clock import Clock
from minisocial.trace import request_id, span

NAME_LIMIT = 80  # characters of a name in a header
SUBJECT_LIMIT = 200
KEPT_MS = 90 * 24 * 3600 * 1000  # letters in the folder
SWEPT_AT, SWEPT_AT_ONCE = 4 * 3600.0, 5_000  # local time; letters removed a day at most
ADDRESS = re.compile(r'[^\s\x00-\x20\x7f-\xa0<>()\[\],;:\\"@]{1,64}@[^\s\x00-\x20\x7f-\xa0<>()\[\],;:\\"@]{1,253}')
LINK = re.compile(r"https?://[!-;=?-~]{1,900}")  # printable ASCII but the brackets it is put between
TOKEN = re.compile(r"[A-Za-z0-9_-]{24,}")
SPECIALS = re.compile(r'[<>@,;:"\\()\[\]]')  # signs with a meaning among addresses, which names can do without


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one person. `key` is the same whenever the same letter is sent again."""

    key: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str = ""  # a twin of the text, if any
    unsubscribe: str = ""  # URL that ends such letters with one POST (RFC 8058)
    thread: str = ""  # letters with the same one are shown together


@dataclass(frozen=True, slots=True)
class MailSnapshot:
    """Where letters go, and how many went."""

    server: str  # "host:port", or "" for the folder
    sent: int
    failed: int
    last_error: str


class Mailer:
    """Sends letters, each from any thread, each over a connection of its own.

    `send` returns when the mail server has taken the letter, or the file is on disk. It raises
    `MailDown` when another try may do better and `Undeliverable` when none will. Sending a letter
    again leaves one file; through a server it is a second copy with the same `Message-ID`.
    """

    def __init__(
        self,
        *,
        smtp_url: str = "",
        mail_from: str,
        folder: Path,
        clock: Clock,
        timeout: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout`: seconds for each step of the dialogue. `tls`: whom to trust, by default the system's list."""
        name, address = parseaddr(mail_from)
        try:
            self._from = _mailbox(name, address)
        except Undeliverable:
            raise BadSetting(f"mail_from must be like minisocial@example.org, and not {mail_from!r}.") from None
        self._server = MailServer(smtp_url, self._from.addr_spec, timeout, tls) if smtp_url else None
        self._letters = Letters(folder)
        self._folder = folder
        self._policy = letter_policy()
        self._clock = clock
        self._lock = threading.Lock()  # guards the three below
        self._sent = 0
        self._failed = 0
        self._last_error = ""

    @property
    def has_server(self) -> bool:
        """Whether letters leave this machine."""
        return self._server is not None

    def send(self, letter: Letter, tell: Tell = tell_nobody) -> None:
        """Sends one letter; `tell` hears of each step that went well."""
        with span("mail", str(self._server or "folder")):
            try:
                self._send(letter, tell)
            except (MailDown, Undeliverable) as error:
                self._count_failure(str(error))
                raise
            with self._lock:
                self._sent += 1

    def letters(self, limit: int = 50) -> list[StoredLetter]:
        """The newest letters in the folder."""
        return self._letters.newest(limit)

    def jobs(self) -> list[Job]:
        return [Job("letters", DAY, self.sweep, at=SWEPT_AT)]

    def sweep(self, task: Task) -> str:
        """Removes letters from the folder that have lain there for ninety days: they hold what people wrote."""
        removed = self._letters.remove_older(until(task.args, DAY) - KEPT_MS, SWEPT_AT_ONCE)
        return f"{removed} letters removed"

    def snapshot(self) -> MailSnapshot:
        with self._lock:
            return MailSnapshot(str(self._server or ""), self._sent, self._failed, self._last_error)

    def start(self) -> None:
        """Nothing to do: connections are made per letter."""

    def stop(self) -> None:
        """Nothing to do."""

    def compose(self, letter: Letter) -> EmailMessage:
        """The message as it goes out."""
        message = EmailMessage(policy=self._policy)
        message["From"] = self._from
        message["To"] = _mailbox(letter.to_name, letter.to)
        message["Subject"] = one_line(letter.subject, SUBJECT_LIMIT)
        message["Date"] = format_datetime(datetime.fromtimestamp(self._clock.time(), timezone.utc))
        message["Message-ID"] = f"<{letter_name(letter.key)}@{self._from.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        self._add_optional_headers(message, letter)
        message.set_content(clean(letter.text), cte="quoted-printable")
        if letter.html:
            message.add_alternative(clean(letter.html), subtype="html", cte="quoted-printable")
        return message

    def _add_optional_headers(self, message: EmailMessage, letter: Letter) -> None:
        if cause := re.sub(r"[^A-Za-z0-9_-]", "", request_id())[:64]:
            message["X-Request-Id"] = cause
        if letter.thread:  # a letter that was never sent stands for the beginning: it may be of a kind one does not get
            beginning = f"<{letter_name(letter.thread)}@{self._from.domain}>"
            message["In-Reply-To"], message["References"] = beginning, beginning
        if LINK.fullmatch(letter.unsubscribe) and ENCODED_WORD not in letter.unsubscribe:
            message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"

    def _send(self, letter: Letter, tell: Tell) -> None:
        message = self.compose(letter)
        if self._server is not None:
            self._server.hand_over(message, message["To"].addresses[0].addr_spec, tell, _secrets(letter))
            return
        name = letter_name(letter.key)
        try:
            self._letters.put(name, message.as_bytes())
        except OSError as error:
            raise MailDown(f"The letter could not be stored in {self._folder}: {error.strerror}.", "folder") from error
        tell("folder", str(self._folder / f"{name}.eml"))

    def _count_failure(self, reason: str) -> None:
        with self._lock:
            self._failed += 1
            self._last_error = reason


def letter_name(key: str) -> str:
    """A name for files and `Message-ID`s: the same for the same key, another for any other."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", key)[:30].strip("-")
    return f"{readable or 'letter'}-{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:20]}"


def _secrets(letter: Letter) -> frozenset[str]:
    """What may be a token in a letter's links: servers that look for harm like to quote links when they refuse one."""
    return frozenset(TOKEN.findall(f"{letter.text} {letter.unsubscribe}"))


def _mailbox(name: str, address: str) -> Address:
    user, _, domain = address.rpartition("@")
    try:
        if not ADDRESS.fullmatch(address) or ENCODED_WORD in address:
            raise ValueError(address)
        return Address(re.sub(SPECIALS, " ", one_line(name, NAME_LIMIT)), user, domain.encode("idna").decode())
    except (ValueError, IndexError, MessageError):
        raise Undeliverable("The address is not one that mail can be sent to.") from None
