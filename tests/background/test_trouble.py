"""Why the oldest task is more than a minute old: the box names the cause."""

import threading
from typing import Any

import pytest

from minisocial.background.handlers import HandlerSpec
from minisocial.errors import NoPrimary, QueueFull
from tests.background.world import World

WAIT = 10


def trouble(world: World, age: float = 61) -> str:
    world.clock.advance(age)
    return world.background.trouble()


def test_no_word_while_tasks_are_younger_than_a_minute(world: World) -> None:
    world.add(n=1)
    world.background.pause()
    assert trouble(world, 59) == ""
    assert trouble(world, 2) != ""


def test_paused_workers(make_world: Any) -> None:
    world = make_world(workers=1)
    world.background.pause()
    world.add(n=1)
    assert trouble(world).startswith("The oldest of one task is 61 seconds old. The workers are paused: ")
    world.background.resume()
    assert world.background.drain()
    assert trouble(world, 3) == ""


def test_no_workers(world: World) -> None:
    world.add(n=1)
    world.add(n=2)
    assert "of 2 tasks is 61 seconds old. There are no workers" in trouble(world)


def test_task_that_takes_long(make_world: Any) -> None:
    is_in, may_go = threading.Event(), threading.Event()

    def slow(task: Any) -> None:
        is_in.set()
        may_go.wait(WAIT)

    world = make_world({"slow": HandlerSpec(slow, deadline_seconds=9999)}, workers=1)
    world.add("slow")
    assert is_in.wait(WAIT)
    assert trouble(world, 300).endswith("It is at work: slow for 5 minutes.")
    may_go.set()


def test_all_workers_are_busy_with_something_else(make_world: Any) -> None:
    is_in, may_go = threading.Event(), threading.Event()

    def slow(task: Any) -> None:
        is_in.set()
        may_go.wait(WAIT)

    world = make_world({"slow": HandlerSpec(slow, deadline_seconds=9999), "hello": lambda task: None}, workers=1)
    world.add("hello")
    assert world.background.drain()
    world.add("slow", shard="directory")
    assert is_in.wait(WAIT)
    world.clock.advance(-10)  # the other one is older
    world.add("hello")
    world.clock.advance(10)
    assert trouble(world).endswith("All 1 workers are busy: slow for 61 seconds.")
    may_go.set()


def test_mail_server_is_down(make_world: Any) -> None:
    def fail(task: Any) -> None:
        raise OSError("The mail server at mail.example does not answer")

    world = make_world({"letter": fail}, workers=1)
    world.add("letter")
    assert not world.background.drain(0.5)
    told = trouble(world)
    assert "The task letter fails: The mail server at mail.example does not answer." in told


def test_queue_file_can_not_be_used(make_world: Any) -> None:
    world = make_world(workers=1)
    world.background.pause()
    world.add(n=1)
    world.background._queue._storage.error = "database or disk is full"
    world.background.resume = lambda: None
    world.background._state = "running"
    assert "The file of the queue can not be used (database or disk is full)." in trouble(world)


def test_outbox_can_not_be_read(world: World) -> None:
    world.add(n=1)

    def fail(moment: str) -> None:
        raise NoPrimary("Shard 0 has no primary.")

    world.store.fault = fail
    assert "Shard 0 has no primary." in trouble(world)


def test_full_queue(make_world: Any) -> None:
    world = make_world(queue_limit=1)
    for n in range(3):
        world.add(n=n)
    world.background._relay.step()
    world.background._relay.step()
    assert world.background.snapshot().outbox.is_behind


# --- and a limit to all of it


def test_full_outbox_refuses_what_would_add_to_it_and_nothing_else(make_world: Any) -> None:
    world = make_world(outbox_limit=5, queue_limit=2)
    for n in range(5):
        world.add(n=n)
    with pytest.raises(QueueFull) as refusal:
        world.add(n=5)
    assert (refusal.value.status, refusal.value.retry_after) == (503, 2)
    assert len(world.store.waiting()) == 5
    world.run_all()
    world.add(n=6)
    world.run_all()
    assert world.order() == [0, 1, 2, 3, 4, 6]


def test_task_may_leave_another_one_although_the_outbox_is_full(make_world: Any) -> None:
    def lead_on(task: Any) -> None:
        with world.store.write("0") as tx:
            world.background.add(tx, "0", "hello", {"n": task.args["n"] + 100})

    worlds: list[World] = []
    worlds.append(make_world({"lead": lead_on, "hello": lambda task: worlds[0].record(task)}, outbox_limit=3))
    world = worlds[0]
    for n in range(3):
        world.add("lead", n=n)
    world.run_all()
    assert world.order() == [100, 101, 102]


def test_count_of_the_outbox_is_right_after_restarts_loads_and_many_threads(make_world: Any) -> None:
    world = make_world()
    threads = [threading.Thread(target=lambda: [world.add(n=n) for n in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert world.background._outbox.count.total == 200
    world.restart()
    assert world.background._outbox.count.total == 200
    world.store.load("0", [(n, "hello", '{"n": 1}') for n in range(1, 6)])
    world.background._outbox.recount()
    assert world.background._outbox.count.total == 205
    world.background.set_workers(3)
    assert world.background.drain()
    assert world.background._outbox.count.total == 0
