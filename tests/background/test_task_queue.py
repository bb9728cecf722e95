import json
import pickle
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minisocial.background.outbox import Task
from minisocial.background.task_queue import TaskQueue
from minisocial.background.waking_storage import NEXT
from tests.background.world import World
from tests.fakes import ManualClock


class Bomb:
    """A pickle that leaves a mark when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.fixture
def ran() -> list[int]:
    return []


@pytest.fixture
def queue(tmp_path: Path, ran: list[int]):
    queue = TaskQueue(tmp_path / "queue.db", lambda task: ran.append(task.id), 100, ManualClock())
    queue.open()
    yield queue
    queue.close()


def tasks(*ids: int) -> list[Task]:
    return [Task(id, "0", "hello", {}) for id in ids]


def put_raw(file: Path, *messages: bytes) -> None:
    with sqlite3.connect(file) as connection:
        connection.executemany("INSERT INTO task (queue, data) VALUES ('minisocial', ?)", [(m,) for m in messages])
    connection.close()


def test_oldest_first_also_after_heavy_insert_and_delete(queue: TaskQueue, ran: list[int]) -> None:
    for start in range(0, 400, 4):
        queue.put(tasks(*range(start, start + 4)))
        for _ in range(3 if start % 8 else 5):  # sometimes the queue runs empty: SQLite would use its row ids again
            queue.run_next()
    while queue.run_next():
        pass
    assert ran == sorted(ran)
    assert len(ran) == 400


@pytest.mark.parametrize("way", ["", "and priority >= 0", "and priority < 0"])
def test_next_is_found_by_an_index_however_many_wait(queue: TaskQueue, way: str) -> None:
    plan = queue.huey.storage.sql(f"explain query plan {NEXT.format(way)}", ("minisocial",), results=True)
    assert [row[3].partition(" (")[0] for row in plan] == ["SEARCH task USING INDEX task_next"]  # and nothing sorted


def test_who_waits_for_an_empty_queue_is_told(queue: TaskQueue) -> None:
    first, second = tasks(1, 2)
    queue.put([first, second])
    queue.forget(first)
    assert not queue.wait_until_empty(0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.wait_until_empty, 10)
        queue.forget(second)
        assert waiting.result()


def test_row_ids_are_never_used_again(queue: TaskQueue) -> None:
    (sql,) = queue.huey.storage.sql("select sql from sqlite_master where name = 'task'", results=True)[0]
    assert "autoincrement" in sql


def test_task_is_held_once_until_it_is_forgotten(queue: TaskQueue, ran: list[int]) -> None:
    (task,) = tasks(1)
    assert queue.put([task]) == 1
    assert queue.put([task]) == 0
    queue.run_next()
    assert queue.put([task]) == 0
    queue.forget(task)
    assert queue.put([task]) == 1


def test_messages_are_json_that_people_can_read(queue: TaskQueue, tmp_path: Path) -> None:
    queue.put([Task(5, "0", "hello", {"to": "Ada"}, request_id="r1", enqueued_ms=9)])
    rows = sqlite3.connect(tmp_path / "queue.db").execute("SELECT data FROM task").fetchall()
    assert json.loads(rows[0][0])["task"] == {
        "id": 5, "shard": "0", "name": "hello", "args": {"to": "Ada"}, "attempt": 1,
        "request_id": "r1", "created_ms": 0, "enqueued_ms": 9,
    }  # fmt: skip


def test_planted_pickle_runs_nothing_and_is_refused(queue: TaskQueue, ran: list[int], tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    queue.put(tasks(1))
    queue.close()
    wrong = {"message": "m", "run": "minisocial.background.task_queue.deliver", "due": None, "task": {"id": "x"}}
    put_raw(tmp_path / "queue.db", pickle.dumps(Bomb(mark)), b"{", b"[1]", json.dumps(wrong).encode(), b"\xff")
    queue.open()
    while queue.run_next():
        pass
    assert not mark.exists()
    assert ran == [1]
    assert queue.refused == 10  # five, each looked at when the file was opened and when its turn came


def test_reopened_queue_knows_what_it_holds(queue: TaskQueue, ran: list[int]) -> None:
    queue.put(tasks(1, 2))
    queue.put_off(tasks(3)[0], 60, 2)
    queue.close()
    queue.open()
    assert queue.put(tasks(1, 2, 3, 4)) == 1
    assert (queue.depth, queue.scheduled) == (3, 1)


def test_attempt_and_due_time_survive_a_restart(tmp_path: Path) -> None:
    clock, seen = ManualClock(), []
    queue = TaskQueue(tmp_path / "queue.db", seen.append, 100, clock)
    queue.open()
    queue.put_off(tasks(3)[0], 60, 4)
    queue.close()
    queue.open()
    clock.advance(59)
    queue.move_due()
    assert not queue.run_next()
    clock.advance(1)
    queue.move_due()
    assert queue.run_next()
    assert (seen[0].id, seen[0].attempt) == (3, 4)
    queue.close()


def test_damaged_file_is_begun_anew_at_start(queue: TaskQueue, tmp_path: Path) -> None:
    queue.put(tasks(1))
    queue.close()
    (tmp_path / "queue.db").write_bytes(b"noise " * 2000)
    queue.open()
    assert queue.keys() == set()
    assert queue.put(tasks(1)) == 1


def test_file_damaged_while_running_is_filled_again_from_the_outbox(world: World) -> None:
    world.add(n=1)
    world.run_all()
    world.background._queue._storage.close()  # it opens the file again when it needs it
    (world.folder / "background" / "queue.db").write_bytes(b"noise " * 20_000)
    world.add(n=2)
    for _ in range(3):
        try:
            world.run_all()
        except sqlite3.DatabaseError:
            continue  # the step that finds out
    assert world.order() == [1, 2]
    assert world.store.waiting() == []


def test_file_deleted_while_stopped_costs_nothing(world: World) -> None:
    world.add(n=1)
    world.background.stop()
    (world.folder / "background" / "queue.db").unlink()
    world.restart()
    world.run_all()
    assert world.order() == [1]


def test_queue_never_waits_for_the_disk_yet_cannot_be_corrupted(queue: TaskQueue) -> None:
    assert queue.huey.storage.sql("pragma synchronous", results=True) == [(1,)]  # NORMAL
    assert queue.huey.storage.sql("pragma journal_mode", results=True) == [("wal",)]


def test_no_results_are_kept(queue: TaskQueue) -> None:
    queue.put(tasks(1))
    queue.run_next()
    assert queue.huey.result_count() == 0


def test_workers_start_off_the_main_thread_and_leave_signals_alone(make_world) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    world = make_world(workers=1)
    world.background.stop()
    thread = threading.Thread(target=world.background.start)
    thread.start()
    thread.join(10)
    world.add(n=1)
    assert world.background.drain()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_idle_worker_is_woken_not_polling(make_world) -> None:
    is_done = threading.Event()
    world = make_world({"hello": lambda task: is_done.set()}, workers=1)
    for n in range(3):
        is_done.clear()
        world.add(n=n)
        assert is_done.wait(5)  # it looks up by itself only once a minute
        assert world.background.drain()


def test_task_taken_by_a_process_that_died_comes_again(world: World) -> None:
    world.add(n=1)
    world.background._relay.step()
    assert world.background._queue._storage.take() is not None  # Huey's queue has forgotten it now
    world.restart()
    assert world.run_all() == 1
    assert world.order() == [1]
