"""What the doctor's tests share: a healthy data folder with some life in it, ways to harm it, and the doctor's word."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minisocial.clock import Clock
from minisocial.doctor import Finding, examine
from minisocial.seed import seed_cast
from minisocial.settings import Settings
from minisocial.system import System


def settings(data: Path, **changed: Any) -> Settings:
    quick: dict[str, Any] = {"data": data, "port": 0, "rate_limits": False, "password_cost": 4}
    return Settings(**{**quick, **changed})


def live(system: System) -> None:
    """The cast's club after an afternoon: a request, a friendship that ended, a reply, likes, posts that went."""
    social = system.social
    ada, grace, alan, hedy = (social.accounts.named(name).id for name in ("ada", "grace", "alan", "hedy"))
    social.friends.add(ada, grace)
    system.background.drain()
    social.friends.accept(grace, ada)
    system.background.drain()
    social.friends.unfriend(ada, alan)
    social.friends.decline(ada, hedy)
    kept, gone = (social.posts.publish(ada, f"Tea is {word}. #tea", "everyone").post.id for word in ("on", "off"))
    for id in (kept, gone):
        social.posts.publish(grace, "Coming!", "everyone", in_reply_to=id)
        social.posts.like(grace, id)
    system.background.drain()
    social.posts.delete(ada, gone)
    system.background.drain()


def fill(data: Path) -> None:
    """Makes the healthy folder: a whole system that was used and stopped."""
    data.mkdir(mode=0o700)
    system = System(settings(data))
    system.start(lambda system: seed_cast(system, lambda *told: None))
    try:
        live(system)
    finally:
        system.stop()


@dataclass(frozen=True, slots=True)
class Patient:
    """A data folder, to be harmed and examined."""

    data: Path

    def examine(self, clock: Clock | None = None, **changed: Any) -> list[Finding]:
        return examine(settings(self.data, **changed), clock)

    def faults(self, clock: Clock | None = None, **changed: Any) -> list[str]:
        return [str(finding) for finding in self.examine(clock, **changed) if not finding.is_well]

    def notes(self, **changed: Any) -> list[str]:
        return [str(finding) for finding in self.examine(**changed) if finding.is_note]

    def place(self, name: str) -> Path:
        return self.data / "database" / name

    def file(self, shard: str, place: str = "a") -> Path:
        (path,) = self.place(place).glob(f"shard-{shard}-*.db")
        return path

    def change(self, path: Path, *statements: str) -> int:
        """Runs SQL in a file as another program would; how many rows the last statement changed."""
        with closing(sqlite3.connect(path)) as connection:
            done = [connection.execute(sql).rowcount for sql in statements]
            connection.commit()
        return done[-1]

    def value(self, path: Path, sql: str) -> Any:
        """The first column of the first row."""
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(sql).fetchone()[0]

    def shard_with(self, sql: str) -> str:
        """A shard where a query finds something."""
        return next(shard for shard in ("0", "1") if self.value(self.file(shard), f"SELECT count(*) FROM ({sql})"))

    def edit_control(self, place: str, edit: Callable[[dict[str, Any]], object]) -> None:
        path = self.place(place) / "control.json"
        data = json.loads(path.read_text())
        edit(data)
        path.write_text(json.dumps(data))


def spoil(path: Path) -> None:
    """Writes noise over the middle of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"noise " * 2000)
