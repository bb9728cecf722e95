"""The file by which a command finds the system that runs, and who can read it."""

import json
import os
from pathlib import Path

import pytest

from minisocial.errors import Refused
from minisocial.upkeep.run_file import NAME, RunFile, read
from tests.fakes import ManualClock

URL = "http://127.0.0.1:8123"
NOT_ROOT = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")


def announced(data: Path) -> RunFile:
    """The file of a system that answers."""
    file = RunFile(data, ManualClock(1_800_000_000.0))
    file.start()
    file.announce(URL)
    return file


def test_it_says_where_since_when_and_with_which_secrets(tmp_path: Path) -> None:
    file = announced(tmp_path)
    found = read(tmp_path)
    assert found == file.running
    assert (found.url, found.pid, found.since) == (URL, os.getpid(), 1_800_000_000_000)
    assert found.is_token(found.token) and found.is_proof(found.proof)
    assert not found.is_token(found.proof) and not found.is_token("") and not found.is_proof(found.token + "x")


def test_it_is_for_the_eyes_of_this_user_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        announced(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_its_secrets_are_long_new_for_each_system_and_not_shown(tmp_path: Path) -> None:
    one, other = announced(tmp_path).running, announced(tmp_path).running
    assert len({one.token, one.proof, other.token, other.proof}) == 4 and len(one.token) >= 40
    assert one.token not in repr(one) and one.proof not in repr(one)


def test_it_is_gone_when_the_system_stops(tmp_path: Path) -> None:
    file = announced(tmp_path)
    file.stop()
    assert read(tmp_path) is None and not list(tmp_path.iterdir())
    file.stop()


def test_what_a_killed_one_left_is_gone_at_the_next_start(tmp_path: Path) -> None:
    announced(tmp_path)
    (tmp_path / f"{NAME}.new").write_text("half of")
    file = RunFile(tmp_path)
    file.start()
    assert not list(tmp_path.iterdir())
    file.announce(URL)
    assert read(tmp_path) == file.running


def test_a_system_that_could_not_start_leaves_the_file_of_the_running_one_alone(tmp_path: Path) -> None:
    running = announced(tmp_path).running
    RunFile(tmp_path).stop()  # its start ended before it owned the folder
    assert read(tmp_path) == running


def test_a_folder_that_cannot_be_written_to_does_not_end_the_site(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    RunFile(tmp_path / "away").announce(URL)
    assert "commands can not reach this system" in caplog.text


def test_without_a_file_or_a_folder_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert [read(tmp_path), read(tmp_path / "away"), read(tmp_path / "file")] == [None, None, None]


@pytest.mark.parametrize(
    "change",
    [{"token": 7}, {"token": "ä"}, {"pid": "1"}, {"since": True}, {"url": None}, {"more": 1}, {"url": ...}],
)
def test_a_file_that_is_not_ours_is_no_system(tmp_path: Path, change: dict[str, object]) -> None:
    announced(tmp_path)
    given = {**json.loads((tmp_path / NAME).read_text()), **change}
    (tmp_path / NAME).write_text(json.dumps({name: value for name, value in given.items() if value is not ...}))
    assert read(tmp_path) is None


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 4000, b'"' + b"x" * 10_000_000 + b'"'])
def test_garbage_is_no_system(tmp_path: Path, text: bytes) -> None:
    (tmp_path / NAME).write_bytes(text)
    assert read(tmp_path) is None


@NOT_ROOT
def test_what_another_user_keeps_to_themselves_is_refused_with_their_name(tmp_path: Path) -> None:
    announced(tmp_path)
    (tmp_path / NAME).chmod(0)
    with pytest.raises(Refused, match=f"belongs to the user {tmp_path.owner()}.*as them"):
        read(tmp_path)
    (tmp_path / NAME).chmod(0o600)
    tmp_path.chmod(0)
    try:
        with pytest.raises(Refused, match="belongs to"):
            read(tmp_path)
    finally:
        tmp_path.chmod(0o700)
