"""While the site runs: it is not disturbed, its lag is no fault, and what is wrong is still found."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from minisocial.clock import Clock
from minisocial.doctor import Finding
from minisocial.doctor.copies import measure
from minisocial.doctor.examination import lasting
from minisocial.doctor.lock import is_held
from minisocial.doctor.rows import Wrong, still
from minisocial.doctor.rules import RULES, Count, Rule
from minisocial.doctor.survey import take
from minisocial.ids import logical_shard
from minisocial.system import System
from tests.doctor.test_rows import GONE
from tests.doctor.world import Patient, settings


@pytest.fixture
def system(patient: Patient) -> Iterator[System]:
    system = System(settings(patient.data))
    system.start()
    yield system
    system.stop()


def test_a_running_site_has_no_fault_and_goes_on(patient: Patient, system: System):
    findings = patient.examine()
    assert not [str(finding) for finding in findings if not finding.is_well]
    assert any("has the data folder open now" in finding.what for finding in findings)
    ada = system.social.accounts.named("ada").id
    assert system.social.posts.publish(ada, "Still here.", "everyone").post.text == "Still here."


def test_its_own_port_is_no_fault(patient: Patient, system: System):
    port = int(system.url.rsplit(":")[-1])
    said = [str(finding) for finding in patient.examine(port=port)]
    assert any(f"port {port} of 127.0.0.1 is taken, as it is while the site runs" in line for line in said)


def test_a_copy_that_is_held_back_is_no_fault(patient: Patient, system: System):
    system.cluster.hold("0", "b")
    ada = system.social.accounts.named("ada").id
    for person in ("ada", "alan", "grace", "katherine"):
        system.social.posts.publish(system.social.accounts.named(person).id, "News.", "everyone")
    assert system.social.accounts.get(ada)
    findings = patient.examine()
    assert not [str(finding) for finding in findings if not finding.is_well]
    assert not [finding for finding in findings if "behind" in finding.what and "place b" in finding.what]


def test_a_fault_of_one_moment_is_none(patient: Patient, system: System):
    looks = [[Finding("a file is missing", "put it back")], [Finding("9 files")]]
    assert lasting(take(settings(patient.data), Clock()), lambda survey: looks.pop(0)) == [Finding("9 files")]


def test_what_is_wrong_only_once_is_no_fault(patient: Patient, system: System):
    survey = take(settings(patient.data), Clock())
    copies = measure(survey, survey.current)
    passing: dict[Rule | Count, Wrong] = {rule: {("0", (GONE,)): None} for rule in RULES}
    assert still(survey, copies, passing) == {}


def test_logical_shards_that_move_are_no_fault(patient: Patient, system: System):
    new = system.cluster.add_shard()
    assert not patient.faults()
    ada = system.social.accounts.named("ada").id
    system.cluster.move(logical_shard(ada), new)
    while system.cluster.snapshot().moves:
        assert not patient.faults()
    system.social.posts.publish(ada, "From the new shard.", "everyone")
    assert not patient.faults()


def test_a_row_that_names_nothing_is_found_while_it_runs(patient: Patient, system: System):
    with system.cluster.write("1") as tx:
        tx.execute("INSERT INTO notifications_seen VALUES (?, 1)", (GONE,))
    (fault,) = patient.faults()
    assert f"(1: {GONE})" in fault and "stop the site" in fault


def test_whether_a_site_runs_is_asked_without_disturbing_it(patient: Patient):
    root = patient.data / "database"
    assert not is_held(root) and not is_held(patient.data)
    system = System(settings(patient.data))
    system.start()
    try:
        assert is_held(root) and take(settings(patient.data), Clock()).is_running
    finally:
        system.stop()
    assert not is_held(root)


def test_a_site_that_was_killed_left_logs_that_are_read(patient: Patient, system: System, tmp_path: Path):
    """What a kill leaves is what lies there while it runs: files with logs beside them, and no lock."""
    ada = system.social.accounts.named("ada").id
    system.social.posts.publish(ada, "The last word.", "everyone")
    system.background.drain()
    left = Patient(Path(shutil.copytree(patient.data, tmp_path / "left")))
    before = {path: path.read_bytes() for path in left.data.rglob("*.db")}
    assert not left.faults()
    assert {path: path.read_bytes() for path in left.data.rglob("*.db")} == before
