"""Settings with which letters would not arrive, or would lead nowhere."""

import pytest

from minisocial.doctor.mail import check_mail, is_local
from minisocial.settings import Settings

GOOD = {
    "smtp_url": "smtp://club:secret@mail.club.org",
    "mail_from": "The Club <post@club.org>",
    "public_url": "https://club.org",
}


def told(**settings: str) -> str:
    return "\n".join(map(str, check_mail(Settings(**{**GOOD, **settings}))))


def test_without_a_mail_server_nothing_is_wrong() -> None:
    assert told(smtp_url="", public_url="", mail_from="minisocial@localhost").startswith("ok    no mail server is set")


def test_good_settings_are_well_and_the_test_is_named() -> None:
    assert told().startswith("ok    letters are sent as The Club <post@club.org>")
    assert "mail test" in told()


@pytest.mark.parametrize("sender", ["minisocial@localhost", "us@club.local", "us@[10.0.0.1]", "us@server"])
def test_a_sender_that_nobody_elsewhere_knows_is_a_fault(sender: str) -> None:
    assert f"FAULT mail_from is {sender}" in told(mail_from=sender)


def test_letters_without_an_address_to_lead_to_are_a_fault() -> None:
    assert "FAULT a mail server is set, but not public_url" in told(public_url="")


@pytest.mark.parametrize("url", ["http://192.168.1.4:8000", "http://localhost:8000", "http://club.org"])
def test_links_that_work_only_here_or_without_one_click_are_noted(url: str) -> None:
    assert told(public_url=url).startswith("note")


def test_a_password_on_an_open_line_is_a_fault_but_for_ones_own_machine() -> None:
    assert "FAULT the mail password goes to mail.club.org" in told(smtp_url=f"{GOOD['smtp_url']}?starttls=off")
    assert "FAULT" not in told(smtp_url="smtp://club:secret@127.0.0.1?starttls=off")
    for url in ("smtp://[club", "https://mail.club.org", "smtp://mail.club.org?starttls=perhaps"):
        assert "FAULT smtp_url cannot be read" in told(smtp_url=url)


@pytest.mark.parametrize("url", ["smtp://club:secret@mail.club.org?starttls=off", "smtp://[club:secret", "smtps://x"])
def test_no_password_is_told(url: str) -> None:
    assert "secret" not in told(smtp_url=url, public_url="", mail_from="a@b")


@pytest.mark.parametrize(
    "host, local",
    [("club.org", False), ("8.8.8.8", False), ("10.1.1.1", True), ("::1", True), ("nas", True), ("a.lan", True)],
)
def test_what_is_local(host: str, local: bool) -> None:
    assert is_local(host) == local
