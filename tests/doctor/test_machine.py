"""Python, SQLite, the libraries, the port."""

import re
import socket
from importlib import metadata
from pathlib import Path

from minisocial.doctor.machine import LIBRARIES, check_libraries, check_port, check_python, check_sqlite, dotted
from minisocial.settings import Settings

SETUP = Path(__file__).parents[2] / "setup.py"


def test_an_old_python_is_a_fault():
    assert str(check_python((3, 9, 1))) == "FAULT Python 3.9.1: minisocial needs 3.10 or newer"


def test_an_old_sqlite_is_a_fault_and_a_middle_aged_one_a_caution():
    assert not check_sqlite((3, 31, 0)).is_well
    assert check_sqlite((3, 40, 1)).is_well and "one writer" in check_sqlite((3, 40, 1)).what
    assert check_sqlite((3, 51, 3)).what == "SQLite 3.51.3"


def test_a_library_that_is_missing_or_untried_is_a_fault():
    def version_of(name: str) -> str:
        if name == "huey":
            raise metadata.PackageNotFoundError(name)
        return "4.0.0" if name == "waitress" else metadata.version(name)

    waitress, huey = check_libraries(version_of)
    assert "waitress 4.0.0 is not a version from 3.0 to below 4" in str(waitress)
    assert "huey is not installed" in str(huey) and "run.py" in huey.remedy


def test_the_versions_that_were_tried_are_those_of_setup_py():
    required = dict(re.findall(r'"([\w-]+)(>=[\d.]+,<[\d.]+)"', SETUP.read_text().split("EXTRAS")[0]))
    assert required == {name: f">={dotted(least)},<{dotted(below)}" for name, (least, below) in LIBRARIES.items()}


def test_a_port_that_is_taken_is_a_fault_unless_the_site_runs():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(port=taken.getsockname()[1])
        assert "another program has taken it" in check_port(settings).remedy
        assert check_port(settings, is_running=True).is_well


def test_an_address_that_is_not_ours_is_a_fault():
    assert "--host" in check_port(Settings(host="192.0.2.1", port=0)).remedy
