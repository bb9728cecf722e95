import platform
import subprocess
import sys

import pytest

from minisocial.process import read_process


def test_the_numbers_are_of_this_process() -> None:
    found = read_process(began=10, now=12.5)
    assert found.uptime_seconds == 2.5
    assert 5 << 20 < found.rss_bytes < 5 << 30
    assert found.cpu_seconds > 0
    assert found.threads >= 1


def test_memory_that_is_used_is_counted() -> None:
    before = read_process(0, 0).rss_bytes
    held = b"x" * (32 << 20)
    assert read_process(0, 0).rss_bytes - before > 24 << 20
    del held


MANY_ARENAS = """
import threading, sys
from minisocial.process import read_process, share_memory_among_threads
if sys.argv[1] == "shared":
    share_memory_among_threads()
together, go = threading.Barrier(31), threading.Barrier(31)

def allocate():
    kept = [bytearray(20_000) for _ in range(2)]  # from the C library, not from Python's own pools
    together.wait(20); go.wait(20)

for _ in range(30):
    threading.Thread(target=allocate).start()
together.wait(20)
print(open("/proc/self/maps").read().count("---p"))  # what an arena has not used yet, and a guard page for each stack
go.wait(20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_threads_share_a_few_arenas() -> None:
    def regions(how: str) -> int:
        command = [sys.executable, "-c", MANY_ARENAS, how]
        return int(subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout)

    assert regions("shared") <= regions("each its own") - 4
