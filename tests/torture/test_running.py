"""A few real rounds: a process that writes is hurt and killed, and audited. More of them: `run.py torture`."""

from pathlib import Path

import pytest

from minisocial import torture
from minisocial.torture.audit import Audit
from minisocial.torture.judging import Verdict
from minisocial.torture.running import new_folder, report
from minisocial.torture.tally import Result, Tally


@pytest.mark.parametrize(("durability", "seed"), [("commit", 11), ("replicated", 12)])
def test_a_few_rounds_find_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], durability: str, seed: int
) -> None:
    status = torture.run(2, seed, durability, tmp_path)
    said = capsys.readouterr().out
    assert status == 0, said
    assert [line.split()[:3] for line in said.splitlines() if line.startswith("round ")] == [
        ["round", "1", "ok"],
        ["round", "2", "ok"],
    ]
    assert int(figure(said, "writes acknowledged")) > 20
    assert [figure(said, name) for name in ("lost ", "doubled", "torn reads", "stale reads")] == ["0"] * 4
    assert not list(tmp_path.glob("world-*"))


def test_without_a_folder_to_keep_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert torture.run(1, 13, "commit", None) == 0
    folder = Path(capsys.readouterr().out.splitlines()[0].rpartition(" in ")[2])
    assert folder.name.startswith("minisocial-torture-") and not folder.exists()


def figure(said: str, name: str) -> str:
    return next(line.split()[-1].replace(",", "") for line in said.splitlines() if line.startswith(name))


def test_a_finding_fails_the_run_and_names_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = Result(2, Audit(Verdict(lost=["writer 1, post 7 is not there"], tail=3)), evidence=str(tmp_path))
    assert report([Result(1), bad, Result(3)], Tally("commit")) == 1
    said = capsys.readouterr().out
    assert "    writer 1, post 7 is not there" in said
    assert f"Round 2 failed; all of it lies in {tmp_path}" in said
    assert figure(said, "lost ") == "1"
    assert report([Result(1)], Tally("commit")) == 0


def test_what_could_not_be_done_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report([], Tally("commit", without="there is no C compiler"))
    assert "Some kinds of damage were left out: there is no C compiler." in capsys.readouterr().out


def test_evidence_of_an_earlier_run_is_not_touched(tmp_path: Path) -> None:
    first = new_folder(tmp_path, 1)
    first.mkdir()
    assert new_folder(tmp_path, 1) != first
