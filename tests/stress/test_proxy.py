"""The proxy under many threads: leaders that fail, time that passes, and purges, all at random."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minisocial.errors import Unavailable
from minisocial.proxy import Collapse, PageCache, Proxy, StaticFiles
from tests.fakes import ManualClock, ask, plain_error_page

KEYS = [f"/{number}" for number in range(12)]
READERS, WRITERS = 24, 4
READS, WRITES = 250, 60
WAIT = 60
CONTROL = "public, max-age=60, stale-while-revalidate=60, stale-if-error=600"


class Numbers:
    """A site whose pages show a number each; a write raises one, and purges before it is acknowledged."""

    def __init__(self, seed: int, failing: float) -> None:
        self.random = random.Random(seed)
        self.failing = failing
        self.lock = threading.Lock()  # guards all below
        self.numbers = dict.fromkeys(KEYS, 0)
        self.acknowledged = dict.fromkeys(KEYS, 0)
        self.count: Counter[str] = Counter()
        self.proxy: Proxy | None = None

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        key = environ["PATH_INFO"]
        with self.lock:
            number, luck, pause = self.numbers[key], self.random.random(), self.random.random() * 0.004
            self.count["renders"] += 1
            self.count["failures"] += luck < self.failing
        threading.Event().wait(pause)
        if luck < self.failing / 3:
            raise ValueError("bug")
        if luck < self.failing * 2 / 3:
            raise SystemExit  # what kills a thread
        status = "503 Busy" if luck < self.failing else "200 OK"
        start_response(status, [("Cache-Control", CONTROL), ("Surrogate-Key", key)])
        return [str(number).encode()]

    def write(self, key: str) -> None:
        with self.lock:
            self.numbers[key] += 1
            number = self.numbers[key]
        assert self.proxy
        self.proxy.purge([key])
        with self.lock:
            self.count["purges"] += 1
            self.acknowledged[key] = max(number, self.acknowledged[key])

    def read(self, key: str, cookie: str) -> str | None:
        """What is wrong with the answer, if anything."""
        with self.lock:
            least = self.acknowledged[key]
        try:
            answer = ask(self.proxy, key, cookie=cookie)
        except (ValueError, SystemExit, Unavailable):
            return None
        if answer.code >= 500 or int(answer.body) >= least:
            return None
        return f"{key} showed {answer.body!r} after {least}: {answer.header('Cache-Status')}"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("failing", [0.0, 0.3])
@pytest.mark.parametrize("does_time_pass", [False, True])
def test_nobody_hangs_and_nobody_sees_what_was_purged_before_they_asked(
    tmp_path: Path, seed: int, failing: float, does_time_pass: bool
) -> None:
    site, clock = Numbers(seed, failing), ManualClock()
    collapse: Collapse[Any] = Collapse(patience=10 * WAIT)  # whoever is forgotten hangs for good
    cache = PageCache(1 << 20, clock=clock)
    static = StaticFiles(tmp_path)
    site.proxy = Proxy(site, page_cache=cache, collapse=collapse, static=static, error_page=plain_error_page)
    site.proxy.start()
    wrong: list[str] = []

    def reader(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        cookie = f"session={number % 3}" if number % 4 == 0 and does_time_pass else ""
        for _ in range(READS):
            wrong.extend(filter(None, [site.read(chance.choice(KEYS[: 1 + number % len(KEYS)]), cookie)]))

    def writer(number: int) -> None:
        chance = random.Random(seed * 2000 + number)
        for _ in range(WRITES):
            site.write(chance.choice(KEYS))
            if does_time_pass and chance.random() < 0.2:
                clock.advance(chance.choice([30, 61, 125]))
            threading.Event().wait(chance.random() * 0.01)

    in_time = run_all([(reader, READERS), (writer, WRITERS)])
    site.proxy.stop()
    assert in_time and not wrong
    assert collapse.waiting == 0 and not collapse._flights
    if not does_time_pass:  # then a page is made anew only after a purge of it, or a failure
        assert site.count["renders"] <= len(KEYS) + 2 * site.count["purges"] + 2 * site.count["failures"]


def run_all(kinds: "list[tuple[Callable[[int], None], int]]") -> bool:
    """Runs so many threads of each kind; whether all came to their end."""
    threads = [threading.Thread(target=run, args=(n,), daemon=True) for run, times in kinds for n in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    return not any(thread.is_alive() for thread in threads)
