"""A system is run until somebody asks, and is stopped whatever happens."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from minisocial.cli.serving import SEEDED, Content, demo_folder, make_folder, opened, run
from minisocial.cli.stopping import StopSignals
from minisocial.errors import Refused, Unavailable
from minisocial.settings import Settings


class FakeSystem:
    """Notes what is done to it; asks the process to stop once it has started, as a person would."""

    url = "http://127.0.0.1:8123"
    setup_code = None

    def __init__(self, fails: bool = False) -> None:
        self.story: list[str] = []
        self.fails = fails

    def start(self, prepare=None) -> None:
        self.story.append("start")
        if self.fails:
            raise Unavailable("Port 8123 is taken.")
        prepare(self)

    def stop(self) -> None:
        self.story.append("stop")


def prepare(system: FakeSystem) -> None:
    system.story.append("prepare")


def never(status: int) -> None:
    raise AssertionError(f"ended with {status}")


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_it_is_started_prepared_announced_and_stopped(settings, capsys):
    system = FakeSystem()

    def prepared(it: FakeSystem) -> None:
        prepare(it)
        assert capsys.readouterr().out == ""

    with StopSignals(never) as stop:
        said_where = lambda it: (prepared(it), setattr(stop, "wait", ask_to_stop))  # noqa: E731
        run(settings, stop, said_where, lambda _: system)
    assert system.story == ["start", "prepare", "stop"]
    assert capsys.readouterr().out == "minisocial is at http://127.0.0.1:8123  (Ctrl-C stops it)\n"


def test_one_asked_to_stop_while_it_is_prepared_does_not_announce_itself(settings, capsys):
    system = FakeSystem()
    with StopSignals(never) as stop:
        run(settings, stop, lambda _: ask_to_stop(), lambda _: system)
    assert system.story == ["start", "stop"] and capsys.readouterr().out == ""


def test_one_that_fails_to_start_is_not_prepared_and_says_why(settings):
    system = FakeSystem(fails=True)
    with StopSignals(never) as stop, pytest.raises(Unavailable, match="taken"):
        run(settings, stop, prepare, lambda _: system)
    assert system.story == ["start", "stop"]


def test_one_that_cannot_be_prepared_is_stopped_all_the_same(settings):
    system = FakeSystem()

    def refuse(it: FakeSystem) -> None:
        raise Refused("This graph is damaged.")

    with StopSignals(never) as stop, pytest.raises(Refused):
        run(settings, stop, refuse, lambda _: system)
    assert system.story == ["start", "stop"]


def announced(settings: Settings, system: FakeSystem, capsys) -> list[str]:
    with StopSignals(never) as stop:
        stop.wait = ask_to_stop
        run(settings, stop, build=lambda _: system)
    return capsys.readouterr().out.splitlines()


def test_a_new_folder_shows_the_code_before_the_address(settings, capsys):
    system = FakeSystem()
    system.setup_code = "1234-5678"
    lines = announced(settings, system, capsys)
    assert lines[1].endswith("1234-5678") and [system.url in line for line in lines] == [False, False, True]


def test_rate_limits_that_are_off_are_not_passed_over(settings, capsys):
    lines = announced(replace(settings, rate_limits=False), FakeSystem(), capsys)
    assert "Rate limits are off" in lines[0]


def test_the_data_folder_is_made_for_its_owner_only(tmp_path):
    make_folder(tmp_path / "a" / "data")
    assert (tmp_path / "a" / "data").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.name == "nt" or not os.path.isdir("/proc/self"), reason="needs a folder nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_refused_with_the_remedy():
    with pytest.raises(Refused, match=r"cannot be written to.*--data"):
        make_folder(Path("/proc/self"))


def test_a_throw_away_folder_is_gone_afterwards_even_after_an_error():
    with pytest.raises(Refused), StopSignals(never) as stop, demo_folder(None, stop) as folder:
        (folder / "database").mkdir()
        raise Refused("so")
    assert not folder.exists()


def test_a_throw_away_folder_goes_even_when_it_must_stop_at_once():
    with StopSignals(never) as stop, demo_folder(None, stop) as folder:
        stop.last_act()
        assert not folder.exists()


def test_a_folder_to_keep_is_kept_and_gone_on_with(tmp_path):
    with StopSignals(never) as stop:
        with demo_folder(tmp_path, stop) as folder:
            (folder / SEEDED).touch()
        with demo_folder(tmp_path, stop) as folder:
            assert (folder / SEEDED).exists()


def test_half_a_demo_is_not_gone_on_with(tmp_path):
    (tmp_path / "database").mkdir()
    with pytest.raises(Refused), StopSignals(never) as stop, demo_folder(tmp_path, stop):
        pass


def test_a_graph_has_posts_by_default(tmp_path):
    graph = tmp_path / "graph.txt"
    graph.write_text("0 1\n")
    assert Content.chosen(graph, 7) == Content(graph, 7)
    assert Content.chosen(graph, None).posts > 0


def test_a_command_leaves_the_database_in_the_shape_it_has(tmp_path):
    """It knows the settings of the folder, not the flags that the site was started with."""
    settings = Settings(data=tmp_path / "data", replicas=0, password_cost=4)
    for each in (settings, replace(settings, replicas=2)):
        with opened(each) as system:
            assert [place.name for place in system.cluster.places] == ["a"]
