import threading
from typing import Any

import pytest

from minisocial.background.deadline import Deadline, OutOfTime
from minisocial.background.handlers import HandlerSpec
from minisocial.background.outbox import Task
from minisocial.background.workers import MOST_STUCK, OBEY_SECONDS
from minisocial.errors import Refused
from tests.background.world import World
from tests.fakes import ManualClock

WAIT = 10


class Stubborn:
    """A handler that does not return, and does not ask whether it should, until it is let go."""

    def __init__(self) -> None:
        self.is_in = threading.Semaphore(0)
        self.may_go = threading.Event()

    def __call__(self, task: Task) -> None:
        self.is_in.release()
        assert self.may_go.wait(WAIT)


@pytest.fixture
def stubborn() -> Any:
    handler = Stubborn()
    yield handler
    handler.may_go.set()


def until(is_so: Any) -> None:
    """Waits for what threads bring about on their own."""
    rest = threading.Event()
    for _ in range(500):
        if is_so():
            return
        rest.wait(0.02)
    raise AssertionError("it did not come")


def workers(world: World) -> Any:
    return world.background.snapshot().workers


def test_number_of_workers_is_changed_while_they_run(make_world: Any, stubborn: Stubborn) -> None:
    world = make_world({"hello": stubborn}, workers=1)
    for n in range(3):
        world.add(n=n)
    assert stubborn.is_in.acquire(timeout=WAIT)
    assert not stubborn.is_in.acquire(timeout=0.1)
    world.background.set_workers(3)
    assert stubborn.is_in.acquire(timeout=WAIT)
    assert stubborn.is_in.acquire(timeout=WAIT)
    assert (workers(world).number, workers(world).wanted) == (3, 3)
    world.background.set_workers(1)
    assert workers(world).number == 1  # the two others go home after their task
    stubborn.may_go.set()
    assert world.background.drain()
    assert world.store.waiting() == []


def test_idle_workers_sent_home_go_at_once(make_world: Any) -> None:
    world = make_world(workers=3)
    threads = [thread for _, thread in world.background._workers.worker_threads]
    world.background.set_workers(0)
    for thread in threads:
        thread.join(WAIT)
    assert not any(thread.is_alive() for thread in threads)
    world.add(n=1)
    assert not world.background.drain(0.2)
    world.background.set_workers(1)
    assert world.background.drain()
    assert world.order() == [1]


def test_box_begun_without_workers_gets_some(make_world: Any) -> None:
    world = make_world(workers=0)
    world.add(n=1)
    world.background.set_workers(2)
    assert world.background.drain()
    assert world.order() == [1]


def test_number_set_while_stopped_holds_from_the_start(make_world: Any) -> None:
    world = make_world(workers=1)
    world.background.stop()
    world.background.set_workers(3)
    assert world.background.restart_workers() == 0
    assert workers(world).number == 0
    world.background.start()
    assert workers(world).number == 3


def test_more_workers_than_sense_are_refused(world: World) -> None:
    for number in (-1, 1000):
        with pytest.raises(Refused):
            world.background.set_workers(number)


def test_restart_replaces_every_thread_after_its_task(make_world: Any, stubborn: Stubborn) -> None:
    world = make_world({"hello": stubborn, "quick": world_record(lambda: world)}, workers=2)
    world.add(n=1)
    assert stubborn.is_in.acquire(timeout=WAIT)
    before = [thread for _, thread in world.background._workers.worker_threads]
    assert world.background.restart_workers() == 2
    after = [thread for _, thread in world.background._workers.worker_threads]
    assert not set(before) & set(after)
    world.add("quick", n=2)
    until(lambda: world.order() == [2])
    stubborn.may_go.set()
    assert world.background.drain()
    for thread in before:
        thread.join(WAIT)
    assert not any(thread.is_alive() for thread in before)


def world_record(world: Any) -> Any:
    return lambda task: world().record(task)


# --- deadlines


