"""`kill -9` under load, a few times over, also in the middle of a dialogue with a real mail server."""

import os
import random
import subprocess
import sys
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

from minisocial.background.mail import letter_name
from tests.background.crash_child import build
from tests.background.smtp_server import smtp_server

ROOT = Path(__file__).parents[2]
ROUNDS = 4


def run_and_kill(folder: Path, smtp_url: str, name: str, acknowledgements: int) -> list[str]:
    """Lets a child work until it has acknowledged so many, kills it, and returns all it acknowledged."""
    command = [sys.executable, "-m", "tests.background.crash_child", str(folder), smtp_url, name]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        lines = [child.stdout.readline() for _ in range(acknowledgements)]
        child.kill()
        lines += child.stdout.readlines()
    finally:
        child.kill()
        child.wait(10)
        child.stdout.close()
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def test_killed_under_load_every_effect_happens_once(tmp_path: Path) -> None:
    rng = random.Random(5)
    with smtp_server() as (box, port):
        url = f"smtp://127.0.0.1:{port}"
        rounds = [run_and_kill(tmp_path, url, str(n), rng.randint(20, 400)) for n in range(ROUNDS)]
        store, background = build(tmp_path, url)
        background.start()
        assert background.drain(60)
        dead = Counter(letter.args["key"] for letter in background.dead(100_000))
        background.stop()
    acknowledged = [key for keys in rounds for key in keys]
    assert len(acknowledged) >= ROUNDS * 20
    found = {**store.effects(), **store.tally(), **dead}
    letters = [message_from_bytes(letter, policy=policy.default)["Message-ID"] for letter in box.letters]
    assert [key for key in acknowledged if not key.startswith("letter:") and key not in found] == []
    assert [key for key, times in [*store.tally().items(), *dead.items()] if times != 1] == []
    lost = [k for k in acknowledged if k.startswith("letter:") and f"<{letter_name(k)}@example.org>" not in letters]
    assert lost == []
    assert len(letters) - len(set(letters)) <= ROUNDS * 2  # at most what each worker had in hand when it was killed
    store.close()
