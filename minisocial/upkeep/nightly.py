"""A backup each night, a number of which are kept."""

import logging
import re
import shutil
import threading
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from minisocial.clock import Clock
from minisocial.database import Cluster
from minisocial.database.connection import publish
from minisocial.errors import MinisocialError, Refused
from minisocial.upkeep.backup import back_up
from minisocial.upkeep.restore import check

HOUR = 3  # of local time: few are awake, and in most places no clock is set forward or back across it
RETRY_SECONDS = 3600.0
LOOK_SECONDS = 30.0  # how often the thread looks at the clock
STOP_SECONDS = 3.0  # how long a stop waits for a backup to break off; what it leaves goes the next night
FOLDER = "backups"
# Only what has exactly such a name is ours to delete. Whoever wants to keep one renames it.
OURS = re.compile(r"nightly-\d{4}-\d{2}-\d{2}\.zip")
UNFINISHED = re.compile(OURS.pattern + r"\.tmp(\.[a-z0-9_]{8}\.tmp)?|rehearsal-[a-z0-9_]{8}\.tmp")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NightlySnapshot:
    """What the last night brought."""

    keep: int  # 0: none are made
    is_running: bool
    made: int  # since the start
    failed: int
    last: str  # what the newest one of this process holds
    last_at: int  # milliseconds since 1970; 0: none since the start
    error: str  # why the last attempt failed; "" if it did not
    files: tuple[str, ...]  # those that are kept, oldest first


class Nightly:
    """Makes a backup each night into `data/backups`, and deletes the oldest beyond `keep`.

    It is due from three in the morning on, so a machine that slept then makes it when it wakes. A new
    one counts once it was restored on trial and found sound, and only then is an old one deleted.

    One that fails is logged and told in the snapshot, and tried again after an hour; all that were
    kept stay. One that is killed leaves nothing that counts.
    """

    def __init__(
        self, cluster: Cluster, data: Path, keep: int, clock: Clock | None = None, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """`keep`: how many are kept; 0: none are made."""
        self._cluster = cluster
        self._data = data.absolute()
        self._folder = self._data / FOLDER
        self._clock = clock or Clock()
        self._look_seconds = look_seconds
        self._rest_until = float("-inf")  # monotonic seconds: after a failure
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = NightlySnapshot(keep, False, 0, 0, "", 0, "", ())

    def start(self) -> None:
        self._closing.clear()
        if self._state.keep and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="nightly backup", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Breaks a backup off where it is; call it before the database is stopped."""
        self._closing.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)
        self._thread = None

    def snapshot(self) -> NightlySnapshot:
        return replace(self._state, files=tuple(path.name for path in self._kept()))

    def step(self) -> bool:
        """Makes the backup of this night if it is due; True if one was made."""
        if not self._is_due():
            return False
        self._set(is_running=True)
        try:
            self._make()
            return True
        except _BrokenOff:
            return False
        except (MinisocialError, OSError) as error:
            self._failed(str(error))
            return False
        except Exception:  # the next night must come, whatever this one met
            logger.exception("the nightly backup failed")
            self._failed("Something broke on our side; the log says what.")
            return False
        finally:
            self._set(is_running=False)

    def _run(self) -> None:
        while not self._closing.wait(self._look_seconds):
            self.step()

    def _is_due(self) -> bool:
        if not self._state.keep or self._clock.monotonic() < self._rest_until:
            return False
        return not self._file(self._night()).exists()

    def _night(self) -> date:
        """The day whose night it is, until three o'clock the one before."""
        return (datetime.fromtimestamp(self._clock.time()) - timedelta(hours=HOUR)).date()

    def _file(self, night: date) -> Path:
        return self._folder / f"nightly-{night.isoformat()}.zip"

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_leftovers()
        file = self._file(self._night())
        candidate = file.with_name(f"{file.name}.tmp")
        try:
            manifest = back_up(self._cluster, self._data, candidate, self._go_on, self._clock)
            report = check(candidate, self._go_on, within=self._folder)
            if not report.is_sound:
                raise Refused(f"The new backup is not sound. {' '.join(report.faults)}")
            publish(candidate, file)
        finally:
            candidate.unlink(missing_ok=True)
        for remark in report.remarks:
            logger.warning("the nightly backup holds a contradiction: %s", remark)
        made = self._state.made + 1
        self._set(made=made, last=str(manifest), last_at=self._clock.milliseconds(), error="")
        self._delete_oldest(but=file)

    def _go_on(self, line: str) -> None:
        """Hears of the progress, and breaks it off when the system stops."""
        if self._closing.is_set():
            raise _BrokenOff

    def _delete_oldest(self, but: Path) -> None:
        """The newest one stays whatever its name: a clock may have been set back."""
        others = [path for path in self._kept() if path != but]
        for path in others[: max(0, len(others) + 1 - self._state.keep)]:
            logger.info("%s is deleted: %d newer ones are kept", path, self._state.keep)
            path.unlink(missing_ok=True)

    def _kept(self) -> list[Path]:
        """Ours, oldest first."""
        paths = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(path for path in paths if OURS.fullmatch(path.name) and path.is_file())

    def _remove_leftovers(self) -> None:
        for path in self._folder.iterdir():
            if UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _failed(self, why: str) -> None:
        logger.error("the nightly backup failed and is tried again in an hour: %s", why)
        self._rest_until = self._clock.monotonic() + RETRY_SECONDS
        self._set(failed=self._state.failed + 1, error=why)

    def _set(self, **values: object) -> None:
        self._state = replace(self._state, **values)  # type: ignore[arg-type]


class _BrokenOff(Exception):
    """The system stops while a backup is being made."""
