"""The threads that work on requests, on a machine that has none to give for a while."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minisocial.proxy.dispatcher import Dispatcher

WAIT = 10


class PoorDispatcher(Dispatcher):
    """The machine refuses it threads while `is_poor`."""

    is_poor = False

    def start_new_thread(self, target: Callable[[int], None], thread_no: int) -> None:
        if self.is_poor:
            raise RuntimeError("can't start new thread")
        super().start_new_thread(target, thread_no)


class Work:
    """Says that it has begun, and goes on when told."""

    def __init__(self) -> None:
        self.has_begun, self.go_on = threading.Event(), threading.Event()

    def service(self) -> None:
        self.has_begun.set()
        assert self.go_on.wait(WAIT)


@pytest.fixture
def dispatcher() -> Iterator[PoorDispatcher]:
    dispatcher = PoorDispatcher()
    dispatcher.set_thread_count(3)
    yield dispatcher
    dispatcher.shutdown()


def test_after_a_shortage_there_are_as_many_threads_as_before(dispatcher: PoorDispatcher) -> None:
    works: list[Any] = [Work(), Work(), Work()]
    dispatcher.add_task(works[0])
    assert works[0].has_begun.wait(WAIT)
    dispatcher.is_poor = True
    dispatcher.add_task(works[1])
    assert not works[1].has_begun.is_set()
    dispatcher.is_poor = False
    dispatcher.add_task(works[2])
    assert works[1].has_begun.wait(WAIT) and works[2].has_begun.wait(WAIT)
    for work in works:
        work.go_on.set()


def test_request_that_finds_no_thread_at_all_waits_until_somebody_looks_again(dispatcher: PoorDispatcher) -> None:
    work: Any = Work()
    dispatcher.is_poor = True
    dispatcher.add_task(work)
    dispatcher.look_again()
    dispatcher.is_poor = False
    dispatcher.look_again()
    assert work.has_begun.wait(WAIT)
    work.go_on.set()
