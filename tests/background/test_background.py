import threading
from pathlib import Path

from tests.background.world import World


def test_paused_workers_take_nothing_until_resumed(make_world) -> None:
    world = make_world(workers=2)
    world.background.pause()
    world.add(n=1)
    assert not world.background.drain(0.2)
    assert world.ran == []
    assert world.background.snapshot().workers.state == "paused"
    world.background.resume()
    assert world.background.drain()
    assert world.order() == [1]


def test_paused_box_can_be_stepped(make_world) -> None:
    world = make_world(workers=1)
    world.background.pause()
    world.add(n=1)
    world.add(n=2)
    assert world.background.step()
    assert world.order() == [1]


def test_stop_lets_a_running_task_finish(make_world) -> None:
    is_running, may_end = threading.Event(), threading.Event()

    def slow(task):
        is_running.set()
        may_end.wait(5)
        world.record(task)

    world = make_world({"slow": slow}, workers=1)
    world.add("slow", n=1)
    assert is_running.wait(5)
    stopping = threading.Thread(target=world.background.stop)
    stopping.start()
    may_end.set()
    stopping.join(10)
    assert world.order() == [1]
    assert world.store.waiting() == []


def test_stop_does_not_wait_for_a_task_that_hangs(make_world) -> None:
    is_running, may_end = threading.Event(), threading.Event()

    def hang(task):
        is_running.set()
        may_end.wait(20)
        raise OSError("too late")

    world = make_world({"hang": hang}, workers=1)
    world.add("hang", n=1)
    assert is_running.wait(5)
    world.background.stop(0.05)
    assert not may_end.is_set()
    may_end.set()
    assert world.store.waiting() == [{"n": 1}]


def test_stopped_box_keeps_what_was_not_begun(make_world) -> None:
    world = make_world(workers=1)
    world.background.pause()
    for n in range(20):
        world.add(n=n)
    world.restart()
    assert world.background.drain()
    assert world.order() == list(range(20))


def test_stop_and_start_may_be_repeated(make_world) -> None:
    world = make_world(workers=1)
    world.background.stop()
    world.background.stop()
    world.background.start()
    world.background.start()
    world.add(n=1)
    assert world.background.drain()
    assert world.background.snapshot().workers.state == "running"
    assert world.background.snapshot().workers.number == 1


def test_box_not_started_tells_of_itself_and_loses_nothing(world: World) -> None:
    world.background.stop()
    world.add(n=1)
    assert world.background.snapshot().workers.state == "stopped"
    assert world.background.snapshot().outbox.depth == 1
    world.background.start()
    world.run_all()
    assert world.order() == [1]


def test_two_boxes_live_in_one_process(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = World(tmp_path / "one", workers=1), World(tmp_path / "two", workers=1)
    one.add(n=1)
    two.add(n=2)
    assert one.background.drain() and two.background.drain()
    assert (one.order(), two.order()) == ([1], [2])
    one.close()
    two.close()


def test_snapshot_tells_how_long_the_oldest_task_has_been_there(world: World) -> None:
    world.add(n=1)
    world.background._relay.step()
    world.clock.advance(61)
    snapshot = world.background.snapshot()
    assert (snapshot.queue.depth, snapshot.queue.oldest_ms, snapshot.outbox.depth) == (1, 61_000, 1)
    world.run_all()
    assert world.background.snapshot().queue.oldest_ms == 0


def test_drain_gives_up_on_what_waits_for_a_later_attempt(make_world) -> None:
    def fail(task):
        raise OSError

    world = make_world({"hello": fail})
    world.add(n=1)
    assert not world.background.drain()


def test_files_are_private(world: World) -> None:
    folder = world.folder / "background"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "dead.db").stat().st_mode & 0o077 == 0
