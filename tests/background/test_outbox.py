import pytest

from minisocial import trace
from minisocial.background.handlers import Hopeless
from minisocial.ids import milliseconds
from tests.background.world import World


def test_task_of_a_committed_write_is_run(world: World) -> None:
    world.add(n=1, name="Ada ✓")
    assert world.run_all() == 1
    assert world.ran[0].args == {"n": 1, "name": "Ada ✓"}
    assert world.store.waiting() == []


def test_task_of_an_undone_write_never_was(world: World) -> None:
    with pytest.raises(ZeroDivisionError), world.store.write("0") as tx:
        world.background.add(tx, "0", "hello", {"n": 1})
        raise ZeroDivisionError
    assert world.run_all() == 0
    assert world.ran == []


def test_task_carries_the_id_of_the_request_that_caused_it(world: World) -> None:
    with world.tracer.begin("request-7", "POST /"):
        world.add(n=1)
    world.run_all()
    assert world.ran[0].request_id == "request-7"
    assert [found.name for found in world.tracer.find("request-7")] == ["POST /", "task hello"]


def test_trace_of_a_task_says_how_long_it_waited_and_worked(world: World) -> None:
    with world.tracer.begin("request-7", "POST /"):
        world.add(n=1)
    world.clock.advance(3)
    world.run_all()
    spans = {span.box: span for span in world.tracer.find("request-7")[1].spans}
    assert set(spans) == {"outbox", "queue", "worker"}
    assert round(spans["outbox"].ms) == 3000
    assert trace.request_id() == ""


def test_unknown_task_is_refused_before_anything_is_written(world: World) -> None:
    with pytest.raises(LookupError):
        world.add("no such task")
    assert world.store.waiting() == []


@pytest.mark.parametrize("args", [{"n": float("nan")}, {"n": "x" * 300_000}], ids=["not a number", "too long"])
def test_arguments_that_cannot_be_stored_are_refused(world: World, args: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        world.add(**args)
    assert world.store.waiting() == []


def test_row_written_by_hand_harms_nobody_else(world: World) -> None:
    world.store.load("0", [(1, "hello", "[not json"), (2, "hello", "[" * 5000), (3, "hello", '{"n": 3}')])
    world.background.sweep()
    assert world.run_all() == 3
    assert world.ran[0].args == {"unreadable": "[not json"}
    assert world.ran[2].args == {"n": 3}


def test_ids_grow_although_the_clock_was_set_back(world: World) -> None:
    before = world.add(n=1)
    world.clock.now -= 3600
    world.restart()
    assert world.add(n=2) > before
    assert milliseconds(before) == 1_800_000_000_000
    world.run_all()
    assert world.order() == [1, 2]


def test_task_after_a_restart_is_not_taken_for_a_dead_one(make_world) -> None:
    def hopeless(task):
        raise Hopeless("never")

    world = make_world({"letter": hopeless, "hello": lambda task: world.record(task)})
    world.add("letter")
    world.run_all()
    world.restart()  # the clock stands still: the next identifier could be the same
    world.add(n=1)
    world.run_all()
    assert world.order() == [1]


def test_finish_joins_effect_and_removal_in_one_commit(make_world) -> None:
    def count(task):
        with world.store.write("0") as tx:
            assert task.finish(tx)
            tx.execute("INSERT INTO tally VALUES ('n', 1) ON CONFLICT DO UPDATE SET times = times + 1")

    world = make_world({"count": count})
    world.add("count")
    before = world.store.position("0")
    world.run_all()
    assert world.store.tally() == {"n": 1}
    assert world.store.position("0") == before + 1  # the removal; no second one
    assert world.background.snapshot().queue.done == 1


def test_finish_in_a_block_that_is_undone_leaves_the_task(make_world) -> None:
    def half(task):
        try:
            with world.store.write("0") as tx:
                task.finish(tx)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass

    world = make_world({"half": half})
    world.add("half")
    world.run_all()
    assert world.store.waiting() == []  # the handler returned, so the worker removed it
