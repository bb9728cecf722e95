from pathlib import Path

from minisocial.benchmarks import children
from minisocial.benchmarks.balancer import overload
from minisocial.benchmarks.balancer.boxes import TimedApp, front_door
from minisocial.benchmarks.balancer.overload import Load
from minisocial.benchmarks.balancer.services import far_from
from minisocial.benchmarks.browser import Browser
from tests.fakes import ask


def test_the_application_takes_its_time_and_answers_eight_kilobytes() -> None:
    answer = ask(TimedApp(waits=0.001, computes=0.001))
    assert (answer.code, len(answer.body)) == (200, 8192)


def test_the_boxes_around_it_are_those_of_a_system() -> None:
    door = front_door(TimedApp(), nodes=2, slots=3)
    door.start()
    try:
        assert len(Browser("127.0.0.1", door.port).page("/")) == 8192
    finally:
        door.stop(1)


def test_twice_the_capacity_is_offered_and_what_came_of_it_is_told(tmp_path: Path) -> None:
    goodput, refusals = overload.measure(Load("few", waits=0.02, nodes=1, slots=2), 1, 0.4, tmp_path / "log")
    assert goodput.ours[0] > 0 and goodput.beside[0] > 0
    assert "refused" in refusals.note


def test_a_server_of_boxes_ends_with_its_block(tmp_path: Path) -> None:
    with children.boxes({"waits": 0, "computes": 0, "nodes": 1, "slots": 1}, tmp_path / "log") as server:
        assert len(Browser("127.0.0.1", server.port).page("/")) == 8192
    assert server.process.returncode is not None


def test_writers_are_far_from_the_readers_so_that_their_pages_stay_as_they_are() -> None:
    chain = [(number, number + 1) for number in range(9)]
    assert far_from([0, 1], chain) == [4, 5, 6, 7, 8, 9]
    assert far_from([5], chain) == [0, 1, 2, 8, 9]
