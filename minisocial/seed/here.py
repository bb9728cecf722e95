"""The shard that is being filled: what belongs on it, and how far it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # what is being filled, how much is done, of how much
REPORTS = 200  # at most so many reports a shard


@dataclass(slots=True)
class Here:
    """One shard while it is filled; `total` is the work there is, `weight` that of one item of the table in hand."""

    shard: str
    shard_of: Callable[[int], str]
    progress: Progress
    total: int
    done: int = 0
    weight: int = 1
    reported: int = 0

    def has(self, id: int) -> bool:
        """Whether an identifier's rows lie on this shard."""
        return self.shard_of(id) == self.shard

    def each(self, items: Sequence[T]) -> Iterator[T]:
        """The items one by one, reporting how far it is."""
        for item in items:
            yield item
            self.done += self.weight
            if self.done - self.reported > self.total // REPORTS:
                self.report()

    def report(self) -> None:
        """Say how far it is."""
        self.reported = self.done
        self.progress(f"shard {self.shard}", self.done, self.total)
