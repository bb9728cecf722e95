"""The database files: lost, damaged, doubled, left over."""

import os
import shutil

from tests.doctor.world import Patient, spoil


def test_a_file_that_is_missing(patient: Patient):
    patient.file("1", "b").unlink()
    (fault,) = patient.faults()
    assert "place b has no file of shard 1" in fault and "start the site" in fault


def test_a_shard_of_which_nothing_is_left(patient: Patient):
    for name in "abc":
        patient.file("1", name).unlink()
    (fault,) = patient.faults()
    assert "there is no file of shard 1 in any place" in fault and "restore a backup" in fault


def test_a_damaged_file(patient: Patient):
    spoil(patient.file("0", "c"))
    (fault,) = patient.faults()
    assert f"{patient.file('0', 'c')} is damaged" in fault and "move this file away" in fault


def test_a_damaged_file_of_the_leader(patient: Patient):
    spoil(patient.file("0", "a"))
    (fault,) = patient.faults()
    assert f"{patient.file('0', 'a')} is damaged" in fault
    assert any("was led from place a; the next start lets" in note for note in patient.notes())


def test_a_file_that_is_no_database(patient: Patient):
    patient.file("directory", "b").write_text("lost and found\n" * 1000)
    (fault,) = patient.faults()
    assert "shard-directory" in fault and "not a database" in fault


def test_all_copies_damaged(patient: Patient):
    for name in "abc":
        spoil(patient.file("0", name))
    faults = patient.faults()
    assert len(faults) == 3 and all("no sound copy is left: restore a backup" in fault for fault in faults)


def test_an_index_that_contradicts_its_table(patient: Patient):
    broken = "UPDATE sqlite_master SET sql = replace(sql, 'author, id', 'id, author') WHERE name = 'posts_by_author'"
    patient.change(patient.file("0"), "PRAGMA writable_schema = ON", broken)
    (fault,) = patient.faults()
    assert "is damaged" in fault and "posts_by_author" in fault


def test_two_files_of_a_shard_in_one_place(patient: Patient):
    old = patient.file("0", "b")
    shutil.copy(old, old.with_name("shard-0-1.db"))
    (fault,) = patient.faults()
    assert "place b has 2 files of shard 0" in fault and f"uses {old} and deletes" in fault


def test_a_log_whose_database_is_gone(patient: Patient):
    (patient.place("b") / "shard-0-1.db-wal").write_bytes(b"log")
    (fault,) = patient.faults()
    assert "shard-0-1.db-wal belongs to a database that is not there" in fault


def test_what_was_set_aside_or_not_finished_is_told_of(patient: Patient):
    failed = patient.place("a") / "failed-0.db"
    failed.write_bytes(b"x" * 4096)
    os.utime(failed, (failed.stat().st_mtime - 3 * 86_400,) * 2)
    (patient.place("c") / "shard-1-2.tmp").write_bytes(b"")
    assert not patient.faults()
    said = "\n".join(patient.notes())
    assert "failed-0.db failed and was set aside (4 KiB, 3 days old)" in said and "shard-1-2.tmp in place c" in said


def test_a_damaged_file_of_dead_letters(patient: Patient):
    (patient.data / "dead.db").write_text("x" * 5000)
    (fault,) = patient.faults()
    assert "dead.db is damaged" in fault and "sets it aside" in fault
