"""Which thread works on a request: the front door's own, at once, or one of a bounded number of others."""

import itertools
from typing import cast

from waitress.task import ThreadedTaskDispatcher

from minisocial import waiting
from minisocial.proxy.strict import StrictChannel


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Has requests run by threads; those that are answered without any waiting, by the front door's own.

    A thread is started when a request finds none idle, up to a number. Each that was ever used keeps its stack
    and a share of the allocator's memory, about 0.3 MiB: so there are as many as were needed at one moment.
    """

    _most = _starting = 0  # threads; guarded by `lock`, like all that Waitress counts

    def set_thread_count(self, count: int) -> None:
        """At most so many from now on; those beyond end when they are idle."""
        with self.lock:
            self._most = count
            self._start_wanted()
            is_too_many = self._running() > count
        if is_too_many:
            super().set_thread_count(count)

    def add_task(self, channel: StrictChannel) -> None:
        """Called with a lock of the channel held: what its own thread is to run is begun when it is free."""
        if waiting.is_forbidden():
            channel.is_due = True
        else:
            self._hand_over(channel)

    def begin(self, channel: StrictChannel) -> None:
        """Answers at once, or leaves it to a thread; the next request, if it is there already, in any case."""
        channel.is_due = False
        try:
            channel.service()
        except waiting.WouldWait:
            channel.is_due = True
        if channel.is_due:
            channel.is_due = False
            self._hand_over(channel)

    def _hand_over(self, channel: StrictChannel) -> None:
        super().add_task(channel)
        with self.lock:
            self._start_wanted()

    def look_again(self) -> None:
        """Starts what threads are missing, where the machine had none when they were wanted."""
        with self.lock:
            self._start_wanted()

    def _start_wanted(self) -> None:
        while len(self.queue) > self._idle() and self._running() < self._most and self._start_one():
            pass

    def _start_one(self) -> bool:
        """Whether there is one more."""
        number = next(number for number in itertools.count() if number not in self.threads)
        self.threads.add(number)
        self.active_count += 1
        self._starting += 1
        try:
            self.start_new_thread(self.handler_thread, number)
        except RuntimeError:  # the machine has none now: a busy one takes it later, or we look again
            self.threads.discard(number)
            self.active_count -= 1
            self._starting -= 1
            return False
        return True

    def handler_thread(self, thread_no: int) -> None:
        with self.lock:
            self._starting -= 1
        super().handler_thread(thread_no)

    def _running(self) -> int:
        return cast(int, len(self.threads) - self.stop_count)

    def _idle(self) -> int:
        """Those with nothing to do, and those about to begin, whom Waitress counts as busy."""
        return cast(int, self._running() - self.active_count + self._starting)
