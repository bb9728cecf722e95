"""The control files: one or more of them lost, old, or nonsense."""

from pathlib import Path

import pytest

from tests.doctor.world import Patient


@pytest.mark.parametrize("garbage", ["", "{", "[]", "null", '{"version": 1}', '"a"', "\x00\x01", "9" * 5000])
def test_a_control_file_of_garbage(patient: Patient, garbage: str):
    (patient.place("b") / "control.json").write_text(garbage)
    (fault,) = patient.faults()
    assert "b/control.json: it holds something else than a record" in fault and "a/control.json over it" in fault


@pytest.mark.parametrize(
    ("key", "value"),
    [("map", ["0", "1"]), ("leaders", {"0": 7}), ("places", 3), ("version", "x"), ("moving", 5), ("issued", 1)],
)
def test_a_control_file_that_makes_no_sense(patient: Patient, key: str, value: object):
    patient.edit_control("c", lambda data: data.update({key: value}))
    (fault,) = patient.faults()
    assert "c/control.json: it holds something else" in fault


def test_a_control_file_older_than_the_others(patient: Patient):
    patient.edit_control("b", lambda data: data.update(version=data["version"] - 1))
    (fault,) = patient.faults()
    assert "b/control.json is older" in fault and "with the site stopped, copy" in fault


def test_a_control_file_that_is_missing(patient: Patient):
    (patient.place("a") / "control.json").unlink()
    (fault,) = patient.faults()
    assert "there is no control.json in" in fault and "b/control.json over it" in fault


def test_fewer_control_files_than_a_majority(patient: Patient):
    for name in "ab":
        (patient.place(name) / "control.json").unlink()
    first, *others = patient.faults()
    assert "only 1 of 3 control.json files can be read" in first and "delete control.json in every folder" in first
    assert len(others) == 2


def test_no_control_file_at_all(patient: Patient):
    for name in "abc":
        (patient.place(name) / "control.json").unlink()
    (fault,) = patient.faults()
    assert "no control.json" in fault and "from a backup" in fault


def test_control_files_that_disagree(patient: Patient):
    patient.edit_control("b", lambda data: data["map"].reverse())
    (fault,) = patient.faults()
    assert "b/control.json has the same version as another and says something else" in fault and "copy it" in fault


def all_elsewhere(patient: Patient) -> Path:
    """Moves every place to another disk; the folder of them."""
    disks = patient.data.parent / "disks"
    disks.mkdir(0o700)
    folders = {name: str(disks / name) for name in "abc"}
    for name in "abc":
        patient.edit_control(name, lambda data: data.update(folders=folders))
    hint = patient.place("a") / "control.json"
    (patient.data / "database" / "control.json").write_bytes(hint.read_bytes())
    for name in "abc":
        patient.place(name).rename(disks / name).chmod(0o700)
    return disks


def test_places_that_all_lie_elsewhere_are_found(patient: Patient):
    all_elsewhere(patient)
    assert patient.faults() == []


@pytest.mark.parametrize("is_gone", [True, False])
def test_places_that_all_lie_elsewhere_need_the_file_that_says_where(patient: Patient, is_gone: bool):
    all_elsewhere(patient)
    hint = patient.data / "database" / "control.json"
    hint.unlink() if is_gone else hint.write_text("{")
    (fault,) = [fault for fault in patient.faults() if "No place lies here" in fault]
    assert "begins a new, empty database" in fault and "copy the control.json of one of the places" in fault


def test_places_that_all_lie_elsewhere_and_are_not_mounted(patient: Patient):
    disks = all_elsewhere(patient)
    disks.rename(disks.with_name("away"))
    fault = patient.faults()[0]
    assert "no control.json can be read in any place" in fault and "mount their disks" in fault
