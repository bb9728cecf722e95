"""Links in letters, from the button to the letter to what they do, with no mail server and with one."""

import logging
import re
from email import message_from_bytes, policy

import pytest

from minisocial.system import System
from tests.background.smtp_server import smtp_server
from tests.cli.test_commands import call
from tests.client import Client
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import PASSWORD, join, log_in, set_up, settle

NEW = "five words are even better"


def links_to(system: System, address: str, kind: str) -> list[str]:
    """Links of this kind in the letters to an address, the newest first, as paths."""
    texts = [letter.text for letter in system.mailer.letters() if address in letter.to]
    return [link.removeprefix(system.url) for text in texts for link in re.findall(rf"http://\S+/{kind}/\S+", text)]


def test_a_forgotten_password_without_a_mail_server(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada = set_up(system)
    grace = join(system, ada, "grace")
    Client(system.url).get("/login").get("/forgot").submit("Send me a link", username="grace@example.org")
    settle(system)
    (link,) = links_to(system, "grace@example.org", "reset")
    assert link.rpartition("/")[2] in ada.get("/admin/letters").page.text  # the host can pass it on

    elsewhere = Client(system.url).get(link)
    elsewhere.submit("Set password", new=NEW)
    assert "Your new password is set" in elsewhere.page.text
    assert grace.get("/settings").page.status == 200 and "Log in" in grace.page.text  # that session has ended
    log_in(system, "grace", NEW)
    assert Client(system.url).get(link).page.status == 410
    check_secret(system, link, caplog)


def check_secret(system: System, link: str, caplog: pytest.LogCaptureFixture) -> None:
    """A token is in no log line of ours, in no trace, and in no table."""
    token = link.rpartition("/")[2]
    logged = "\n".join(each.getMessage() for each in caplog.records if each.name.startswith(("minisocial", "huey")))
    assert f"{link.rpartition('/')[0]}/…" in logged  # the request itself was logged
    traces = system.tracer.recent(400)
    told = logged + "".join(trace.name + "".join(span.what for span in trace.spans) for trace in traces)
    assert token not in told
    with system.cluster.read("directory") as reader:
        stored = str([reader.rows(f"SELECT * FROM {table}") for table in ("tickets", "outbox", "audit")])
    assert token not in stored


def test_whoever_joins_confirms_the_address(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada = set_up(system)
    grace = join(system, ada, "grace")
    settle(system)
    assert "not confirmed yet" in grace.get("/settings").page.text
    (link,) = links_to(system, "grace@example.org", "confirm")
    Client(system.url).get(link).submit("Confirm")
    assert "not confirmed yet" not in grace.get("/settings").page.text
    check_secret(system, link, caplog)


def test_a_new_address_takes_over_when_its_link_is_followed(system: System) -> None:
    ada = set_up(system)
    settle(system)
    ada.get("/settings").submit("Change address", email="countess@example.org", password=PASSWORD)
    settle(system)
    assert "countess@example.org" in " ".join(
        letter.text for letter in system.mailer.letters() if "ada@example.org" in letter.to
    )
    (link,) = links_to(system, "countess@example.org", "confirm")
    Client(system.url).get(link).submit("Confirm")
    log_in(system, "countess@example.org")
    assert "Letters go to countess@example.org." in ada.get("/settings").page.text


def test_one_click_ends_letters_of_a_kind(start_system: StartSystem, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_server() as (box, port):
        system = start_system(smtp_url=f"smtp://127.0.0.1:{port}", mail_from="The Club <us@example.org>")
        ada = set_up(system)
        grace = join(system, ada, "grace")
        grace.get("/").submit("Post", text="Look, @ada", visibility="everyone")
        settle(system)
        letters = [message_from_bytes(each, policy=policy.default) for each in box.letters]
        (letter,) = [each for each in letters if "mentioned you" in each["Subject"]]
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert letter["In-Reply-To"] and letter["Auto-Submitted"] == "auto-generated"
        link = letter["List-Unsubscribe"].strip("<>").removeprefix(system.url)
        assert "Unsubscribe" in Client(system.url).get(link).page.buttons  # looking changes nothing
        mail_program = Client(system.url)
        mail_program.post(link, {"List-Unsubscribe": "One-Click"})
        assert mail_program.page.status == 200

        grace.get("/").submit("Post", text="Again, @ada", visibility="everyone")
        settle(system)
        assert sum(b"mentioned you" in each for each in box.letters) == 1
        assert "Again" in ada.get("/notifications").page.text
    check_secret(system, link, caplog)


def test_the_host_makes_links_by_hand_on_the_page_and_on_the_command_line(system: System) -> None:
    ada = set_up(system)
    join(system, ada, "grace")
    ada.get("/admin/links").submit("Make a link", username="grace", purpose="reset")
    by_hand = ada.page.all("input", cls="copy")[0].attrs["value"]
    done = call("user", "reset-link", "grace", "--data", system.settings.data)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split()[0]
    assert printed.startswith(f"{system.url}/reset/") and "within an hour" in done.stdout
    Client(system.url).get(printed.removeprefix(system.url)).submit("Set password", new=NEW)
    log_in(system, "grace", NEW)
    assert Client(system.url).get(by_hand.removeprefix(system.url)).page.status == 410  # void with it
    assert ada.get("/admin/audit").page.text.count("made a link for") == 2
