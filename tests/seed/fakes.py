"""A system as far as a seeding needs one: a real cluster, and passwords that cost nothing."""

from pathlib import Path

from minisocial.database import Cluster


class PlainHasher:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def hash(self, password: str) -> str:
        self.asked.append(password)
        return f"hash of {password}"


class SeedableSystem:
    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster(folder, shards=2, replicas=1)
        self.hasher = PlainHasher()


class Reports:
    """Remembers how far it was said to be."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def __call__(self, label: str, done: int, total: int) -> None:
        self.seen.append((label, done, total))
