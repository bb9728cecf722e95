"""A page somebody has seen before is at hand: the thread that read the request answers, and hands over to no other."""

from minisocial import wsgi
from minisocial.system import System
from minisocial.wsgi import Response
from tests.client import Client
from tests.fakes import environ_of
from tests.impatient import impatiently
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import set_up, settle


def at_once(system: System, client: Client, path: str) -> Response | None:
    """What the front door's own thread would answer; None if it leaves it to another one."""
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    environ = environ_of(path, cookie=cookie) if cookie else environ_of(path)
    answer = impatiently(lambda: wsgi.call(system.front_door, environ))
    return answer if isinstance(answer, Response) else None


def test_a_page_is_at_hand_from_its_second_time_on_until_it_changes(start_system: StartSystem) -> None:
    system = start_system(read_nodes=1)
    ada = set_up(system)
    ada.get("/").submit("Post", text="Good morning", visibility="everyone")
    settle(system)
    for path in ("/explore", "/@ada", "/?max_id=1"):
        assert at_once(system, ada, path) is None
    for path in ("/", "/explore", "/@ada"):
        seen = ada.get(path).page
        answer = at_once(system, ada, path)
        assert answer and answer.code == 200 and "Good morning" in answer.body.decode()
        assert answer.body == seen.raw, path
    ada.get("/").submit("Post", text="Good evening", visibility="everyone")
    assert at_once(system, ada, "/explore") is None
    assert "Good evening" in ada.get("/explore").page.text


def test_what_is_about_to_wait_is_left_to_other_threads(start_system: StartSystem) -> None:
    system = start_system(read_nodes=1)
    ada = set_up(system)
    for path in ("/settings", "/admin", "/console", "/livez", "/nowhere", "/login"):
        ada.get(path)
        assert at_once(system, ada, path) is None, path


def test_switched_off_every_request_has_a_thread_of_its_own_and_the_pages_are_the_same(
    start_system: StartSystem,
) -> None:
    system = start_system(at_once=False)
    ada = set_up(system)
    assert [ada.get("/").page.status for _ in range(3)] == [200] * 3
