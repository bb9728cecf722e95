"""run.py decides where the packages come from, and says in one sentence why it cannot.

Nothing here fetches anything: `python -S` has no packages, and a script stands in for the Python of
`.venv` that notes what it was asked to do.
"""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in
    "-m pip install"*) {install} ;;
    "-m pip"*) exit 0 ;;
    *) echo "handed over: $*"; exit 7 ;;
esac
"""
posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")


@pytest.fixture(scope="module")
def run():
    spec = importlib.util.spec_from_file_location("run", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clone(tmp_path):
    """run.py and setup.py in a folder of their own."""
    for name in ("run.py", "setup.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


def stand_in(clone: Path, install: str = "exit 0") -> Path:
    """A sound `.venv` that somebody made; gives the file in which its Python notes its calls."""
    log = clone / "calls"
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(STAND_IN.format(log=log, install=install))
    python.chmod(0o755)
    return log


def command(clone: Path, *arguments: str, before: str = "") -> list[str]:
    code = f"import runpy, sys; {before}; sys.argv = {['run.py', *arguments]}; "
    return [sys.executable, "-S", "-c", code + f"runpy.run_path({str(clone / 'run.py')!r}, run_name='__main__')"]


def call(clone: Path, *arguments: str, before: str = "pass", **environ: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(clone, *arguments, before=before),
        capture_output=True, text=True, timeout=60, cwd="/", env={**os.environ, **environ},
    )  # fmt: skip


def installs(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("-m pip install")]


# What is needed


def test_requirements_are_those_of_setup_py(run):
    names = [line.split(">")[0] for line in run.requirements(["test"])]
    runtime = ["bottle", "waitress", "sqlite-utils", "diskcache", "huey", "click", "tomli"]
    assert names == [*runtime, "pytest", "hypothesis", "aiosmtpd"]


@pytest.mark.parametrize(
    ("version", "bounds", "is_right"),
    [
        ("3.0.2", ">=3.0,<4", True),
        ("3.0", ">=3.0.0,<4", True),
        ("4.0", ">=3.0,<4", False),
        ("0.13.4", ">=0.13,<0.14", True),
        ("0.9", ">=0.13,<0.14", False),
        ("10.1", ">=9.2", True),
        ("8.2rc1", ">=8.1,<9", True),
        ("1", "", True),
    ],
)
def test_a_version_is_compared_by_its_numbers(run, version, bounds, is_right):
    assert run.fits(version, bounds) is is_right


def test_a_package_that_is_here_is_not_missing(run):
    assert run.missing(["pytest>=1", "pytest>=99", "no-such-package>=1"]) == ["pytest>=99", "no-such-package>=1"]


def test_a_requirement_of_older_pythons_does_not_apply_to_newer_ones(run):
    line = 'no-such-package>=2.0; python_version < "3.11"'
    assert run.is_met(line, (3, 11)) and not run.is_met(line, (3, 10))


def test_with_all_packages_here_it_goes_on_in_this_process_and_makes_nothing(run):
    if run.missing(run.requirements([])):
        pytest.skip("this Python does not have them all")
    assert run.prepare(["serve"]) == []


# What is said when it cannot go on


def test_its_grammar_is_that_of_every_python_3():
    tree = ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 7))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]


def test_an_old_python_gets_a_sentence(clone):
    done = call(clone, before="sys.version_info = (3, 9, 18); sys.version = '3.9.18 (main)'")
    assert done.returncode == 1
    assert done.stderr.startswith("minisocial needs Python 3.10 or newer; this is 3.9.18")


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_that_cannot_make_an_environment_names_the_remedy(clone, module):
    done = call(clone, before=f"sys.modules[{module!r}] = None")
    assert done.returncode == 1 and not (clone / ".venv").exists()
    assert "apt install python3-venv" in done.stderr and done.stderr.count("\n") == 1


def test_a_python_without_sqlite_is_refused(clone):
    done = call(clone, before="sys.modules['_sqlite3'] = None")
    assert done.returncode == 1 and "without SQLite" in done.stderr and done.stderr.count("\n") == 1


def test_a_clone_without_its_lists_is_said_to_be_damaged(clone):
    (clone / "setup.py").write_text("")
    done = call(clone)
    assert done.returncode == 1 and "damaged" in done.stderr and done.stderr.count("\n") == 1


@posix
def test_a_network_that_is_missing_is_one_sentence(clone):
    log = stand_in(clone, 'echo "WARNING: NewConnectionError(...): Temporary failure in name resolution"; exit 1')
    done = call(clone, "serve")
    assert done.returncode == 1 and len(installs(log)) == 1
    assert "check the network" in done.stderr and done.stderr.count("\n") == 1


def test_the_last_word_of_pip_is_passed_on(run):
    lines = ["Collecting x", "ERROR: No matching distribution found for x>=3", "[notice] a new release of pip"]
    assert run.why_pip_failed(lines) == "pip could not install minisocial: " + lines[1]
    assert "disk is full" in run.why_pip_failed(["ERROR: [Errno 28] No space left on device"])
    assert run.why_pip_failed([]).endswith("it did not say why.")


def test_it_does_not_go_round_in_a_circle(clone):
    done = call(clone, _RUN_PY_JUST_MADE="1")
    assert done.returncode == 1 and "lacks bottle" in done.stderr and "delete it" in done.stderr


# Where it is installed


@posix
def test_the_first_start_installs_and_hands_over_its_arguments(clone):
    log = stand_in(clone, 'echo "Collecting bottle>=0.13 (from minisocial)"; echo "Other"; exit 0')
    done = call(clone, "serve", "--port", "1")
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines()[1:] == ["  Collecting bottle>=0.13", f"handed over: {clone}/run.py serve --port 1"]
    assert len(installs(log)) == 1 and installs(log)[0].endswith("-e .")


@posix
def test_the_second_start_installs_nothing_and_says_nothing(clone):
    log = stand_in(clone)
    call(clone)
    done = call(clone)
    assert done.stdout == f"handed over: {clone}/run.py\n" and len(installs(log)) == 1


@posix
def test_the_first_test_adds_what_tests_need_and_later_starts_keep_it(clone):
    log = stand_in(clone)
    for arguments in (["serve"], ["test", "-k", "x"], ["test"], ["serve"]):
        call(clone, *arguments)
    assert [line.split()[-1] for line in installs(log)] == [".", ".[test]"]
    (clone / "setup.py").write_text((clone / "setup.py").read_text() + "\n")
    call(clone, "serve")
    assert installs(log)[-1].endswith(".[test]")


@posix
def test_a_changed_setup_py_is_installed_anew(clone):
    log = stand_in(clone)
    call(clone)
    (clone / "setup.py").write_text((clone / "setup.py").read_text() + "# changed\n")
    call(clone)
    assert len(installs(log)) == 2


@posix
def test_an_installation_that_failed_is_known_to_be_half_made(clone, run):
    stand_in(clone, "exit 1")
    call(clone)
    venv = run.Venv(str(clone / ".venv"))
    assert venv.contents() == ("making", []) and not venv._is_sound()


@posix
def test_half_an_environment_is_thrown_away(clone):
    stand_in(clone)
    (clone / ".venv" / "minisocial.txt").write_text("making\n")
    done = call(clone, before="sys.modules['ensurepip'] = None")  # it comes as far as making a new one
    assert done.returncode == 1 and "ensurepip" in done.stderr


def test_a_note_that_is_empty_counts_as_half_made(run, tmp_path):
    (tmp_path / "minisocial.txt").write_text("")
    assert run.Venv(str(tmp_path)).contents() == ("making", [])


@posix
def test_of_several_at_once_one_installs_and_all_go_on(clone):
    log = stand_in(clone)
    children = [subprocess.Popen(command(clone, before="pass"), stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert all(f"handed over: {clone}/run.py" in output for output in outputs)
    assert len(installs(log)) == 1


@posix
def test_a_folder_that_cannot_be_written_to_is_one_sentence(clone):
    takes_nothing = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"  # root may write everywhere
    done = call(clone, before=takes_nothing)
    assert done.returncode == 1 and "put it where you can write" in done.stderr and done.stderr.count("\n") == 1
