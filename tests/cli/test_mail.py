"""`mail test`, against real mail servers."""

from pathlib import Path

from aiosmtpd.smtp import AuthResult

from tests.background.smtp_server import free_port, smtp_server
from tests.cli.test_commands import call

PASSWORD = "correct-horse"


def try_out(data: Path, *flags: str, **environ: str):
    return call("mail", "test", "Ada <ada@club.org>", "--data", data, *flags, **environ)


def test_a_letter_that_goes_out_shows_every_step(tmp_path: Path) -> None:
    with smtp_server() as (box, port):
        done = try_out(tmp_path, "--smtp-url", f"smtp://127.0.0.1:{port}", "--mail-from", "The Club <post@club.org>")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert steps == ["name", "connection", "greeting", "TLS", "log-in", "sender", "recipient", "message"]
    assert b"If you can read it" in box.letters[0]
    assert box.envelopes[0].rcpt_tos == ["ada@club.org"]


def test_the_step_that_fails_says_what_to_do(tmp_path: Path) -> None:
    done = try_out(tmp_path, "--smtp-url", f"smtp://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "  connection  FAILED: nobody listens at port" in done.stdout
    assert "Check the port" in done.stdout
    assert "Traceback" not in done.stderr


def test_settings_of_the_data_folder_count_and_doubtful_ones_are_named(tmp_path: Path) -> None:
    with smtp_server() as (box, port):
        (tmp_path / "minisocial.toml").write_text(f'smtp_url = "smtp://127.0.0.1:{port}"\n')
        done = try_out(tmp_path)
    assert (done.returncode, len(box.letters)) == (0, 1)
    assert "Mind: mail_from is minisocial@localhost" in done.stdout
    assert "Mind: a mail server is set, but not public_url" in done.stdout


def test_without_a_server_it_says_where_letters_lie(tmp_path: Path) -> None:
    done = try_out(tmp_path)
    assert done.returncode == 0
    assert "No mail server is set" in done.stdout and "/admin/letters" in done.stdout
    (file,) = (tmp_path / "mail").glob("*.eml")
    assert str(file) in done.stdout


def test_no_password_is_ever_printed(tmp_path: Path) -> None:
    def parrot(server, session, envelope, mechanism, data) -> AuthResult:
        return AuthResult(success=False, handled=False, message=f"535 {PASSWORD} is wrong")

    with smtp_server(authenticator=parrot, auth_require_tls=False) as (_, port):
        url = f"smtp://ada:{PASSWORD}@127.0.0.1:{port}?starttls=off"
        done = try_out(tmp_path, "--log-level", "debug", MINISOCIAL_SMTP_URL=url)
    assert done.returncode == 1 and "FAILED" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr
    for broken in (f"smtp://ada:{PASSWORD}@127.0.0.1:port", f"smtp://ada:{PASSWORD}#@x", f"smtp://a:{PASSWORD}ä@x"):
        done = try_out(tmp_path, MINISOCIAL_SMTP_URL=broken)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert PASSWORD not in done.stdout + done.stderr


def test_an_address_that_is_none_is_refused_before_anything_is_tried(tmp_path: Path) -> None:
    done = call("mail", "test", "ada at club", "--data", tmp_path)
    assert done.returncode == 1
    assert "not one that mail can be sent to" in done.stderr
