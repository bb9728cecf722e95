"""Places: the folders that each hold one copy of every shard, and what may be wrong with one."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

LOW = 1 << 20  # free bytes; below it SQLite can not even make the index of a log


@dataclass(frozen=True, slots=True)
class Place:
    """One folder of copies: below the database's own folder, or on a disk of its own.

    A disk that is not mounted leaves an empty folder behind, which looks like a place to be filled anew;
    so whether a place has a disk of its own is on record, and such a place without its disk is lost.
    """

    name: str  # a, b, c …
    folder: Path
    root: Path  # the database's own folder
    is_separate: bool = False  # on another disk than the root

    def problem(self) -> str:
        """Why nothing can be kept here now, or ""."""
        try:
            device = self.folder.stat().st_dev
        except OSError:
            return f"the folder {self.folder} is not there"
        if self.is_separate and device == self.root.stat().st_dev:
            return f"the disk of {self.folder} is not mounted"
        return "" if os.access(self.folder, os.W_OK | os.X_OK) else f"the folder {self.folder} is not writable"

    def is_there(self) -> bool:
        """Whether copies can be kept here now."""
        return not self.problem()

    def is_full(self) -> bool:
        """Whether there is so little room that opening a file can fail, which then looks like damage."""
        return self.is_there() and room(self.folder) < LOW

    def has_own_disk(self) -> bool:
        """Whether the folder, as it is now, lies on another disk than the root."""
        try:
            return self.folder.stat().st_dev != self.root.stat().st_dev
        except OSError:
            return self.is_separate

    def make(self) -> None:
        """Makes the folder; raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)


def letters(count: int, besides: tuple[str, ...] = ()) -> list[str]:
    """The names of so many new places."""
    return [letter for letter in ascii_lowercase if letter not in besides][:count]


def room(folder: Path) -> int:
    """Free bytes on the disk of a folder; 0 if it is not there."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
