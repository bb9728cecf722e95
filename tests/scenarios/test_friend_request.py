"""The flagship: Grace presses Add friend, and Ada learns of it in the app and by mail."""

import re
import threading
from collections.abc import Sequence

import pytest

from minisocial.database import Change
from minisocial.system import System
from tests.background.smtp_server import free_port, smtp_server
from tests.client import Client
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import join, set_up, settle


def letters_to(system: System, address: str) -> list[str]:
    """Those with news: all but the one that asks whether the address is right."""
    return [each.text for each in system.mailer.letters() if address in each.to and "/unsubscribe/" in each.text]


def test_from_the_button_to_friends(system: System) -> None:
    ada = set_up(system)
    grace = join(system, ada, "grace")
    grace.get("/@ada").submit("Add friend")
    settle(system)

    assert "Grace wants to be your friend" in ada.get("/notifications").page.text
    (letter,) = letters_to(system, "ada@example.org")
    link = re.findall(r"http://\S+", letter)[0]
    ada.get(link.removeprefix(system.url)).submit("Accept")
    settle(system)

    assert "Grace" in ada.get("/friends").page.text
    assert "Ada" in grace.get("/friends").page.text
    assert len(letters_to(system, "grace@example.org")) == 1
    ada.get("/").submit("Post", text="welcome, friend", visibility="friends")
    settle(system)
    assert "welcome, friend" in grace.get("/").page.text


def test_one_request_id_leads_from_the_button_to_the_letter(system: System, caplog: pytest.LogCaptureFixture) -> None:
    ada = set_up(system)
    grace = join(system, ada, "grace")
    id = grace.get("/@ada").submit("Add friend").answers[0].request_id
    settle(system)

    boxes = {span.box for trace in system.tracer.find(id) for span in trace.spans}
    assert boxes >= {"proxy", "balancer", "node", "database", "outbox", "queue", "worker", "mail"}
    (letter,) = [letter for letter in system.mailer.letters() if letter.to.startswith("Ada ")]
    assert id in (system.settings.data / "mail" / letter.name).read_text()


def test_the_link_in_the_letter_works_for_who_has_to_log_in_first(system: System) -> None:
    ada = set_up(system)
    grace = join(system, ada, "grace")
    grace.get("/@ada").submit("Add friend")
    settle(system)
    elsewhere = Client(system.url).get("/@grace")
    elsewhere.submit("Log in", username="ada", password="four words are enough")
    assert "Accept" in elsewhere.page.buttons


def test_with_the_mail_server_down_the_answer_is_as_quick_and_the_letter_comes_later(start_system: StartSystem) -> None:
    port = free_port()  # where nobody listens
    system = start_system(smtp_url=f"smtp://127.0.0.1:{port}")
    ada = set_up(system)
    grace = join(system, ada, "grace")
    told = threading.Event()
    system.cluster.subscribe(lambda changes: tell(told, changes))
    grace.get("/@ada").submit("Add friend")
    assert grace.answers[0].status == 303
    assert told.wait(20)
    assert "Grace wants to be your friend" in ada.get("/notifications").page.text
    until_only_letters_wait(system)

    data = system.settings.data
    system.stop()
    with smtp_server() as (box, port):
        for file in data.glob("queue.db*"):  # lost with the time of the next try in it: then it is tried at once
            file.unlink()
        system = start_system(data=data, smtp_url=f"smtp://127.0.0.1:{port}")
        assert system.background.drain(20)
    asked, also, letter = sorted(box.letters, key=lambda each: b"wants to be" in each)
    assert b"confirm" in asked and b"confirm" in also
    assert b"Grace wants to be your friend" in letter
    assert system.snapshot().mail.sent == 3


def tell(told: threading.Event, changes: Sequence[Change]) -> None:
    if any(change.table == "notifications" for change in changes):
        told.set()


def until_only_letters_wait(system: System) -> None:
    """Until the worker has met the mail server that is not there, and all else is done."""
    for _ in range(100):
        now = system.snapshot()
        if now.queue.retried and now.outbox.depth == 3:  # the request's, and those that ask two who joined
            return
        threading.Event().wait(0.1)
    raise AssertionError("nobody tried to send the letter, or something else was left undone")
