import random
import threading
from collections import defaultdict
from typing import Any

import pytest

from minisocial.background.handlers import HandlerSpec
from minisocial.background.outbox import Task
from tests.background.world import World

WAIT = 10


class Gate:
    """A handler whose tasks wait to be let through; `at_work` are those inside now."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.at_work: list[int] = []
        self.entered: list[int] = []
        self.done: list[int] = []
        self._open: set[int] = set()

    def __call__(self, task: Task) -> None:
        n = task.args["n"]
        with self._changed:
            self.at_work.append(n)
            self.entered.append(n)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: n in self._open, WAIT)
            self.at_work.remove(n)
            self.done.append(n)
            self._changed.notify_all()

    def let(self, *numbers: int) -> None:
        with self._changed:
            self._open.update(numbers)
            self._changed.notify_all()

    def until(self, is_so: Any) -> bool:
        with self._changed:
            return self._changed.wait_for(is_so, WAIT)


def test_tasks_for_one_person_run_one_after_the_other_with_several_workers(make_world: Any) -> None:
    gate = Gate()
    world = make_world({"letter": HandlerSpec(gate, order="letters")}, workers=3)
    for n in (1, 2, 3):
        world.add("letter", n=n, account=7)
    world.add("letter", n=4, account=8)
    assert gate.until(lambda: sorted(gate.at_work) == [1, 4])  # the third worker has nothing that it may do
    gate.let(4, 3, 2)
    assert gate.until(lambda: gate.done == [4])
    assert gate.at_work == [1]
    gate.let(1)
    assert world.background.drain()
    assert gate.done == [4, 1, 2, 3]


def test_order_per_person_holds_with_many_workers_and_random_failures(make_world: Any) -> None:
    done: defaultdict[int, list[int]] = defaultdict(list)
    chance, lock = random.Random(3), threading.Lock()

    def handler(task: Task) -> None:
        with lock:
            if task.attempt < 3 and chance.random() < 0.2:
                raise OSError("stumbled")
            done[task.args["account"]].append(task.args["n"])

    world = make_world({"letter": HandlerSpec(handler, order="letters", base_seconds=0)}, workers=4)
    for n in range(400):
        world.add("letter", shard="0", n=n, account=n % 7)
    for _ in range(30):  # scheduled attempts are moved once a second by Huey; here at once
        world.background._queue.move_due()
        if world.background.drain(0.2):
            break
    assert world.background.drain()
    assert sum(map(len, done.values())) == 400
    assert all(numbers == sorted(numbers) for numbers in done.values())


def failing(times: dict[int, int], world: list[World]) -> Any:
    def handler(task: Task) -> None:
        if task.attempt <= times.get(task.args["n"], 0):
            raise OSError("not yet")
        world[0].record(task)

    return handler


def ordered(make_world: Any, times: dict[int, int], **spec: Any) -> World:
    worlds: list[World] = []
    worlds.append(make_world({"letter": HandlerSpec(failing(times, worlds), order="letters", **spec)}))
    return worlds[0]


def test_task_that_is_tried_again_is_not_overtaken_by_later_ones_for_the_same_person(make_world: Any) -> None:
    world = ordered(make_world, {1: 2})
    world.add("letter", n=1, account=7)
    world.add("letter", n=2, account=7)
    world.add("letter", n=3, account=8)
    world.run_all()
    assert world.order() == [3]
    for _ in range(2):
        world.clock.advance(60)
        world.run_all()
    assert world.order() == [3, 1, 2]


def test_poison_task_keeps_its_own_person_waiting_for_a_minute_at_most(make_world: Any) -> None:
    world = ordered(make_world, {1: 99})
    world.add("letter", n=1, account=7)
    world.add("letter", n=2, account=7)
    for _ in range(3):
        world.run_all()
        world.clock.advance(30)  # the first two pauses are 10 and 40 seconds at most
    world.run_all()
    assert world.order() == [2]


def test_order_is_kept_over_a_restart_while_a_task_waits_for_its_next_attempt(make_world: Any) -> None:
    world = ordered(make_world, {1: 1})
    world.add("letter", n=1, account=7)
    world.add("letter", n=2, account=7)
    world.run_all()
    world.restart()
    world.run_all()
    assert world.order() == []
    world.clock.advance(60)
    world.run_all()
    assert world.order() == [1, 2]


def test_oldest_task_goes_first_also_when_it_comes_into_the_queue_last(world: World) -> None:
    for n in range(5):
        world.add(n=n)
    world.background._relay.step()
    queue = world.background._queue
    assert queue._storage.take() is not None  # the first one was taken when the process died
    world.restart()
    world.run_all()
    assert world.order() == [0, 1, 2, 3, 4]


def test_order_survives_the_loss_of_the_queue_file_and_of_parked_tasks(make_world: Any) -> None:
    world = ordered(make_world, {0: 1})
    for n in range(20):
        world.add("letter", n=n, account=n % 2)
    world.run_all()
    world.background.stop()
    (world.folder / "background" / "queue.db").unlink()
    world.restart()
    for _ in range(3):
        world.run_all()
        world.clock.advance(60)
    for person in (0, 1):
        assert [n for n in world.order() if n % 2 == person] == list(range(person, 20, 2))


def test_parked_tasks_count_to_the_depth_and_the_limit(make_world: Any) -> None:
    world = ordered(make_world, {0: 1}, base_seconds=1000)
    for n in range(30):
        world.add("letter", n=n, account=7)
    world.run_all()
    assert world.background.snapshot().queue.depth == 29
    assert world.background.snapshot().queue.scheduled == 1
    world.clock.advance(1000)
    world.run_all()
    assert world.order() == list(range(30))
    assert world.background.snapshot().queue.depth == 0


def test_order_holds_after_heavy_insert_and_delete(make_world: Any) -> None:
    world = make_world()
    added = 0
    for burst in range(200):
        for _ in range(burst % 7):
            world.add(n=added)
            added += 1
        for _ in range(burst % 5):
            world.background.step()
    world.run_all()
    assert world.order() == list(range(added))


# --- classes


def test_small_tasks_go_before_batch_work_and_each_class_is_in_order(make_world: Any) -> None:
    worlds: list[World] = []
    record = lambda task: worlds[0].record(task)  # noqa: E731
    worlds.append(make_world({"batch": HandlerSpec(record, is_batch=True), "small": record}))
    world = worlds[0]
    for n in range(4):
        world.add("batch", n=n)
    for n in range(10, 14):
        world.add("small", n=n)
    world.run_all()
    assert world.order() == [10, 11, 12, 13, 0, 1, 2, 3]


def test_batch_work_has_its_turn_however_many_small_tasks_come(make_world: Any) -> None:
    worlds: list[World] = []
    record = lambda task: worlds[0].record(task)  # noqa: E731
    worlds.append(make_world({"batch": HandlerSpec(record, is_batch=True), "small": record}))
    world = worlds[0]
    world.add("batch", n=-1)
    for n in range(100):
        world.add("small", n=n)
    world.run_all()
    assert 15 <= world.order().index(-1) <= 30


def test_batch_work_never_has_all_the_workers(make_world: Any) -> None:
    gate = Gate()
    world = make_world({"batch": HandlerSpec(gate, is_batch=True), "small": gate}, workers=2)
    for n in range(5):
        world.add("batch", n=n)
    assert gate.until(lambda: gate.at_work == [0])
    world.add("small", n=10)
    gate.let(10)
    assert gate.until(lambda: gate.done == [10])
    assert gate.entered == [0, 10]
    gate.let(*range(5))
    assert world.background.drain()
    assert gate.done == [10, 0, 1, 2, 3, 4]


def test_one_worker_alone_does_batch_work_too(make_world: Any) -> None:
    gate = Gate()
    gate.let(1, 2)
    world = make_world({"batch": HandlerSpec(gate, is_batch=True)}, workers=1)
    world.add("batch", n=1)
    world.add("batch", n=2)
    assert world.background.drain()
    assert gate.done == [1, 2]


def test_file_of_an_earlier_program_is_begun_anew_from_the_outbox(world: World) -> None:
    world.add(n=1)
    world.background._relay.step()
    world.background._queue._storage.sql("drop index task_next")
    world.background._queue._storage.sql("alter table task drop column rank")
    world.restart()
    world.run_all()
    assert world.order() == [1]


@pytest.mark.parametrize("workers", [1, 3])
def test_nothing_is_left_behind_when_the_file_fails_now_and_then(make_world: Any, workers: int) -> None:
    """The queue's file refuses every tenth use: what it is believed to hold and what it holds must meet again."""
    world = make_world(workers=workers)
    uses = iter(range(1_000_000))
    storage = world.background._queue._storage
    take = storage._take

    def now_and_then(cursor: Any) -> Any:
        if next(uses) % 10 == 3:
            raise OSError("the disk stumbles")
        return take(cursor)

    storage._take = now_and_then
    for n in range(60):
        world.add(n=n)
    assert world.background.drain(30)
    assert sorted(world.order()) == list(range(60))


def test_order_without_a_person_is_one_for_all_and_need_not_wait_for_what_fails(make_world: Any) -> None:
    worlds: list[World] = []
    worlds.append(make_world({"tell": HandlerSpec(failing({1: 1}, worlds), order="telling", holds=0)}))
    world = worlds[0]
    for n in (1, 2, 3):
        world.add("tell", n=n)
    world.run_all()
    assert world.order() == [2, 3]
    gate = Gate()
    world.background.handle({"tell": HandlerSpec(gate, order="telling", holds=0)})
    world.background.set_workers(3)
    for n in (4, 5):
        world.add("tell", n=n)
    assert gate.until(lambda: gate.at_work == [4])
    gate.let(4, 5)
    assert gate.until(lambda: gate.done == [4, 5])
