"""Killed at any moment, it loses no acknowledged write, does nothing twice, and ends what it began."""

import random
import sqlite3
import threading
from collections import Counter
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.client import Client
from tests.scenarios.child import Child
from tests.scenarios.conftest import StartSystem
from tests.scenarios.people import PASSWORD, set_up, settle

WRITERS = ("ada", "grace", "alan", "tim")
ROUNDS = 3


class Writer(threading.Thread):
    """Posts until the server is gone; `sent` and `acknowledged` are the record kept outside."""

    def __init__(self, url: str, name: str, round: int, enough: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self._client = Client(url).get("/login").submit("Log in", username=name, password=PASSWORD)
        self._name, self._round, self._enough = name, round, enough
        self.sent: list[str] = []
        self.acknowledged: list[str] = []

    def run(self) -> None:
        try:
            for number in range(400):
                self._post(f"{self._name} {self._round}.{number}")
        except (OSError, HTTPException):
            pass  # the server was killed

    def _post(self, text: str) -> None:
        self._client.get("/")
        self.sent.append(text)
        self._client.submit("Post", text=text, visibility="everyone")
        if self._client.answers[0].status == 303:
            self.acknowledged.append(text)
            self._enough.release()


def prepare(start_system: StartSystem) -> Path:
    """A folder with four people who are friends of Ada."""
    system = start_system()
    set_up(system)
    ada = system.social.accounts.named("ada").id
    with system.cluster.session({}):
        for name in WRITERS[1:]:
            other = system.social.accounts.create(name, f"{name}@example.org", PASSWORD).id
            system.social.friends.add(other, ada)
            settle(system)
            system.social.friends.accept(ada, other)
    settle(system)
    system.stop()
    return system.settings.data


@pytest.mark.parametrize("seed", range(1))
def test_a_kill_loses_no_acknowledged_write_and_doubles_nothing(start_system: StartSystem, seed: int) -> None:
    data = prepare(start_system)
    chance = random.Random(seed)
    sent: list[str] = []
    acknowledged: list[str] = []
    for round in range(ROUNDS):
        child = Child(data)
        enough = threading.Semaphore(0)
        writers = [Writer(child.url, name, round, enough) for name in WRITERS]
        for writer in writers:
            writer.start()
        for _ in range(chance.randint(5, 40)):  # a random moment, in writes
            assert enough.acquire(timeout=30)
        child.kill()
        for writer in writers:
            writer.join(30)
            sent += writer.sent
            acknowledged += writer.acknowledged

    system = start_system(data=data)
    settle(system)
    found = Counter(rows(system.settings.data, system, "SELECT text FROM posts"))
    assert not [text for text in acknowledged if found[text] != 1]
    assert set(found) <= set(sent)
    assert not [text for text, times in found.items() if times > 1]
    in_feed = Counter(rows(system.settings.data, system, FEED_OF_ADA, system.social.accounts.named("ada").id))
    assert in_feed.total() == sum(found.values())  # every post of her friends, and hers, once


FEED_OF_ADA = "SELECT post FROM home_feed WHERE account = ?"


def rows(data: Path, system, sql: str, *params: object) -> list[object]:
    found: list[object] = []
    for shard in system.snapshot().database.shards:
        if shard.name == "directory":
            continue
        contents = []
        for copy in shard.copies:  # every copy has the same
            with sqlite3.connect(f"file:{data / copy.file}?mode=ro", uri=True) as connection:
                contents.append(sorted(row[0] for row in connection.execute(sql, params)))
                assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            connection.close()
        assert all(content == contents[0] for content in contents)
        found += contents[0]
    return found


def test_a_graceful_stop_ends_with_nothing_left_to_do(start_system: StartSystem) -> None:
    data = prepare(start_system)
    child = Child(data)
    grace = Client(child.url).get("/login").submit("Log in", username="grace", password=PASSWORD)
    grace.get("/").submit("Post", text="good night", visibility="everyone")
    assert child.stop() == 0
    system = start_system(data=data)
    settle(system)
    assert "good night" in rows(data, system, "SELECT text FROM posts")


def test_a_second_process_on_the_same_folder_is_refused(start_system: StartSystem) -> None:
    system = start_system()
    with pytest.raises(AssertionError, match="status 1"):
        Child(system.settings.data)