def test_task_that_asks_is_told_when_its_time_is_up() -> None:
    clock = ManualClock()
    task = Task(1, "0", "hello", {}, deadline=Deadline(clock, 60))
    clock.advance(59)
    task.check()
    assert task.deadline.left == 1
    clock.advance(1)
    with pytest.raises(OutOfTime):
        task.check()


def test_task_told_to_stop_is_tried_again(make_world: Any) -> None:
    def slow(task: Task) -> None:
        if task.attempt == 1:
            world.clock.advance(61)
        task.check()
        world.record(task)

    world = make_world({"hello": slow})
    world.add(n=1)
    world.run_all()
    assert world.ran == []
    world.clock.advance(60)
    world.run_all()
    assert [task.attempt for task in world.ran] == [2]


def test_waiting_task_is_woken_at_its_deadline(make_world: Any) -> None:
    is_in, was_told = threading.Event(), threading.Event()

    def wait(task: Task) -> None:
        is_in.set()
        if task.deadline.is_called_off.wait(WAIT):
            was_told.set()
        task.check()

    world = make_world({"hello": HandlerSpec(wait, deadline_seconds=30)}, workers=1)
    world.add(n=1)
    assert is_in.wait(WAIT)
    world.background._workers.look_after()
    assert not was_told.is_set()
    world.clock.advance(31)
    world.background._workers.look_after()
    assert was_told.wait(WAIT)


def test_thread_that_does_not_obey_is_replaced_and_the_others_go_on(make_world: Any, stubborn: Stubborn) -> None:
    handlers = {"stubborn": HandlerSpec(stubborn, order="person"), "hello": world_record(lambda: world)}
    world = make_world({**handlers, "later": HandlerSpec(handlers["hello"], order="person")}, workers=1)
    world.add("stubborn", n=0, account=7)
    assert stubborn.is_in.acquire(timeout=WAIT)
    world.add(n=1)
    world.add("later", n=2, account=7)
    world.clock.advance(60 + OBEY_SECONDS + 1)
    world.background._workers.look_after()
    until(lambda: world.order() == [1, 2])
    assert (workers(world).number, workers(world).stuck, workers(world).replaced) == (1, 1, 1)
    assert [each.task for each in workers(world).at_work] == ["stubborn"]
    world.background.sweep()
    world.background._relay.step()
    assert not stubborn.is_in.acquire(timeout=0.1)  # it is not begun a second time while it runs
    stubborn.may_go.set()
    assert world.background.drain()
    assert world.store.waiting() == []
    until(lambda: workers(world).stuck == 0)


def test_only_so_many_threads_are_given_up(make_world: Any, stubborn: Stubborn) -> None:
    world = make_world({"hello": stubborn}, workers=1)
    for n in range(MOST_STUCK + 3):
        world.add(n=n)
    for _ in range(MOST_STUCK + 1):
        assert stubborn.is_in.acquire(timeout=WAIT)
        world.clock.advance(60 + OBEY_SECONDS + 1)
        world.background._workers.look_after()
    assert not stubborn.is_in.acquire(timeout=0.1)
    assert (workers(world).stuck, workers(world).number) == (MOST_STUCK, 1)


def test_scheduler_that_dies_is_replaced(make_world: Any) -> None:
    world = make_world(workers=1)
    threads = world.background._workers
    before = threads.scheduler

    def die() -> None:
        raise SystemExit

    world.background._queue.huey.read_schedule = lambda now=None: die()
    before.join(WAIT)
    assert not before.is_alive()
    del world.background._queue.huey.read_schedule
    until(lambda: threads.look_after() or threads.scheduler.is_alive())
    assert threads.scheduler is not before


def test_relay_goes_on_when_the_workers_can_not_be_looked_after(make_world: Any) -> None:
    world = make_world(workers=1)
    looks = threading.Semaphore(0)

    def fail() -> None:
        looks.release()
        raise RuntimeError("can't start new thread")

    world.background._workers.look_after = fail
    for n in range(3):
        world.add(n=n)
        assert looks.acquire(timeout=WAIT)
        assert world.background.drain()
    assert world.order() == [0, 1, 2]
