"""The torture of the background: its mail server, what it takes as promised, and what it finds."""

import smtplib
import threading
from pathlib import Path

import pytest

from minisocial.torture.background.judging import Verdict, _judge_letters
from minisocial.torture.background.postbox import STEPS, Postbox, Received
from minisocial.torture.background.promises import Expected, Notice, Promises, line
from minisocial.torture.background.rounds import run

LETTER = "To: Ada <ada@example.org>\nSubject: grace wants something\nMessage-ID: <1@example.org>\n\nHello\n..dot\n"
WAIT = 10


@pytest.fixture
def postbox():
    box = Postbox()
    yield box
    box.close()


def send(postbox: Postbox) -> None:
    with smtplib.SMTP("127.0.0.1", postbox.server_address[1], timeout=WAIT) as client:
        client.sendmail("us@example.org", ["ada@example.org"], LETTER)


def test_postbox_keeps_what_it_takes(postbox: Postbox) -> None:
    send(postbox)
    assert postbox.received == [Received("Ada <ada@example.org>", "grace wants something", "<1@example.org>")]


@pytest.mark.parametrize("step", [step for step in STEPS if step != "answered"])
def test_dialogue_waits_at_the_step_where_the_trap_is(postbox: Postbox, step: str) -> None:
    is_there, may_go = threading.Event(), threading.Event()
    postbox.set_trap(step, lambda: (is_there.set(), may_go.wait(WAIT)))
    sending = threading.Thread(target=send, args=(postbox,))
    sending.start()
    assert is_there.wait(WAIT)
    assert sending.is_alive()
    assert len(postbox.received) == (1 if step == "taken" else 0)  # it counts from the last dot on
    may_go.set()
    sending.join(WAIT)
    send(postbox)  # the trap was for one dialogue
    assert len(postbox.received) == 2


def test_lines_promise_what_they_say_and_torn_ones_nothing() -> None:
    promises = Promises()
    promises.hear([line("post", 5, 1, 2), line("like", 5, 3, 1), line("request", 9, 1, "nina", "ada@example.org")])
    promises.hear([line("reply", 7, 3, 1).rstrip("\n"), "po", "\n", "a log line that went astray\n"])
    assert promises.acknowledged == 3
    assert promises.posts == [(5, 1)]
    assert promises.notices == [Notice(2, "mention", 1, 5), Notice(1, "like", 3, 5), Notice(1, "request", 9)]
    assert promises.letters == [Expected("ada@example.org", "nina")]


def judged(*received: Received) -> Verdict:
    verdict, promises = Verdict(), Promises(letters=[Expected("ada@example.org", "grace")])
    _judge_letters(promises, received, verdict)
    return verdict


def test_letter_that_did_not_come_is_lost_and_one_that_came_twice_is_told() -> None:
    one = Received("Ada <ada@example.org>", "grace wants something", "<1@example.org>")
    assert judged().lost and judged(Received("Ada <ada@example.org>", "alan wants something", "<2@example.org>")).lost
    assert (judged(one).sentences, judged(one).letters_twice) == ([], 0)
    assert (judged(one, one).sentences, judged(one, one).letters_twice) == ([], 1)


def test_same_letter_under_two_names_is_doubled() -> None:
    names = ("<1@example.org>", "<2@example.org>")
    assert judged(*(Received("Ada <ada@example.org>", "grace wants something", name) for name in names)).doubled


def test_a_round_is_judged_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "world-1").mkdir()  # of an earlier run, which is not touched
    assert run(1, 3, tmp_path) == 0
    said = capsys.readouterr().out
    assert "round   1  killed at" in said
    assert "1 rounds, " in said and " 0 lost, 0 doubled." in said
