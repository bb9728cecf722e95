import random
import threading

import pytest

from minisocial.background.handlers import Handler, HandlerSpec, Hopeless
from minisocial.errors import NoPrimary, NotFound
from tests.background.world import World


def failing(times: int, world: list[World]) -> Handler:
    """A handler that fails so many times and then records its task."""

    def handler(task):
        if task.attempt <= times:
            raise OSError(f"try {task.attempt}")
        world[0].record(task)

    return handler


def run_through(world: World) -> None:
    """Runs all there is, also what waits for its next attempt."""
    for _ in range(40):
        world.run_all()
        world.clock.advance(8 * 3600)


def test_failed_task_is_tried_again_later(make_world) -> None:
    worlds: list[World] = []
    worlds.append(world := make_world({"flaky": failing(2, worlds)}))
    world.add("flaky")
    assert world.run_all() == 1
    assert world.background.snapshot().queue.scheduled == 1
    run_through(world)
    assert [task.attempt for task in world.ran] == [3]
    assert world.background.snapshot().queue.retried == 2
    assert world.store.waiting() == []


def test_attempts_go_on_counting_after_a_restart(make_world) -> None:
    worlds: list[World] = []
    worlds.append(world := make_world({"flaky": failing(2, worlds)}))
    world.add("flaky")
    world.run_all()
    world.restart()
    run_through(world)
    assert [task.attempt for task in world.ran] == [3]


def test_attempts_begin_again_when_the_queue_is_lost(make_world) -> None:
    worlds: list[World] = []
    worlds.append(world := make_world({"flaky": failing(2, worlds)}))
    world.add("flaky")
    world.run_all()
    world.background.stop()
    (world.folder / "background" / "queue.db").unlink()
    world.restart()
    assert world.run_all() == 1
    run_through(world)
    assert [task.attempt for task in world.ran] == [3]


def test_last_try_makes_a_dead_letter_that_tells_all(make_world) -> None:
    world = make_world({"doomed": HandlerSpec(failing(99, []), tries=3)})
    with world.tracer.begin("request-9", "POST /"):
        id = world.add("doomed", to="Ada")
    run_through(world)
    (letter,) = world.background.dead()
    assert (letter.shard, letter.id, letter.name, letter.args) == ("0", id, "doomed", {"to": "Ada"})
    assert (letter.attempts, letter.request_id) == (3, "request-9")
    assert letter.error.endswith("OSError: try 3\n")
    assert letter.reason == "OSError: try 3"
    assert world.store.waiting() == []
    assert world.background.snapshot().queue.dead == 1


def test_hopeless_task_is_given_up_at_once(make_world) -> None:
    def hopeless(task):
        raise Hopeless("no such address")

    world = make_world({"letter": hopeless})
    world.add("letter")
    world.run_all()
    assert [(letter.attempts, letter.reason) for letter in world.background.dead()] == [
        (1, "Hopeless: no such address")
    ]
    assert world.store.waiting() == []


def test_poison_task_holds_nobody_up(make_world) -> None:
    worlds: list[World] = []
    worlds.append(world := make_world({"poison": failing(99, []), "hello": lambda task: worlds[0].record(task)}))
    world.add("poison")
    for n in range(3):
        world.add(n=n)
    world.run_all()
    assert world.order() == [0, 1, 2]


def test_task_without_a_handler_is_not_dropped(world: World) -> None:
    world.store.load("0", [(1, "from the future", "{}")])
    world.background.sweep()
    run_through(world)
    assert [letter.name for letter in world.background.dead()] == ["from the future"]


def test_task_whose_row_is_gone_is_skipped(world: World) -> None:
    world.add(n=1)
    world.background._relay.step()
    with world.store.write("0") as tx:
        tx.execute("DELETE FROM outbox")
    world.run_all()
    assert world.ran == []
    assert world.background.snapshot().queue.skipped == 1
    assert world.background.drain()


def test_effect_done_but_row_not_removed_is_tried_again(make_world) -> None:
    def then_down(task):
        world.record(task)
        world.store.is_down = task.attempt == 1

    world = make_world({"hello": then_down})
    world.add(n=1)
    world.run_all()
    world.store.is_down = False
    run_through(world)
    assert [task.attempt for task in world.ran] == [1, 2]
    assert world.store.waiting() == []


