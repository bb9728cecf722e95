"""Fetches pages that were shown stale anew, in the background, one after the other."""

import logging
import threading
from collections.abc import Callable, Hashable
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LIMIT = 64  # pages waiting to be fetched; beyond it a request fetches its page itself
STOP_SECONDS = 5.0

log = logging.getLogger("minisocial.proxy")


class Refresher:
    """The "while revalidate" of stale-while-revalidate (RFC 5861)."""

    def __init__(self, fetch: Callable[[Hashable, "WSGIEnvironment"], object]) -> None:
        """`fetch(key, environ)` asks a node for the page and keeps it."""
        self._fetch = fetch
        self._changed = threading.Condition()  # guards the three below
        self._waiting: dict[Hashable, WSGIEnvironment] = {}
        self._busy: set[Hashable] = set()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="page refresh", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread:
            self._thread.join(STOP_SECONDS)
            self._thread = None

    def offer(self, key: Hashable, environ: "WSGIEnvironment") -> bool:
        """Takes on a page, unless somebody has already; False if there is too much to do."""
        with self._changed:
            if key in self._waiting or key in self._busy:
                return True
            if self._is_stopping or len(self._waiting) >= LIMIT:
                return False
            self._waiting[key] = environ | {"wsgi.input": BytesIO()}
            self._changed.notify()
            return True

    def step(self) -> bool:
        """Fetches one page; False if there was none to fetch."""
        with self._changed:
            if not self._waiting:
                return False
            key = next(iter(self._waiting))
            environ = self._waiting.pop(key)
            self._busy.add(key)
        try:
            self._fetch(key, environ)
        except BaseException:  # whatever it is, the next page is to be fetched too
            log.warning("could not refresh %s; the stale page stays for now", environ["PATH_INFO"], exc_info=True)
        finally:
            with self._changed:
                self._busy.discard(key)
        return True

    def _run(self) -> None:
        while self._wait_for_work():
            self.step()

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopping)
            return not self._is_stopping
