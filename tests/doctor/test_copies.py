"""Copies: behind, of another history, ahead of their leader, or different at the same position."""

import shutil

from minisocial.database.schema import VERSION
from tests.doctor.world import Patient

ENTRY = "INSERT INTO _log (at, tbl, op) VALUES (0, 'posts', 'U')"
EDIT = "UPDATE posts SET text = text || '.' WHERE id = (SELECT min(id) FROM posts)"
NEXT_TERM = "INSERT INTO _log (seq, at, tbl, op) VALUES (2 << 40, 0, '', 'T')"


def test_a_copy_whose_row_differs(patient: Patient):
    patient.change(patient.file("0", "b"), EDIT)
    (fault,) = patient.faults()
    assert "the copy in place b differs from that in a in 1 row of posts" in fault and "made anew from a" in fault


def test_a_copy_that_lacks_a_row(patient: Patient):
    patient.change(patient.file("1", "c"), "DELETE FROM home_feed")
    (fault,) = patient.faults()
    assert "the copy in place c differs" in fault and "of home_feed" in fault and "more)" in fault


def test_a_copy_with_a_row_too_many(patient: Patient):
    patient.change(patient.file("1", "c"), "INSERT INTO notifications_seen VALUES (7, 7)")
    (fault,) = patient.faults()
    assert "the copy in place c differs from that in a in 1 row of notifications_seen (7 is only there)" in fault


def test_a_copy_with_another_table(patient: Patient):
    patient.change(patient.file("1", "c"), "CREATE INDEX odd ON posts (text)")
    (fault,) = patient.faults()
    assert "differs from that in a in its tables or indexes" in fault


def test_copies_that_are_behind_are_told_of(patient: Patient):
    patient.change(patient.file("0", "a"), EDIT)
    assert not patient.faults()
    assert any("in place b is 1 change behind" in note for note in patient.notes())


def test_a_copy_that_knows_more_than_its_leader(patient: Patient):
    patient.change(patient.file("0", "b"), ENTRY)
    (fault,) = patient.faults()
    assert "the copy in place b has changes that the leader in a lacks" in fault and "nothing is lost" in fault
    assert not patient.faults(durability="replicated")  # there a replica may have a commit before its primary's disk


def test_a_leader_put_back_from_an_older_time(patient: Patient):
    older = patient.data / "older.db"
    shutil.copy(patient.file("0", "b"), older)
    for name in "abc":
        patient.change(patient.file("0", name), ENTRY, ENTRY)
    shutil.copy(older, patient.file("0", "a"))
    older.unlink()
    (fault,) = patient.faults()
    assert "put back from an older time" in fault and "start the site" in fault


def test_a_copy_of_another_history(patient: Patient):
    patient.change(patient.file("0", "b"), ENTRY)  # as a leader that failed before anybody read it
    for name in "ac":
        patient.change(patient.file("0", name), NEXT_TERM)
    for name in "abc":
        patient.edit_control(name, lambda data: data["leaders"].update({"0": [2, "a"]}))
    (fault,) = patient.faults()
    assert "shard 0 in place b has another history than the one in a" in fault and "keep a copy of" in fault


def test_no_copy_that_may_lead(patient: Patient):
    patient.file("0", "a").unlink()
    for name in "abc":
        patient.edit_control(name, lambda data: data["leaders"].update({"0": [5, "a"]}))
    missing, fault = patient.faults()
    assert "place a has no file of shard 0" in missing
    assert "no file of shard 0 may lead: the newest was in place a (term 5)" in fault


def test_tables_of_a_newer_program(patient: Patient):
    for name in "abc":
        patient.change(patient.file("0", name), f"PRAGMA user_version = {VERSION + 1}")
    (fault,) = patient.faults()
    assert f"version {VERSION + 1} of the tables" in fault and "start the newer minisocial" in fault


def test_tables_of_an_older_program_are_told_of(patient: Patient):
    for name in "abc":
        patient.change(patient.file("0", name), f"PRAGMA user_version = {VERSION - 1}")
    assert not patient.faults()
    assert any(f"the next start brings it to {VERSION}" in note for note in patient.notes())
