"""What comes from the future."""

import os

from minisocial.clock import Clock
from minisocial.ids import join
from tests.doctor.world import Patient
from tests.fakes import ManualClock

YEAR = 366 * 86_400


def test_a_clock_that_was_set_back(patient: Patient):
    clock = ManualClock(Clock().time() - YEAR)
    (fault,) = patient.faults(clock)
    assert "the newest " in fault and "days after what this machine's clock says" in fault and "more: set this" in fault


def test_a_post_from_the_future(patient: Patient):
    id = join(Clock().milliseconds() + 2 * YEAR * 1000, 0)
    author = patient.value(patient.file("0"), "SELECT min(id) FROM accounts")
    row = f"({id}, {author}, 'tomorrow', 'everyone', NULL, {id}, '[]', 0, 0, NULL)"
    patient.change(patient.file("0"), f"INSERT INTO posts VALUES {row}")
    (fault,) = patient.faults()
    assert "the newest of the posts on shard 0 is from" in fault and "days after" in fault


def test_a_backup_from_the_future(patient: Patient):
    backup = patient.data / "backups" / "monday.zip"
    backup.parent.mkdir(mode=0o700)
    backup.write_bytes(b"")
    os.utime(backup, (Clock().time() + 3600,) * 2)
    (fault,) = patient.faults()
    assert f"the backup {backup} is from" in fault
