"""A whole system without a front door, for the length of a measurement."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minisocial.settings import Settings
from minisocial.system import System

PASSWORD = "minisocial"  # noqa: S105
PATIENCE = 120.0  # seconds until what is waited for counts as lost


@contextmanager
def system(folder: Path, prepare: Callable[[System], object] = lambda system: None, **changed: Any) -> Iterator[System]:
    """Everything with its default settings, but for what is `changed`; `prepare` sees it before it starts."""
    quick: dict[str, Any] = {"port": 0, "rate_limits": False, "password_cost": 4}
    made = System(Settings(data=folder, **{**quick, **changed}))
    prepare(made)
    made.start(is_served=False)
    try:
        yield made
    finally:
        made.stop()


def people(made: System, *names: str) -> list[int]:
    """A community of these."""
    first, *others = names
    made.social.set_up(
        name="Bench", username=first, display_name=first, email=f"{first}@example.org", password=PASSWORD
    )
    for name in others:
        made.social.accounts.create(name, f"{name}@example.org", PASSWORD)
    made.background.drain(PATIENCE)
    return [made.social.accounts.named(name).id for name in names]


class Arrivals:
    """A consumer of the log that knows when rows of a table were committed, by the end of their key."""

    def __init__(self, made: System, table: str, now: Callable[[], float]) -> None:
        self._table, self._now = table, now
        self._changed = threading.Condition()  # guards _at
        self._at: dict[Any, float] = {}
        made.cluster.subscribe(self._notice)

    def wait_for(self, key: Any) -> float:
        """When it came."""
        with self._changed:
            if not self._changed.wait_for(lambda: key in self._at, PATIENCE):
                raise TimeoutError(f"{key} did not come")
            return self._at[key]

    def _notice(self, changes: Any) -> None:
        now = self._now()
        keys = [change.key[-1] for change in changes if change.table == self._table and change.op == "I"]
        if keys:
            with self._changed:
                self._at.update(dict.fromkeys(keys, now))
                self._changed.notify_all()
