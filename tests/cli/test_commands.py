"""The command line: flags are the settings, and what can be expected to go wrong is one sentence."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import minisocial
from minisocial.cli import sentence
from minisocial.cli.commands import cli
from minisocial.errors import Refused
from minisocial.settings import Settings

ROOT = Path(minisocial.__file__).parent.parent


def call(*arguments: object, given: str = "", **environ: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MINISOCIAL_")}
    return subprocess.run(
        [sys.executable, "-m", "minisocial", *map(str, arguments)],
        input=given, capture_output=True, text=True, timeout=60, env={**clean, "PYTHONPATH": str(ROOT), **environ},
    )  # fmt: skip


def assert_one_sentence(done: subprocess.CompletedProcess, *parts: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and done.stderr.endswith(".\n")
    for part in parts:
        assert part in done.stderr


def flags_of(name: str) -> set[str]:
    return {option for param in cli.commands[name].params for option in param.opts + param.secondary_opts}


@pytest.mark.parametrize("name", ["serve", "demo", "seed"])
def test_every_setting_is_a_flag(name):
    settings = {"--" + field.name.replace("_", "-") for field in fields(Settings)}
    assert settings | {"--no-rate-limits", "--no-teach", "--log-level"} <= flags_of(name)


def test_the_commands_are_those_that_are_promised():
    running = {"promote", "replicas", "shards", "verify", "backup", "user", "switch", "nodes", "workers", "dead"}
    running |= {"feeds", "jobs"}
    stopped = {"restore", "mail", "seed", "torture", "test", "bench", "version"}
    assert set(cli.commands) == {"serve", "demo", "doctor"} | running | stopped
    assert {"--keep", "--graph", "--posts"} <= flags_of("demo")
    assert set(cli.commands["user"].commands) == {
        "create",
        "reset-password",
        "reset-link",
        "suspend",
        "unsuspend",
        "role",
    }
    assert set(cli.commands["mail"].commands) == {"test"}
    assert set(cli.commands["replicas"].commands) == {"add", "remove"}
    assert set(cli.commands["shards"].commands) == {"list", "add", "move", "spread", "call-off"}
    assert "--check" in flags_of("restore")
    assert {"--rounds", "--seed", "--durability", "--keep"} <= flags_of("torture")
    assert all("--data" in flags_of(name) for name in ("promote", "verify", "backup", "restore", "doctor"))
    assert {"--email", "--password", "--admin", "--data"} <= {
        option for param in cli.commands["user"].commands["create"].params for option in param.opts
    }


def test_without_a_command_it_serves(tmp_path):
    assert_one_sentence(call("--data", tmp_path, "--port", "many"), "--port is 'many'", "whole number")
    assert_one_sentence(call(MINISOCIAL_PORT="many", MINISOCIAL_DATA=str(tmp_path)), "MINISOCIAL_PORT is 'many'")


def test_a_flag_nobody_knows_is_refused_with_the_near_one():
    done = call("--read-node", "3")
    assert done.returncode == 2 and "--read-nodes" in done.stderr and "Traceback" not in done.stderr


def test_version_names_what_a_report_needs():
    done = call("version")
    assert done.returncode == 0 and done.stdout.startswith(f"minisocial {minisocial.__version__}\nPython 3.")
    assert call("--version").stdout == f"minisocial {minisocial.__version__}\n"


def test_help_shows_each_setting_with_its_reason():
    done = call("serve", "--help")
    for word in ("--read-nodes N", "--durability TEXT", "--data DIR", "one can be taken down", "[8000]"):
        assert word in done.stdout


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "data").write_text("")
    assert_one_sentence(call("serve", "--data", tmp_path / "data"), "is a file")


def test_a_graph_that_is_not_there_is_one_sentence_before_anything_is_made():
    assert_one_sentence(call("demo", "--graph", "/nowhere/graph.txt"), "/nowhere/graph.txt: No such file")


@pytest.mark.parametrize("arguments", [["--posts", "3"], ["--data", "x"], ["--posts", "-1", "--graph", "x"]])
def test_flags_that_make_no_sense_together_are_refused(arguments):
    done = call("demo", *arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_demo_is_kept_only_in_an_empty_folder(tmp_path):
    (tmp_path / "letters.txt").write_text("")
    assert_one_sentence(call("demo", "--keep", tmp_path), "choose an empty folder")


def test_a_password_must_come_from_somewhere(tmp_path):
    done = call("user", "create", "ada", "--email", "ada@example.org", "--data", tmp_path / "new", given="")
    assert_one_sentence(done, "--password")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "arguments",
    [["promote", "0", "b"], ["replicas", "add"], ["shards", "list"], ["shards", "move", "5", "1"], ["verify"]],
)
def test_a_command_for_data_that_is_not_there_makes_none(tmp_path, arguments):
    assert_one_sentence(call(*arguments, "--data", tmp_path / "data"), "holds no data yet", "--data")
    assert not (tmp_path / "data").exists()


def test_an_error_of_the_system_is_told_with_its_file_and_a_remedy():
    assert sentence(PermissionError(13, "Permission denied", "data/x")) == "data/x: Permission denied; see who owns it."
    assert sentence(OSError(28, "No space left on device")) == "No space left on device; make room and start again."
    assert sentence(Refused("Not so.")) == "Not so."
    assert sentence(OSError("odd")) == "odd"
