"""Where nobody may wait: the front door's own thread, which answers at once what is at hand.

To hand a request to another thread costs more than most answers do: a kept page takes some 20 µs, and
threads that hand the interpreter to each other some hundreds. So the front door tries a request in the very
thread that read it from the network. Whoever is about to wait (for the database, for a slot, for another
request) or to work for long (to render a page) says `ahead()` first. In that thread this raises `WouldWait`,
and the request begins anew in a thread that may.

So nothing may have been done by then that must not be done twice.
"""

import threading


class WouldWait(BaseException):  # no Exception: nobody on the way back may take it for a failure
    """This request is not for the thread it was tried in. Nothing has been done yet."""


class _Here(threading.local):
    is_forbidden = False


_here = _Here()


def forbid(is_forbidden: bool = True) -> None:
    """This thread never waits, from now on; or may wait again."""
    _here.is_forbidden = is_forbidden


def is_forbidden() -> bool:
    """Whether this thread must not wait."""
    return _here.is_forbidden


def ahead() -> None:
    """What comes now may take long: `WouldWait` if this thread must not wait."""
    if _here.is_forbidden:
        raise WouldWait
