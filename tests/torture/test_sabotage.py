import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minisocial.torture import sabotage
from minisocial.torture.comparing import keys_from_outside
from minisocial.torture.faults import WORDS, prepare
from minisocial.torture.sabotage import Target
from minisocial.torture.world import World


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A place with a copy of two shards and a file of terms, and the same place as it was before."""
    for folder, content in {"a": b"new", "earlier": b"old"}.items():
        (tmp_path / folder).mkdir()
        for name in ("shard-0-1.db", "shard-0-1.db-wal", "shard-1-1.db", "control.json"):
            (tmp_path / folder / name).write_bytes(content * 8192)
    place = tmp_path / "a"
    return Target("0", "primary", "a", place, place / "shard-0-1.db", tmp_path / "earlier", random.Random(1))


def state(target: Target) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in target.place.iterdir()}


@pytest.mark.parametrize("kind", [*sabotage.TO_A_DEAD_COPY, *sabotage.TO_NO_COPY_WHEN_DEAD])
def test_every_damage_changes_something(target: Target, kind: str) -> None:
    before = state(target)
    {**sabotage.TO_A_DEAD_COPY, **sabotage.TO_NO_COPY_WHEN_DEAD}[kind](target)
    assert not target.place.exists() or state(target) != before


def test_damage_to_a_file_leaves_the_other_shards_alone(target: Target) -> None:
    before = state(target)
    for damage in (sabotage.scribble, sabotage.scribble_header, sabotage.truncate, sabotage.delete_all):
        damage(target)
    after = state(target)
    assert {name: after[name] for name in ("shard-1-1.db", "control.json")} == {
        name: before[name] for name in ("shard-1-1.db", "control.json")
    }


def test_a_file_set_back_is_the_old_one_with_its_wal(target: Target) -> None:
    (target.place / "shard-0-2.db").write_bytes(b"newer")
    sabotage.set_file_back(target)
    assert {name: content[:3] for name, content in state(target).items()} == {
        "shard-0-1.db": b"old",
        "shard-0-1.db-wal": b"old",
        "shard-1-1.db": b"new",
        "control.json": b"new",
    }


def test_a_disk_that_comes_back_hides_what_was_written_meanwhile(target: Target) -> None:
    before = state(target)
    sabotage.take_away(target)
    assert not target.place.exists()
    target.place.mkdir()
    (target.place / "shard-0-9.db").write_bytes(b"meanwhile")
    sabotage.bring_back(target.place)
    assert state(target) == before
    sabotage.bring_back(target.place)  # it is there already
    assert state(target) == before


WRITE = """
import os, sys, time
began = time.monotonic()
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
try:
    os.pwrite(file, b"row", 0), os.fsync(file)
    print("saved slowly" if time.monotonic() - began >= 0.02 else "saved")
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.skipif(shutil.which("cc") is None or not sys.platform.startswith("linux"), reason="needs cc and Linux")
@pytest.mark.parametrize(
    ("kind", "answer"),
    {"I/O errors": "Input/output error", "full disk": "No space left on device", "slow disk": "saved slowly"}.items(),
)
def test_a_bad_disk_is_bad_for_its_own_files_and_while_it_lasts(tmp_path: Path, kind: str, answer: str) -> None:
    assert kind in WORDS
    faults = prepare(tmp_path)

    def write(name: str) -> str:
        command = [sys.executable, "-c", WRITE, str(tmp_path / name)]
        return subprocess.run(command, env=faults.environment(), capture_output=True, text=True).stdout.strip()

    with faults.on(kind, tmp_path / "a"):
        assert write("a-file") == answer
        assert write("b-file") != answer
    assert write("a-file") != answer


def test_without_a_compiler_the_reason_is_said_and_nothing_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    faults = prepare(tmp_path)
    assert "compiler" in faults.reason or "Linux" in faults.reason
    assert faults.environment() == {}


def test_another_program_writes_a_row_that_an_audit_finds(worked_in: World) -> None:
    (file,) = (worked_in.folder / "data" / "database" / "a").glob("shard-0-*.db")
    key = sabotage.write_from_outside(file)
    assert key.startswith("outside:")
    assert keys_from_outside([file]) == {key}


def test_a_file_that_can_not_be_written_takes_no_row_of_another_program(tmp_path: Path) -> None:
    assert sabotage.write_from_outside(tmp_path / "none.db") == ""
