"""Look-ups that lie close together become one query: other keys of the same kind, at the same moment.

A lease sees to it that a key is loaded once, however many ask for it. This does the same for its neighbours:
ten requests that each look up another account ask the database once, for ten accounts.
"""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[Mapping[Any, Any], int]  # values by id, and the position of the copy they are from
Query: TypeAlias = Callable[[list[Any], int], Answer]  # is given ids, and the position the copy must have reached

WINDOW = 0.002  # seconds the first one waits for others that are on their way
MOST = 500  # ids in one query
PATIENCE = 2.0  # seconds somebody waits for a query that another one makes


class _Shared:
    """One query for several who ask."""

    __slots__ = ("answer", "at_least", "ended", "ids")

    def __init__(self) -> None:
        self.ids: dict[Any, None] = {}
        self.at_least = 0
        self.answer: Answer | None = None  # None when it has ended: it failed
        self.ended = threading.Event()

    def add(self, ids: Sequence[Any], at_least: int) -> None:
        self.ids.update(dict.fromkeys(ids))
        self.at_least = max(self.at_least, at_least)


class Nearby:
    """Joins look-ups of all nodes. `enabled` may be switched while running.

    The first to ask for a kind of a shard waits for those on their way: who has missed something and has not
    asked the database yet. It goes as soon as they have all come, or found what they wanted, and after
    2 ms in any case; alone it goes at once. Who comes meanwhile joins it and waits for its answer.

    It promises that nobody is given an answer from a copy below the position they asked for, and that
    waiting ends: who leads waits for nobody's answer, only for time.

    A query that fails fails whoever made it; the others ask for themselves.
    """

    def __init__(self, window: float = WINDOW, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self.joined = 0  # look-ups that another one's query answered
        self._window = window
        self._all_here = threading.Condition()  # guards the two below and `joined`; notified when nobody is coming
        self._coming = 0
        self._open: dict[Hashable, _Shared] = {}  # those that may be joined

    def set_out(self) -> None:
        """Somebody may ask soon. They do (`ask`), or turn back (`turn_back`)."""
        with self._all_here:
            self._coming += 1

    def turn_back(self) -> None:
        """Somebody who set out has nothing to ask any more."""
        with self._all_here:
            self._arrive()

    def ask(self, alike: Hashable, ids: list[Any], at_least: int, query: Query) -> Answer:
        """The answer of `query`, or of somebody else's that is `alike`. The caller has set out."""
        with self._all_here:
            self._arrive()
            shared = self._open.get(alike) if self.enabled else None
            if shared is not None and len(shared.ids) < MOST:
                shared.add(ids, at_least)
                self.joined += 1
                leads = False
            elif self.enabled and self._coming:
                shared = self._open[alike] = _Shared()
                shared.add(ids, at_least)
                leads = True
            else:
                shared = None
        if shared is None:
            return query(ids, at_least)
        return self._lead(alike, shared, query) if leads else self._follow(shared, ids, at_least, query)

    def _arrive(self) -> None:
        self._coming -= 1
        if not self._coming:
            self._all_here.notify_all()

    def _lead(self, alike: Hashable, shared: _Shared, query: Query) -> Answer:
        try:
            self._gather(alike, shared)
            shared.answer = query(list(shared.ids), shared.at_least)
            return shared.answer
        finally:
            shared.ended.set()

    def _gather(self, alike: Hashable, shared: _Shared) -> None:
        with self._all_here:
            try:
                self._all_here.wait_for(lambda: not self._coming, self._window)
            finally:
                if self._open.get(alike) is shared:
                    del self._open[alike]

    def _follow(self, shared: _Shared, ids: list[Any], at_least: int, query: Query) -> Answer:
        shared.ended.wait(PATIENCE)
        return shared.answer or query(ids, at_least)
