"""A letter that does not go out says at which step it failed, why, and what to do."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult

from minisocial.background.mail import Letter, Mailer
from minisocial.background.mail_trouble import MailDown, Undeliverable
from tests.background import certificates
from tests.background.smtp_server import free_port, smtp_server
from tests.fakes import ManualClock

LETTER = Letter("test:1", "ada@example.org", "Ada", "A test", "Hello Ada.\n")
Attempt = Callable[..., "tuple[list[str], MailDown | Undeliverable | None]"]


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """Sends a letter; gives the steps that went well, and what went wrong."""

    def send(url: str, *, tls: ssl.SSLContext | None = None, letter: Letter = LETTER, timeout: float = 5.0):
        folder, went_well = tmp_path / "mail", []
        mailer = Mailer(
            smtp_url=url, mail_from="us@example.org", folder=folder, clock=ManualClock(), timeout=timeout, tls=tls
        )
        try:
            mailer.send(letter, lambda step, seen: went_well.append(step))
        except (MailDown, Undeliverable) as error:
            return went_well, error
        return went_well, None

    return send


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does as `serve` says with each caller; its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as open_ones:

        def run() -> None:
            with suppress(OSError):
                while not over.is_set():
                    caller = open_ones.enter_context(listener.accept()[0])
                    caller.settimeout(5)
                    with suppress(OSError):
                        serve(caller)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def saying(*answers: bytes, then_hang_up: bool = True) -> Callable[[socket.socket], None]:
    """Says the first answer at once, and the others each after a line that was heard."""

    def serve(caller: socket.socket) -> None:
        heard = caller.makefile("rb")
        caller.sendall(answers[0])
        for answer in answers[1:]:
            heard.readline()
            caller.sendall(answer)
        if then_hang_up:
            heard.readline()
            caller.shutdown(socket.SHUT_RDWR)

    return serve


HELLO = (b"220 hi\r\n", b"250-hi\r\n250 SIZE 1000000\r\n")


def test_all_steps_are_told_in_their_order(attempt: Attempt) -> None:
    with smtp_server() as (box, port):
        steps, error = attempt(f"smtp://127.0.0.1:{port}")
    assert error is None
    assert steps == ["name", "connection", "greeting", "TLS", "log-in", "sender", "recipient", "message"]
    assert len(box.letters) == 1


def test_with_smtps_tls_comes_first_and_the_letter_arrives(attempt: Attempt, tmp_path: Path) -> None:
    folder = certificates.make(tmp_path)
    with smtp_server(ssl_context=certificates.server_side(folder)) as (box, port):
        steps, error = attempt(f"smtps://127.0.0.1:{port}", tls=certificates.trusting(folder))
    assert error is None
    assert steps[:4] == ["name", "connection", "TLS", "greeting"]
    assert len(box.letters) == 1


def check(outcome, step: str, what: str, remedy: str, kind: type = MailDown) -> None:
    """It failed at this step, for this reason, with this advice; and the steps before went well."""
    went_well, error = outcome
    assert type(error) is kind
    assert error.step == step
    assert step not in went_well
    assert what in error.what
    assert remedy in error.remedy
    assert error.what in str(error) and error.remedy in str(error) and step in str(error)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".example"])
def test_a_wrong_host(attempt: Attempt, host: str) -> None:
    _, error = attempt(f"smtp://{host}:2525")
    assert isinstance(error, MailDown)
    assert error.step == "name"
    assert host in error.what
    assert error.remedy


def test_a_closed_port(attempt: Attempt) -> None:
    check(attempt(f"smtp://127.0.0.1:{free_port()}"), "connection", "nobody listens", "587")


def test_a_port_behind_a_wall(attempt: Attempt) -> None:
    with socket.socket() as full:  # its queue of callers is full, so it answers as a wall does: not at all
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with ExitStack() as callers:
            for _ in range(4):
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
            outcome = attempt(f"smtp://127.0.0.1:{full.getsockname()[1]}", timeout=0.3)
    check(outcome, "connection", "does not answer", "firewall")


def test_a_port_that_says_nothing_may_want_tls(attempt: Attempt) -> None:
    with raw_server(lambda caller: None) as port:
        check(attempt(f"smtp://127.0.0.1:{port}", timeout=0.2), "greeting", "says nothing", "smtps://")


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\xff\xfe\x00\r\n", b"\r\n"]
)
def test_something_else_than_a_mail_server(attempt: Attempt, said: bytes) -> None:
    with raw_server(saying(said)) as port:
        check(attempt(f"smtp://127.0.0.1:{port}"), "greeting", "no mail server", "host and the port")


def endless_lines(caller: socket.socket) -> None:
    while True:
        caller.sendall(b"220-and on\r\n" * 100)


def endless_line(caller: socket.socket) -> None:
    while True:
        caller.sendall(b"220 and on" * 1000)


@pytest.mark.parametrize("endless", [endless_lines, endless_line])
def test_an_answer_without_end_is_not_listened_to(attempt: Attempt, endless: Callable[[socket.socket], None]) -> None:
    with raw_server(endless) as port:
        check(attempt(f"smtp://127.0.0.1:{port}"), "greeting", "no mail server", "host and the port")


def test_an_answer_that_comes_byte_by_byte_gets_no_more_time(attempt: Attempt) -> None:
    over = threading.Event()

    def drip(caller: socket.socket) -> None:
        while not over.wait(0.05):
            caller.sendall(b"2")

    with raw_server(drip) as port:
        outcome = attempt(f"smtp://127.0.0.1:{port}", timeout=0.4)
        over.set()
    check(outcome, "greeting", "says nothing", "smtps://")


def test_a_server_that_is_busy(attempt: Attempt) -> None:
    with raw_server(saying(b"421 4.3.2 too many connections\r\n")) as port:
        check(attempt(f"smtp://127.0.0.1:{port}"), "greeting", "421 4.3.2 too many connections", "later")


def test_no_tls_where_a_password_needs_it(attempt: Attempt) -> None:
    with smtp_server() as (_, port):
        check(attempt(f"smtp://ada:pw@127.0.0.1:{port}"), "TLS", "no STARTTLS", "smtps://")


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize(
    "name, days, is_trusted, what, remedy",
    [
        ("IP:127.0.0.1", 2, False, "not trusted", "SSL_CERT_FILE"),
        ("IP:127.0.0.1", -1, True, "expired", "renew"),
        ("DNS:mail.example.org", 2, True, "another name", "stands in the certificate"),
    ],
)
def test_a_certificate(
    attempt: Attempt, tmp_path: Path, scheme: str, name: str, days: int, is_trusted: bool, what: str, remedy: str
) -> None:
    folder = certificates.make(tmp_path, name=name, days=days)
    side = certificates.server_side(folder)
    options = {"ssl_context": side} if scheme == "smtps" else {"tls": side}
    trust = certificates.trusting(folder) if is_trusted else None
    with smtp_server(**options) as (box, port):
        check(attempt(f"{scheme}://ada:pw@127.0.0.1:{port}", tls=trust), "TLS", what, remedy)
    assert box.letters == []


def test_a_port_without_tls_taken_for_one_with(attempt: Attempt) -> None:
    with smtp_server() as (_, port):
        check(attempt(f"smtps://127.0.0.1:{port}"), "TLS", "no TLS could be agreed on", "smtp://")


def test_what_was_slipped_in_before_tls_is_not_believed(attempt: Attempt, tmp_path: Path) -> None:
    """CVE-2011-0411: an answer sent in plain text together with the go-ahead must not count as said inside TLS."""
    folder = certificates.make(tmp_path)
    hello = b"250-hi\r\n250 STARTTLS\r\n"
    inside: list[bytes] = []

    def serve(caller: socket.socket) -> None:
        saying(b"220 hi\r\n", hello, b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n", then_hang_up=False)(caller)
        with certificates.server_side(folder).wrap_socket(caller, server_side=True) as secured:
            inside.append(secured.recv(100))
            secured.sendall(b"250 hi\r\n")
            inside.append(secured.recv(100))

    with raw_server(serve) as port:
        outcome = attempt(f"smtp://ada:pw@127.0.0.1:{port}", tls=certificates.trusting(folder))
    check(outcome, "log-in", "takes no password", "587")
    assert b"AUTH" not in b"".join(inside)


def refuse(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=False, handled=False, message="535 5.7.8 no such luck")


def test_a_wrong_password(attempt: Attempt) -> None:
    with smtp_server(authenticator=refuse, auth_require_tls=False) as (_, port):
        outcome = attempt(f"smtp://ada:hunter2@127.0.0.1:{port}?starttls=off")
    check(outcome, "log-in", "535 5.7.8 no such luck", "%40")
    assert "hunter2" not in str(outcome[1])


def test_a_server_that_takes_no_password(attempt: Attempt) -> None:
    with smtp_server() as (_, port):
        check(attempt(f"smtp://ada:pw@127.0.0.1:{port}?starttls=off"), "log-in", "takes no password", "587")


def test_a_server_with_strange_ways_to_log_in(attempt: Attempt) -> None:
    with raw_server(saying(b"220 hi\r\n", b"250-hi\r\n250 AUTH GSSAPI\r\n")) as port:
        check(attempt(f"smtp://ada:pw@127.0.0.1:{port}?starttls=off"), "log-in", "no way to log in", "PLAIN")


@pytest.mark.parametrize("challenge", [b"334 \xff\xff\r\n", b"334 !!!!=\r\n", b"334 AAAA\r\n" * 3])
def test_a_log_in_that_makes_no_sense(attempt: Attempt, challenge: bytes) -> None:
    with raw_server(saying(b"220 hi\r\n", b"250-hi\r\n250 AUTH CRAM-MD5 LOGIN\r\n", challenge)) as port:
        _, error = attempt(f"smtp://ada:pw@127.0.0.1:{port}?starttls=off")
    assert isinstance(error, MailDown)
    assert error.step == "log-in"


@pytest.mark.parametrize(
    "answers, step, what, remedy, kind",
    [
        ((b"553 5.7.1 not your address\r\n",), "sender", "553 5.7.1 not your address", "mail_from", MailDown),
        ((b"530 5.7.0 Authentication required\r\n",), "sender", "530", "name and password", MailDown),
        ((b"450 4.7.1 slow down\r\n",), "sender", "450 4.7.1 slow down", "later", MailDown),
        ((b"250 ok\r\n", b"550 5.1.1 unknown\r\n"), "recipient", "550 5.1.1 unknown", "slip", Undeliverable),
        ((b"250 ok\r\n", b"451 4.7.1 Greylisted\r\n"), "recipient", "Greylisted", "greylisting", MailDown),
        ((b"250 ok\r\n", b"554 Relay access denied\r\n"), "recipient", "Relay", "name and password", MailDown),
        ((b"250 ok\r\n", b"250 ok\r\n", b"554 spam\r\n"), "message", "554 spam", "SPF", Undeliverable),
        ((b"250 ok\r\n", b"250 ok\r\n", b"552 too big\r\n"), "message", "too large", "larger", Undeliverable),
        ((b"250 ok\r\n", b"250 ok\r\n", b"452 disk full\r\n"), "message", "452 disk full", "later", MailDown),
    ],
)
def test_what_a_server_answers(
    attempt: Attempt, answers: tuple[bytes, ...], step: str, what: str, remedy: str, kind: type
) -> None:
    with raw_server(saying(*HELLO, *answers)) as port:
        check(attempt(f"smtp://127.0.0.1:{port}"), step, what, remedy, kind)


def test_a_letter_larger_than_the_server_takes_is_not_tried(attempt: Attempt) -> None:
    with smtp_server(data_size_limit=100) as (box, port):
        check(attempt(f"smtp://127.0.0.1:{port}"), "sender", "100 bytes", "larger", Undeliverable)
    assert box.letters == []


def test_an_address_with_signs_that_the_server_does_not_know(attempt: Attempt) -> None:
    letter = Letter("test:2", "ädä@example.org", "Ada", "A test", "Hello\n")
    with smtp_server(enable_SMTPUTF8=False) as (_, port):
        check(attempt(f"smtp://127.0.0.1:{port}", letter=letter), "sender", "such characters", "plain", Undeliverable)
    with smtp_server(enable_SMTPUTF8=True) as (box, port):
        assert attempt(f"smtp://127.0.0.1:{port}", letter=letter)[1] is None
    assert "ädä@example.org".encode() in box.letters[0]


def test_a_server_that_quotes_the_links_of_a_letter_is_not_repeated(attempt: Attempt) -> None:
    token, stop = "Zx9_" * 10 + "abc", "0b1c2d.reply." + "Qw-7" * 10
    letter = replace(LETTER, text=f"See http://club.example/reset/{token}\n", unsubscribe=f"http://club.example/{stop}")
    refusal = f"554 5.7.1 blocked: http://club.example/reset/{token} and {stop}\r\n".encode()
    with raw_server(saying(*HELLO, b"250 ok\r\n", b"250 ok\r\n", refusal)) as port:
        _, error = attempt(f"smtp://127.0.0.1:{port}", letter=letter)
    assert "http://club.example/reset/…" in str(error)
    assert token not in f"{error!r}{error}" and "Qw-7" not in f"{error!r}{error}"


@pytest.mark.parametrize("heard", range(1, 6))
@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "hangs up"])
def test_a_server_that_stops_in_the_middle(attempt: Attempt, heard: int, hangs: bool) -> None:
    answers = [*HELLO, b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"][:heard]
    with raw_server(saying(*answers, then_hang_up=not hangs)) as port:
        steps, error = attempt(f"smtp://127.0.0.1:{port}", timeout=0.2)
    assert isinstance(error, MailDown)
    assert error.step not in steps
    assert error.what and error.remedy
