"""A thread that must not wait, as the front door's own is."""

import threading
from collections.abc import Callable
from typing import TypeVar

from minisocial import waiting

T = TypeVar("T")


def impatiently(work: Callable[[], T]) -> T | waiting.WouldWait:
    """What `work` gives in such a thread, or its `WouldWait`."""
    results: list[T | waiting.WouldWait] = []

    def run() -> None:
        waiting.forbid()
        try:
            results.append(work())
        except waiting.WouldWait as error:
            results.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    (result,) = results
    return result


def would_wait(work: Callable[[], object]) -> bool:
    """Whether `work` refuses to go on in such a thread."""
    return isinstance(impatiently(work), waiting.WouldWait)
