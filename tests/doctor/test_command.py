"""`doctor` on the command line: sentences and an exit status, whatever lies in the folder."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minisocial.cli import main
from tests.doctor.world import Patient, spoil


@pytest.fixture(autouse=True)
def same_log() -> Iterator[None]:
    """A command sets up the log of the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


class Doctor:
    """The command, and what it said last."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said = ""

    def status(self, data: Path) -> int:
        status = main(["doctor", "--data", str(data), "--port", "0"])
        out, err = self._capsys.readouterr()
        self.said = out + err
        assert "Traceback" not in self.said
        return status


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(capsys)


def test_no_folder_yet(doctor: Doctor, tmp_path: Path):
    assert doctor.status(tmp_path / "data") == 0
    assert "made at the first start" in doctor.said and not (tmp_path / "data").exists()


def test_an_empty_folder(doctor: Doctor, tmp_path: Path):
    assert doctor.status(tmp_path) == 0
    assert not list(tmp_path.iterdir())


def test_a_healthy_folder(doctor: Doctor, patient: Patient):
    assert doctor.status(patient.data) == 0
    assert "FAULT" not in doctor.said and "row by row" in doctor.said


def test_a_fault_is_one_line_and_the_exit_status(doctor: Doctor, patient: Patient):
    spoil(patient.file("0", "b"))
    assert doctor.status(patient.data) == 1
    (line,) = [line for line in doctor.said.splitlines() if line.startswith("FAULT")]
    assert "shard-0" in line and "is damaged" in line and "move this file away" in line


def test_a_folder_that_is_a_file(doctor: Doctor, tmp_path: Path):
    (tmp_path / "data").write_text("")
    assert doctor.status(tmp_path / "data") == 1
    assert "is a file" in doctor.said


@pytest.mark.parametrize("name", ["database", "dead.db", "queue.db", "database/a", "database/lock"])
def test_a_folder_with_something_else_in_the_place_of_a_part(doctor: Doctor, patient: Patient, name: str):
    """A file where a folder belongs, and a folder where a file belongs."""
    path = patient.data / name
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("")
    else:
        path.unlink()
        path.mkdir()
    assert doctor.status(patient.data) == 1


def test_everything_garbage(doctor: Doctor, patient: Patient):
    for path in patient.data.rglob("*"):
        if path.is_file():
            path.write_bytes(os.urandom(3000))
    assert doctor.status(patient.data) == 1
    assert "no control.json" in doctor.said


@contextmanager
def as_nobody() -> Iterator[None]:
    """As another user than root, who may look everywhere; whoever is not root stays who they are."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("closed", ["", "database", "database/b"])
def test_a_folder_that_one_may_not_look_into(doctor: Doctor, healthy: Path, closed: str):
    assert doctor.status(healthy) == 0  # what is imported lazily is, now
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        data = Path(shutil.copytree(healthy, Path(folder) / "data"))
        data.chmod(0o755)
        (data / closed).chmod(0)
        with as_nobody():
            status = doctor.status(data)
        (data / closed).chmod(0o755)
    assert status == 1
    assert any(words in doctor.said for words in ("as the user to whom", "as the owner of", "can not be used by you"))
