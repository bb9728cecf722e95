"""One database that is tortured for some rounds: its folder, and what it looked like when it was last killed.

What lies in the folder:

    data/          the database
    elsewhere/     places on "other disks"
    killed/        the places as the last kill left them, before anything was done to the dead files
    earlier/       the same, one round before
    *.notes        what writers, readers and the consumer noted
    child.log      what the database said
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from minisocial.torture.watching import SEEN, STREAM

ROUNDS = 8  # then a new one begins, so that audits stay quick


class World:
    """A folder for a database and all that is noted of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rounds = 0
        self.outside: set[str] = set()  # keys of rows that other programs wrote, which must be there
        self._places: dict[str, Path] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def is_old(self) -> bool:
        return self.rounds >= ROUNDS

    def begin_round(self) -> None:
        """What was seen and told is noted anew by each process."""
        self.rounds += 1
        for name in (SEEN, STREAM):
            (self.folder / name).unlink(missing_ok=True)

    def remember(self, places: Mapping[str, str]) -> None:
        """Keeps the files as the kill left them, and those of the kill before."""
        killed, earlier = self.folder / "killed", self.folder / "earlier"
        shutil.rmtree(earlier, ignore_errors=True)
        if killed.exists():
            killed.rename(earlier)
        self._places = {name: Path(folder) for name, folder in places.items()}
        for name, folder in self._places.items():
            if folder.is_dir():
                shutil.copytree(folder, killed / name)

    def earlier(self, place: str) -> Path | None:
        """A place as it was one round before, if it was there."""
        folder = self.folder / "earlier" / place
        return folder if folder.is_dir() else None

    def has_kept(self, place: str) -> bool:
        """Whether `put_back` can undo what will be done to a place."""
        return (self.folder / "killed" / place).is_dir()

    def put_back(self, place: str, folder: Path) -> None:
        """What was done to the dead files of a place is undone."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "killed" / place, folder, ignore=shutil.ignore_patterns("*-shm"))

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
