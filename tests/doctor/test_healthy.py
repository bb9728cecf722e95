"""Where nothing is wrong the doctor says so, and leaves everything as it was."""

from pathlib import Path
from typing import Any

from tests.doctor.world import Patient


def contents(data: Path) -> dict[Path, Any]:
    return {path: path.read_bytes() if path.is_file() else None for path in data.rglob("*")}


def test_a_healthy_folder_has_no_fault(patient: Patient):
    findings = patient.examine()
    assert not [str(finding) for finding in findings if not finding.is_well]
    said = "\n".join(map(str, findings))
    for words in ("9 database files", "6 copies equal to the leader's, row by row", "12 people", "the site is stopped"):
        assert words in said


def test_examining_changes_nothing(patient: Patient):
    before = contents(patient.data)
    patient.examine()
    assert contents(patient.data) == before
