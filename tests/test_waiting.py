from minisocial import waiting
from tests.impatient import impatiently, would_wait


def test_waiting_is_refused_in_the_thread_that_must_not_and_in_no_other() -> None:
    assert would_wait(waiting.ahead)
    assert impatiently(waiting.is_forbidden) is True
    assert not waiting.is_forbidden()
    waiting.ahead()
