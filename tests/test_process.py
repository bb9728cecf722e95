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
