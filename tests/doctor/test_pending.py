"""Tasks that wait too long, and tasks that were given up."""

import json
import sqlite3
from contextlib import closing

from tests.doctor.world import Patient

DAY = 24 * 3600 * 1000


def leave_a_task(patient: Patient, before: int) -> None:
    """A task made so many milliseconds before the last change."""
    last = patient.value(patient.file("0"), "SELECT max(at) FROM _log")
    patient.change(patient.file("0"), f"INSERT INTO outbox VALUES (1, 'letter', '{{}}', '', {last - before})")


def test_a_task_that_waits_for_longer_than_a_day(patient: Patient):
    leave_a_task(patient, 3 * DAY)
    (fault,) = patient.faults()
    assert "1 task for longer than a day in the outbox (letter; the oldest for 3 days)" in fault and "the log" in fault


def test_a_task_of_the_last_hour_is_told_of_however_long_the_site_is_stopped(patient: Patient):
    leave_a_task(patient, DAY // 24)
    assert not patient.faults()
    assert any("1 task in the outbox" in note for note in patient.notes())


def test_tasks_that_were_given_up_are_told_of(patient: Patient):
    letter = ("0", 7, "letter", json.dumps({}), 12, "Traceback …\nMailDown: nobody answers", "", 0, 0)
    with closing(sqlite3.connect(patient.data / "dead.db")) as connection:
        connection.execute("INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", letter)
        connection.commit()
    assert not patient.faults()
    assert any("1 task given up" in note and "letter: MailDown: nobody answers" in note for note in patient.notes())
