"""The data folder: who may look into it, who owns what lies there, and its disks."""

import os
import shutil
from pathlib import Path

import pytest

from minisocial.clock import Clock
from minisocial.doctor.folder import check_disks, check_file_systems, check_folder, check_room
from minisocial.doctor.survey import take
from minisocial.settings import Settings
from tests.doctor.world import Patient, settings

posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


@posix_only
def test_a_folder_that_everybody_may_look_into(patient: Patient):
    patient.data.chmod(0o755)
    (fault,) = patient.faults()
    assert "everybody on this machine may look into" in fault and f"chmod 700 {patient.data}" in fault


@posix_only
def test_settings_with_a_password_that_everybody_may_read(patient: Patient):
    path = patient.data / "minisocial.toml"
    path.write_text('smtp_url = "smtps://club:secret@mail.example.org"\n')
    path.chmod(0o644)
    assert not patient.faults()  # a file without a password is nobody's secret
    faults = patient.faults(smtp_url="smtps://club:secret@mail.example.org")
    (fault,) = [each for each in faults if path.name in str(each)]
    assert "the password of the mail server" in fault and "chmod 600" in fault and "secret" not in fault


@posix_only
def test_a_file_that_nothing_can_be_written_to(patient: Patient):
    patient.file("0", "b").chmod(0o400)
    (fault,) = patient.faults()
    assert f"nothing can be written to {patient.file('0', 'b')}" in fault and "chmod -R u+w" in fault


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_belongs_to_somebody_else(patient: Patient):
    os.chown(patient.file("1", "c"), 12345, 12345)
    (fault,) = patient.faults()
    assert "1 file" in fault and "not owned by" in fault and "chown -R" in fault


def test_a_file_in_the_place_of_the_folder(tmp_path: Path):
    (tmp_path / "data").write_text("")
    assert "is a file" in check_folder(Settings(data=tmp_path / "data")).remedy
    assert "is a file" in check_folder(Settings(data=tmp_path / "data" / "inner")).remedy


def test_a_disk_without_room_for_one_more_copy(patient: Patient):
    survey = take(settings(patient.data), Clock())
    (finding,) = check_room(survey, lambda folder: 100 << 20)
    assert str(finding).startswith("FAULT 100 MiB free for 3 places (a, b, c): make room: 500 MiB")
    (finding,) = check_room(survey, lambda folder: 600 << 20)
    assert finding.is_well


def test_a_lock_that_can_not_be_taken(patient: Patient):
    (patient.data / "database" / "lock").write_bytes(b"not a lock" * 500)
    (fault,) = patient.faults()
    assert "lock can not be locked" in fault and "delete it" in fault


def test_places_on_one_disk_are_told_of(patient: Patient):
    (finding,) = check_disks(take(settings(patient.data), Clock()))
    assert finding.is_well and "one disk holds the places a, b, c" in finding.what


def test_a_place_on_a_network_file_system(patient: Patient, tmp_path: Path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/club {patient.place('b')} nfs4 rw 0 0\nproc /proc proc rw\n")
    (fault,) = check_file_systems(take(settings(patient.data), Clock()), mounts)
    assert f"{patient.place('b')} lies on a network file system (nfs4)" in str(fault)
    assert not list(check_file_systems(take(settings(patient.data), Clock()), tmp_path / "none"))


def test_a_place_whose_folder_is_gone(patient: Patient):
    shutil.rmtree(patient.place("c"))
    (fault,) = patient.faults()
    assert "place c" in fault and "is not there" in fault and "start the site, which makes it" in fault


def test_a_place_whose_disk_is_not_mounted(patient: Patient):
    for name in "abc":
        patient.edit_control(name, lambda data: data.update(separate=["c"]))
    (fault,) = patient.faults()
    assert "place c: the disk of" in fault and "is not mounted" in fault and "replicas remove c" in fault


def test_a_place_that_lies_elsewhere(patient: Patient, tmp_path: Path):
    elsewhere = tmp_path / "disk"
    shutil.move(patient.place("c"), elsewhere)
    (elsewhere / "control.json").unlink()
    for name in "ab":
        patient.edit_control(name, lambda data: data.update(folders={"c": str(elsewhere)}))
    shutil.copy(patient.place("a") / "control.json", elsewhere)
    elsewhere.chmod(0o700)
    assert not patient.faults()
    shutil.rmtree(elsewhere)
    (fault,) = patient.faults()
    assert f"the folder {elsewhere} is not there" in fault and "mount its disk" in fault
