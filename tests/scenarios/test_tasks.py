"""Tasks of a running system, as the host meets them: on the command line, in the console, on the admin pages."""

import json
from typing import Any

import pytest

from minisocial.background import HandlerSpec, Hopeless
from minisocial.cli import remote
from minisocial.errors import Refused
from minisocial.system import System
from tests.client import Client
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import set_up, settle


def do(system: System, name: str, **args: str) -> str:
    """As the command line does, through the running system's address."""
    return remote.perform(system.settings, name, args, lambda line: None)


def add(system: System, task: str, **args: Any) -> int:
    with system.cluster.write("0") as tx:
        return system.background.add(tx, "0", task, args)


def status(system: System) -> Any:
    return json.loads(Client(system.url).get("/console/status.json").page.text)


@pytest.fixture
def ran() -> list[Any]:
    return []


@pytest.fixture
def system(start_system: StartSystem, ran: list[Any]) -> System:
    system = start_system()
    system.background.handle({"note": lambda task: ran.append(task.args)})
    return system


def test_workers_are_changed_paused_stepped_and_restarted_by_command(system: System, ran: list[Any]) -> None:
    assert do(system, "workers-list").startswith("2 of 2 workers, running.")
    do(system, "workers-set", number="5")
    assert status(system)["workers"]["number"] == 5
    do(system, "workers-set", number="1")
    do(system, "workers-pause")
    assert status(system)["workers"]["state"] == "paused"
    for n in range(2):
        add(system, "note", n=n)
    assert not system.background.drain(0.3)
    assert do(system, "workers-step") == "The next task is done."
    assert ran == [{"n": 0}]
    do(system, "workers-resume")
    assert "1 workers are replaced" in do(system, "workers-restart")
    settle(system)
    assert ran == [{"n": 0}, {"n": 1}]
    assert do(system, "workers-step") == "There is nothing to do right now."
    for number in ("many", "1000", "-1"):
        with pytest.raises(Refused):
            do(system, "workers-set", number=number)


def discarded(system: System) -> list[Any]:
    with system.cluster.read("directory", system.cluster.position("directory")) as reader:
        return reader.rows("SELECT actor, subject, detail FROM audit WHERE action = 'discard'")


def fail_then_work(system: System, ran: list[Any]) -> Any:
    is_cured = [False]

    def handler(task: Any) -> None:
        if not is_cured[0]:
            raise Hopeless("the address is wrong")
        ran.append(task.args)

    system.background.handle({"doomed": HandlerSpec(handler)})
    return is_cured


def test_dead_letters_are_listed_shown_replayed_and_discarded_by_command(system: System, ran: list[Any]) -> None:
    is_cured = fail_then_work(system, ran)
    ids = [add(system, "doomed", n=n, password="four words") for n in range(4)]
    settle(system)
    listing = do(system, "dead-list")
    assert all(f"0:{id}" in listing for id in ids)
    shown = do(system, "dead-show", letter=f"0:{ids[0]}")
    assert "the address is wrong" in shown and '"n": 0' in shown
    assert "four words" not in shown
    with pytest.raises(Refused, match="say why"):
        do(system, "dead-discard", letter=f"0:{ids[3]}", reason=" ")
    do(system, "dead-discard", letter=f"0:{ids[3]}", reason="they left")
    ((actor, subject, detail),) = discarded(system)
    assert actor is None
    assert "they left" in detail and str(ids[3]) in subject
    is_cured[0] = True
    do(system, "dead-replay", letter=f"0:{ids[0]}")
    assert do(system, "dead-replay-all").startswith("2 tasks")
    settle(system)
    assert [args["n"] for args in ran] == [0, 1, 2]
    assert do(system, "dead-list") == "There are no dead letters."
    for letter in (f"0:{ids[0]}", "0:1", "nonsense", ":"):
        with pytest.raises(Refused):
            do(system, "dead-show", letter=letter)


def test_host_replays_and_discards_on_a_page(system: System, ran: list[Any]) -> None:
    host = set_up(system)
    settle(system)
    is_cured = fail_then_work(system, ran)
    for n in range(2):
        add(system, "doomed", n=n)
    settle(system)
    is_cured[0] = True
    page = host.get("/admin/tasks")
    assert "the address is wrong" in page.page.text
    page.submit("Replay")
    host.get("/admin/tasks").submit("Discard", reason="they left")
    settle(system)
    assert len(ran) == 1
    ((actor, _, _),) = discarded(system)
    assert actor == system.social.accounts.named("ada").id
    assert "they left" in host.get("/admin/audit").page.text


def test_full_outbox_is_a_503_that_says_when_to_come_again(start_system: StartSystem) -> None:
    system = start_system(outbox_limit=3, workers=1)
    host = set_up(system)
    settle(system)
    system.background.pause()
    answers = [host.get("/").submit("Post", text=f"post {n}", visibility="everyone").answers[0] for n in range(4)]
    refused = [answer for answer in answers if answer.status == 503]
    assert refused and all(answer.headers.get("retry-after") for answer in refused)
    assert "Nothing was saved" in refused[0].text
    assert status(system)["outbox"]["depth"] <= 4  # the post that filled it left two
    system.background.resume()
    settle(system)
    assert host.get("/").submit("Post", text="again", visibility="everyone").answers[0].status == 303


def test_full_queue_still_acknowledges_and_the_console_says_so(start_system: StartSystem) -> None:
    system = start_system(queue_limit=2, workers=1)
    host = set_up(system)
    settle(system)
    system.background.pause()
    for n in range(4):
        assert host.get("/").submit("Post", text=f"post {n}", visibility="everyone").answers[0].status == 303
    found = status(system)
    assert found["queue"]["depth"] <= 2 and found["outbox"]["depth"] >= 4
    assert found["outbox"]["is_behind"] is True
    assert "The relay is behind" in host.get("/console").page.text
    system.background.resume()
    settle(system)
    assert status(system)["outbox"]["depth"] == 0
