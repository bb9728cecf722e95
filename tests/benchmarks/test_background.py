from pathlib import Path

import pytest

from minisocial.benchmarks import background
from minisocial.benchmarks.background.size import Size

TINY = Size(
    rounds=1, tasks=20, likes=3, followers=30, posts=1, mail_seconds=0.2, mail_rounds=1, strangers=3, mail_delay=0.01
)
LINES = (
    "tasks/s left by 4 threads",
    "tasks/s done by 2 workers",
    "friend requests/s, the mail server takes 10 ms",
    "p50 of a friend request, ms",
    "from a commit to the start of its task, idle, ms",
    "from a like to its notification, idle, ms",
    "from a like to its notification, 2 threads post, ms",
    "a post by somebody without followers, ms",
    "a post by somebody with 30, ms",
    "until all about it is done, s",
    "a like meanwhile, until its notification, ms",
)


def test_a_run_prints_every_line_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    background.report(tmp_path, TINY)
    said = capsys.readouterr().out.splitlines()
    for name in LINES:
        (line,) = (line for line in said if line.startswith(f"{name} "))
        assert line[len(name) :].split()[0].replace(",", "").replace(".", "").isdigit()
