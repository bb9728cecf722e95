"""The whole examination: each check in turn, from the machine to single rows. Nothing is changed."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from minisocial.clock import Clock
from minisocial.doctor import survey as surveys
from minisocial.doctor.controls import check_controls
from minisocial.doctor.copies import (
    Copies,
    check_histories,
    check_roles,
    check_rows_of_copies,
    check_versions,
    measure,
)
from minisocial.doctor.files import check_places, check_shards, check_soundness
from minisocial.doctor.finding import Finding
from minisocial.doctor.folder import (
    check_disks,
    check_file_systems,
    check_folder,
    check_lock,
    check_permissions,
    check_room,
)
from minisocial.doctor.machine import check_libraries, check_port, check_python, check_sqlite
from minisocial.doctor.mail import check_mail
from minisocial.doctor.pending import check_outbox, check_queue
from minisocial.doctor.reading import UNREADABLE
from minisocial.doctor.rows import check_rows
from minisocial.doctor.survey import Survey
from minisocial.doctor.times import check_clock
from minisocial.settings import Settings

LOOKS = 3  # at a running site: a fault of one moment (a file that is being replaced) is none
BETWEEN_LOOKS = 0.5  # seconds
AT_ONCE = 2

Check = Callable[[], Iterable[Finding]]


def examine(settings: Settings, clock: Clock | None = None) -> list[Finding]:
    """Looks at everything; changes nothing."""
    findings = [check_python(), check_sqlite(), *check_libraries(), *check_mail(settings), check_folder(settings)]
    if not findings[-1].is_well:
        return [*findings, check_port(settings)]
    try:
        survey = surveys.take(settings, clock or Clock())
    except OSError as error:
        return [*findings, _unreadable("the data folder", error), check_port(settings)]
    findings += _about_folder(survey)
    if not survey.is_new:
        findings += lasting(survey, _about_database)
    return [*findings, _running(survey), check_port(settings, survey.is_running)]


def _about_folder(survey: Survey) -> list[Finding]:
    return [
        *_attempt("the data folder", lambda: check_permissions(survey)),
        *_attempt("the disks", lambda: (*check_room(survey), *check_disks(survey))),
        *_attempt("the lock", lambda: check_lock(survey)),
        *_attempt("the file systems", lambda: check_file_systems(survey)),
    ]


def lasting(survey: Survey, look: Callable[[Survey], list[Finding]]) -> list[Finding]:
    """What a check finds; at a running site, only what it still finds a little later."""
    findings = look(survey)
    pause = threading.Event()
    for _ in range(LOOKS - 1 if survey.is_running else 0):
        if all(finding.is_well for finding in findings):
            break
        pause.wait(BETWEEN_LOOKS)
        findings = look(surveys.take(survey.settings, survey.clock))
    return findings


def _about_database(survey: Survey) -> list[Finding]:
    findings = [*_attempt("control.json", lambda: check_controls(survey))]
    findings += _attempt("the places", lambda: (*check_places(survey), *check_shards(survey)))
    sound, damage = check_soundness(survey, survey.current)
    findings += damage
    try:
        copies = measure(survey, sound)
    except UNREADABLE as error:
        return [*findings, _unreadable("the copies", error)]
    findings += _about_copies(survey, copies)
    return findings


def _about_copies(survey: Survey, copies: list[Copies]) -> list[Finding]:
    """Two checks at a time: both of the long ones work inside SQLite, without the interpreter's lock."""
    checks: dict[str, Check] = {
        "the versions": lambda: check_versions(copies),
        "the roles of copies": lambda: check_roles(survey, copies),
        "the histories of copies": lambda: check_histories(survey, copies),
        "the rows of copies": lambda: check_rows_of_copies(survey, copies),
        "the rows": lambda: check_rows(survey, copies),
        "the outbox": lambda: check_outbox(survey, copies),
        "the queue": lambda: check_queue(survey),
        "the clock": lambda: check_clock(survey, copies),
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [finding for found in pool.map(_attempt, checks, checks.values()) for finding in found]


def _attempt(what: str, check: Check) -> list[Finding]:
    """What a check finds; that it can not look is a finding, too."""
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except UNREADABLE as error:
        findings.append(_unreadable(what, error))
    return findings


def _unreadable(what: str, error: Exception) -> Finding:
    if isinstance(error, PermissionError):
        where = f"{error.filename}: {error.strerror}"
        return Finding(f"{what} can not be looked at ({where})", "run the doctor as the owner of the data folder")
    reason = str(error) or type(error).__name__
    remedy = "see to the other faults first; if none is left, restore a backup"
    return Finding(f"{what} can not be looked at ({reason})", remedy)


def _running(survey: Survey) -> Finding:
    if survey.is_running:
        return Finding("a minisocial has the data folder open now, so a copy may lag behind for a moment")
    return Finding("the site is stopped")
