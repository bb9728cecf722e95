"""The doctor names the fault and the remedy."""

import socket

from minisocial.cli.doctor import check_folder, check_port, check_python, check_room, check_sqlite, examine
from minisocial.settings import Settings


def test_a_sound_machine_has_no_fault(tmp_path):
    findings = examine(Settings(data=tmp_path / "data", port=0))
    assert len(findings) == 5 and all(str(finding).startswith("ok ") for finding in findings)
    assert not (tmp_path / "data").exists()


def test_an_old_python_is_a_fault():
    assert str(check_python((3, 9, 1))) == "FAULT Python 3.9.1: minisocial needs 3.10 or newer"


def test_an_old_sqlite_is_a_fault_and_a_middle_aged_one_a_caution():
    assert not check_sqlite((3, 31, 0)).is_well
    assert check_sqlite((3, 40, 1)).is_well and "two checkpoint" in check_sqlite((3, 40, 1)).what
    assert check_sqlite((3, 51, 3)).what == "SQLite 3.51.3"


def test_a_file_in_the_place_of_the_folder_is_a_fault(tmp_path):
    (tmp_path / "data").write_text("")
    assert "is a file" in check_folder(Settings(data=tmp_path / "data")).remedy
    assert "is a file" in check_folder(Settings(data=tmp_path / "data" / "inner")).remedy
    assert check_room(Settings(data=tmp_path / "data")).is_well


def test_a_port_that_is_taken_is_a_fault():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finding = check_port(Settings(port=taken.getsockname()[1]))
    assert "it is taken" in finding.remedy


def test_an_address_that_is_not_ours_is_a_fault():
    assert "--host" in check_port(Settings(host="192.0.2.1", port=0)).remedy
