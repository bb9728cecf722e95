import logging
import socket
import ssl
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from minisocial.background.mail import Letter, MailDown, Mailer, Undeliverable
from minisocial.background.smtp_url import SmtpUrl
from tests.background import certificates
from tests.background.smtp_server import free_port, smtp_server
from tests.fakes import ManualClock

LETTER = Letter("request:1", "ada@example.org", "Ada", "Grace wants to be your friend", "Hello Ada.\n.\nBye\n")


@pytest.fixture
def mailer_at(tmp_path: Path) -> Callable[..., Mailer]:
    def make(url: str, **options) -> Mailer:
        options = {"timeout": 5.0, **options}
        return Mailer(
            smtp_url=url, mail_from="us@example.org", folder=tmp_path / "mail", clock=ManualClock(), **options
        )

    return make


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A folder with a key and a certificate for 127.0.0.1 that only those who are told to trust."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    return certificates.server_side(certificate)


def only_ada(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(
        success=isinstance(data, LoginPassword) and (data.login, data.password) == (b"ada", b"p@ss word"), handled=False
    )


def test_letter_reaches_the_server_whole(mailer_at) -> None:
    with smtp_server() as (box, port):
        mailer = mailer_at(f"smtp://127.0.0.1:{port}")
        mailer.send(LETTER)
        assert (mailer.snapshot().server, mailer.snapshot().sent) == (f"127.0.0.1:{port}", 1)
    message = message_from_bytes(box.letters[0], policy=policy.default)
    assert message.get_content().replace("\r\n", "\n") == "Hello Ada.\n.\nBye\n"
    assert (box.envelopes[0].mail_from, box.envelopes[0].rcpt_tos) == ("us@example.org", ["ada@example.org"])
    assert mailer.letters() == []


def test_server_that_is_not_there_is_tried_again_later(mailer_at) -> None:
    mailer = mailer_at(f"smtp://127.0.0.1:{free_port()}")
    with pytest.raises(MailDown):
        mailer.send(LETTER)
    assert mailer.snapshot().failed == 1
    assert "127.0.0.1" in mailer.snapshot().last_error


@pytest.mark.parametrize(
    "step, answer, error",
    [
        ("RCPT", "550 5.1.1 no such user", Undeliverable),
        ("RCPT", "451 4.7.1 greylisted", MailDown),
        ("DATA", "554 5.7.1 looks like spam", Undeliverable),
        ("DATA", "452 4.3.1 disk full", MailDown),
    ],
)
def test_answers_for_good_and_for_now_are_told_apart(mailer_at, step: str, answer: str, error: type) -> None:
    with smtp_server() as (box, port):
        box.answers[step] = answer
        mailer = mailer_at(f"smtp://127.0.0.1:{port}")
        with pytest.raises(error) as caught:
            mailer.send(LETTER)
    assert answer[4:] in str(caught.value)
    assert box.letters == []


def test_server_that_says_nothing_is_not_waited_for_long(mailer_at) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = mailer_at(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(MailDown):
            mailer.send(LETTER)


def test_server_that_hangs_up_after_taking_the_letter_has_it(mailer_at) -> None:
    answers = [b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 taken\r\n"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=play, args=(listener, answers))
        thread.start()
        mailer = mailer_at(f"smtp://127.0.0.1:{listener.getsockname()[1]}")
        mailer.send(LETTER)
        thread.join(5)
    assert mailer.snapshot().sent == 1


def play(listener: socket.socket, answers: list[bytes]) -> None:
    """A server that says its lines in turn and leaves without good-bye."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as heard:
        for answer in answers[:-1]:
            connection.sendall(answer)
            is_letter = answer.startswith(b"354")
            while heard.readline() != b".\r\n" and is_letter:
                pass
        connection.sendall(answers[-1])


def test_password_goes_over_tls_only(mailer_at) -> None:
    with smtp_server(authenticator=only_ada, auth_require_tls=False) as (box, port):
        with pytest.raises(MailDown):
            mailer_at(f"smtp://ada:p%40ss%20word@127.0.0.1:{port}").send(LETTER)
        assert box.letters == []
        mailer_at(f"smtp://ada:p%40ss%20word@127.0.0.1:{port}?starttls=off").send(LETTER)
    assert len(box.letters) == 1


def test_log_in_over_starttls(mailer_at, certificate: Path, server_tls: ssl.SSLContext) -> None:
    trust = certificates.trusting(certificate)
    with smtp_server(server_tls, authenticator=only_ada, auth_required=True) as (box, port):
        mailer_at(f"smtp://ada:p%40ss%20word@127.0.0.1:{port}", tls=trust).send(LETTER)
    assert len(box.letters) == 1


def test_server_we_do_not_trust_gets_no_password(mailer_at, server_tls: ssl.SSLContext) -> None:
    server = smtp_server(server_tls, authenticator=only_ada, auth_required=True)
    with server as (box, port), pytest.raises(MailDown, match="certificate"):
        mailer_at(f"smtp://ada:p%40ss%20word@127.0.0.1:{port}").send(LETTER)
    assert box.letters == []


def test_tls_offered_without_being_asked_for_is_used_whoever_offers(mailer_at, server_tls: ssl.SSLContext) -> None:
    with smtp_server(server_tls, require_starttls=True) as (box, port):
        mailer_at(f"smtp://127.0.0.1:{port}").send(LETTER)
    assert len(box.letters) == 1


def test_wrong_password_appears_nowhere(mailer_at, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_server(authenticator=only_ada, auth_require_tls=False) as (_, port):
        mailer = mailer_at(f"smtp://ada:hunter2@127.0.0.1:{port}?starttls=off")
        with pytest.raises(MailDown) as caught:
            mailer.send(LETTER)
    for told in (str(caught.value), repr(mailer.snapshot()), caplog.text, repr(SmtpUrl.parse("smtp://ada:hunter2@x"))):
        assert "hunter2" not in told


def test_server_that_repeats_the_password_is_not_quoted(mailer_at) -> None:
    def parrot(server, session, envelope, mechanism, data) -> AuthResult:
        return AuthResult(success=False, handled=False, message="535 no, hunter2 and AGFkYQBodW50ZXIy are wrong")

    with smtp_server(authenticator=parrot, auth_require_tls=False) as (_, port):
        mailer = mailer_at(f"smtp://ada:hunter2@127.0.0.1:{port}?starttls=off")
        with pytest.raises(MailDown) as caught:
            mailer.send(LETTER)
    assert "535" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "AGFkYQBodW50ZXIy" not in str(caught.value)


@pytest.mark.parametrize(
    "url, port, starttls, is_tls",
    [
        ("smtp://mail.example.org", 25, "auto", False),
        ("smtp://ada:pw@mail.example.org", 587, "required", False),
        ("smtp://ada:pw@mail.example.org:2525?starttls=off", 2525, "off", False),
        ("smtps://ada:pw@mail.example.org", 465, "off", True),
    ],
)
def test_url_says_how_to_connect(url: str, port: int, starttls: str, is_tls: bool) -> None:
    parsed = SmtpUrl.parse(url)
    assert (parsed.host, parsed.port, parsed.starttls, parsed.is_tls) == ("mail.example.org", port, starttls, is_tls)


@pytest.mark.parametrize(
    "url", ["http://x", "smtp://", "smtp://x?starttls=perhaps", "x", "smtp://a:pä@x", "smtp://x:99999"]
)
def test_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        SmtpUrl.parse(url)
    assert "pä" not in str(caught.value)
