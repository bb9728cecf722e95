"""Where a running system says how a command of the same user reaches it: `data/running.json`."""

import hmac
import json
import logging
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from minisocial.clock import Clock
from minisocial.errors import Refused

NAME = "running.json"
SECRET_BYTES = 32
LONGEST = 4096  # characters of the file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs, or ran until it was killed: only one that answers with its `proof` is believed.

    Both secrets are new at each start. Whoever can read the file may act on the system: its host.
    """

    url: str
    token: str = field(repr=False)  # who sends it may ask for work
    proof: str = field(repr=False)  # who answers with it is the system that wrote the file
    pid: int
    since: int  # milliseconds since 1970

    def is_token(self, text: str) -> bool:
        """Compares in a time that says nothing of how much of it is right."""
        return hmac.compare_digest(text.encode(), self.token.encode())

    def is_proof(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.proof.encode())


class RunFile:
    """The file of one system: written when it answers, removed when it stops.

    `start` and `stop` are called while the system owns the data folder, so that what lies there at
    the start was left behind by one that was killed, and goes.
    """

    def __init__(self, data: Path, clock: Clock | None = None) -> None:
        self._path = data / NAME
        self._new = data / f"{NAME}.new"
        self._clock = clock or Clock()
        self._is_ours = False
        self.running = Running("", _secret(), _secret(), os.getpid(), 0)

    def start(self) -> None:
        _remove(self._path, self._new)

    def announce(self, url: str) -> None:
        """Writes the file, for the eyes of this user only. A site goes on without: it serves people, not commands."""
        self.running = replace(self.running, url=url, pid=os.getpid(), since=self._clock.milliseconds())
        self._is_ours = True
        try:
            with open(self._new, "x", encoding="utf-8", opener=_for_us_only) as file:
                json.dump(asdict(self.running), file)
            os.replace(self._new, self._path)
        except OSError as error:
            log.warning("commands can not reach this system: %s", error)

    def stop(self) -> None:
        """May be called again, and by one that never wrote: it leaves alone what others wrote."""
        if self._is_ours:
            self._is_ours = False
            _remove(self._path, self._new)


def read(data: Path) -> Running | None:
    """What the file says; None if there is none. Refuses what another user keeps to themselves."""
    try:
        text = (data / NAME).read_text("utf-8")
        given = json.loads(text) if len(text) <= LONGEST else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise Refused(
            f"The data folder {data} belongs to {_owner(data)}. Only that user may act on it: run this command as them."
        ) from None
    except (ValueError, RecursionError):
        return None  # no file of ours
    return _running(given)


def _running(given: object) -> Running | None:
    if not isinstance(given, dict) or set(given) != {"url", "token", "proof", "pid", "since"}:
        return None
    is_text = all(isinstance(given[name], str) and given[name].isascii() for name in ("url", "token", "proof"))
    return Running(**given) if is_text and all(type(given[name]) is int for name in ("pid", "since")) else None


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def _secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _for_us_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _owner(data: Path) -> str:
    try:
        return f"the user {data.owner()}"
    except (OSError, KeyError, NotImplementedError):  # it lies in a folder of theirs; a user without a name; Windows
        return "another user"