def test_dead_letter_whose_row_could_not_be_removed_is_not_run_again(make_world) -> None:
    def hopeless(task):
        world.record(task)
        world.store.is_down = True
        raise Hopeless("no such address")

    world = make_world({"letter": hopeless})
    world.add("letter")
    world.run_all()
    assert len(world.background.dead()) == 1
    world.store.is_down = False
    assert len(world.store.waiting()) == 1
    run_through(world)
    assert world.store.waiting() == []
    assert len(world.ran) == 1


def test_dead_letter_is_replayed_as_if_for_the_first_time(make_world) -> None:
    is_cured = False

    def handler(task):
        if not is_cured:
            raise Hopeless("not yet")
        world.record(task)

    world = make_world({"letter": handler})
    with world.tracer.begin("request-9", "POST /"):
        id = world.add("letter", to="Ada")
    world.run_all()
    is_cured = True
    world.background.replay("0", id)
    world.run_all()
    assert [(task.args, task.attempt, task.request_id) for task in world.ran] == [({"to": "Ada"}, 1, "request-9")]
    assert world.background.dead() == []
    with pytest.raises(NotFound):
        world.background.replay("0", id)


def test_damaged_file_of_dead_letters_is_set_aside(make_world) -> None:
    world = make_world()
    world.background.stop()
    file = world.folder / "background" / "dead.db"
    file.write_bytes(b"noise " * 1000)
    world.restart()
    assert world.background.dead() == []
    assert [found.read_bytes() for found in file.parent.glob("dead.damaged-*")] == [b"noise " * 1000]


def test_pauses_grow_up_to_a_cap_with_full_jitter() -> None:
    spec, rng = HandlerSpec(lambda task: None, base_seconds=10, growth=4, cap_seconds=600), random.Random(1)
    for attempt, most in enumerate([10, 40, 160, 600, 600], start=1):
        pauses = [spec.delay(attempt, rng) for _ in range(300)]
        assert min(pauses) < most * 0.05
        assert most * 0.95 < max(pauses) <= most
    assert spec.delay(100_000, rng) <= 600


def test_default_patience_is_about_a_day() -> None:
    spec, rng = HandlerSpec(lambda task: None), random.Random(1)
    totals = sorted(sum(spec.delay(attempt, rng) for attempt in range(1, spec.tries)) for _ in range(200))
    assert 18 * 3600 < totals[100] < 30 * 3600


def test_worker_that_dies_is_replaced_and_its_task_not_lost(make_world) -> None:
    is_done = threading.Event()

    def handler(task):
        if task.attempt == 1:
            raise SystemExit("the end")
        is_done.set()

    world = make_world({"hello": HandlerSpec(handler, base_seconds=0)}, workers=1)
    world.add(n=1)
    assert is_done.wait(15)
    assert world.background.snapshot().workers.replaced == 1
    assert world.background.drain()
    assert world.background.snapshot().workers.number == 1


def test_what_is_done_leaves_the_outbox_together(make_world) -> None:
    world = make_world()
    for n in range(100):
        world.add(n=n)
    commits: list[str] = []
    world.store.fault = commits.append
    world.run_all()
    assert world.order() == list(range(100))
    assert world.store.waiting() == []
    assert commits.count("committed") <= 5
    assert not world.background._queue.keys()


def test_what_is_done_is_done_again_if_it_could_not_leave_the_outbox(make_world) -> None:
    world = make_world()
    for n in range(3):
        world.add(n=n)

    def fail(moment: str) -> None:
        if moment == "commit":
            world.store.fault = lambda moment: None
            raise NoPrimary("the database is down")

    world.store.fault = fail
    world.run_all()
    assert len(world.store.waiting()) == 3
    assert world.background.snapshot().queue.scheduled == 3
    run_through(world)
    assert world.store.waiting() == []
    assert sorted(world.order()) == [0, 0, 1, 1, 2, 2]


def test_what_is_done_is_taken_out_at_a_stop(make_world) -> None:
    world = make_world()
    world.add(n=1)
    world.add(n=2)
    world.background.step()
    world.background.stop()
    assert world.store.waiting() == [{"n": 2}]
