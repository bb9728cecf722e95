"""The host's page of tasks that were given up."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from minisocial.errors import Refused
from tests.web.conftest import make_world


@dataclass
class Letter:
    id: int
    name: str = "letter"
    shard: str = "0"
    shown_args: dict[str, Any] = field(default_factory=lambda: {"account": 7, "note": "<b>&"})
    attempts: int = 14
    error: str = "Traceback\nOSError: <the mail server> is down\n"
    reason: str = "OSError: <the mail server> is down"
    request_id: str = "request-9"
    died_ms: int = 1_800_000_000_000


@dataclass
class FakeDesk:
    letters: list[Letter] = field(default_factory=lambda: [Letter(1), Letter(2, "fan_out")])
    done: list[tuple[Any, ...]] = field(default_factory=list)
    what: str = ""

    def trouble(self) -> str:
        return self.what

    def dead(self) -> list[Letter]:
        return self.letters

    def replay(self, name: str) -> None:
        self.done.append(("replay", name))

    def replay_all(self) -> int:
        self.done.append(("replay-all",))
        return 2

    def discard(self, name: str, reason: str, actor: int | None = None) -> None:
        if not reason:
            raise Refused("Please say why.")
        self.done.append(("discard", name, reason, actor))


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def world(desk: FakeDesk) -> Any:
    return make_world(desk=desk)


def test_for_others_it_is_not_there(world: Any, desk: FakeDesk) -> None:
    grace = world.client("grace")
    assert grace.get("/admin/tasks").code == 404
    token = grace.get("/settings").text.partition('name="csrf" value="')[2].partition('"')[0]
    for action in ("replay", "replay-all", "discard"):
        answer = grace.post(f"/admin/tasks/{action}", {"csrf": token, "letter": "0:1", "reason": "mine"})
        assert answer.code == 404
        assert world.client("ada").post(f"/admin/tasks/{action}", {"letter": "0:1"}).code == 403  # no token
    assert desk.done == []


def test_each_is_shown_with_its_error_its_arguments_and_its_trace(world: Any) -> None:
    html = world.client("ada").get("/admin/tasks").text
    assert "OSError: &lt;the mail server&gt; is down" in html
    assert "&lt;b&gt;&amp;" in html and "<b>&" not in html
    assert 'href="/console/traces/request-9"' in html
    assert "fan_out" in html


def test_one_is_replayed_all_are_replayed_one_is_discarded(world: Any, desk: FakeDesk) -> None:
    ada = world.client("ada")
    answer = ada.submit("/admin/tasks", "/admin/tasks/replay")
    assert (answer.code, answer.header("Location")) == (303, "/admin/tasks?done=replay")
    assert "done again" in ada.get("/admin/tasks?done=replay").text
    ada.submit("/admin/tasks", "/admin/tasks/replay-all")
    ada.submit("/admin/tasks", "/admin/tasks/discard", {"reason": "she left"})
    assert desk.done == [("replay", "0:1"), ("replay-all",), ("discard", "0:1", "she left", world.ada.id)]
    assert ada.submit("/admin/tasks", "/admin/tasks/discard", {"reason": " "}).code == 400


def test_nothing_given_up_says_so(world: Any, desk: FakeDesk) -> None:
    desk.letters = []
    assert "Nothing was given up" in world.client("ada").get("/admin/tasks").text


def test_why_tasks_wait_stands_on_every_page_of_an_admin_and_on_nobody_elses(world: Any, desk: FakeDesk) -> None:
    ada, grace = world.client("ada"), world.client("grace")
    assert "Tasks are waiting" not in ada.get("/admin").text
    desk.what = "The workers are <paused>."
    for path in ("/admin", "/admin/tasks", "/"):
        assert "The workers are &lt;paused&gt;." in ada.get(path).text
        assert "Tasks are waiting" not in grace.get(path).text
