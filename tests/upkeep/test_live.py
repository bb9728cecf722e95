"""Switches and request nodes, as a command on a running system sees and changes them."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from minisocial import settings_file
from minisocial.balancer import FORMS, POLICIES
from minisocial.cache import caches
from minisocial.errors import Refused
from minisocial.nodes import Made, Pool
from minisocial.settings import Settings
from minisocial.upkeep.operations import do
from minisocial.upkeep.switches import Switch, Switches, attribute
from tests.fakes import FakeSite


class DeafBalance:
    """Takes what it is told."""

    def add(self, node: Any, is_warm: bool = False) -> None: ...
    def remove(self, node: Any) -> None: ...
    def replace(self, old: Any, new: Any, is_warm: bool = False) -> None: ...


@dataclass
class World:
    """As much of a system as these operations act on."""

    settings: Settings
    cluster: Any = None
    social: Any = None
    box: Any = field(default_factory=lambda: SimpleNamespace(enabled=True, policy="least_busy"))

    def __post_init__(self) -> None:
        self.pool = Pool(
            lambda name: Made(FakeSite(), lambda: None), DeafBalance(), slots=dict.fromkeys(("read", "write"), 4)
        )
        self.pool.fill(read=2, write=1)
        self.switches = Switches(
            self.settings,
            attribute("page_cache", self.box, "enabled"),
            attribute("policy", self.box),
            Switch("read_slots", lambda: self.pool.slots("read"), lambda slots: self.pool.resize_all("read", slots)),
        )

    def do(self, name: str, /, **args: str) -> str:
        return do(self, name, args, lambda line: None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Settings(data=tmp_path, policy="sticky"))


def test_all_switches_are_told_with_what_they_may_be(world: World) -> None:
    head, *lines = world.do("switch").split("\n")
    assert head.split()[:2] == ["switch", "is"]
    told = {line.split()[0]: line for line in lines}
    assert told["page_cache"].split()[1:5] == ["on", "on", "or", "off"]
    assert "least_busy  least_busy, round_robin, random, two_choices, sticky  " in told["policy"]
    assert "4           1 to 256" in told["read_slots"]


def test_switch_acts_and_says_what_it_is_now_and_how_it_starts(world: World) -> None:
    assert "policy is random now" in world.do("switch", name="policy", value="random")
    assert world.do("switch", name="policy", value="random").endswith("it starts with sticky.")
    assert world.box.policy == "random"
    world.do("switch", name="page_cache", value="off")
    assert world.box.enabled is False
    world.do("switch", name="read_slots", value="2")
    assert [node.slots for node in world.pool.nodes] == [2, 2, 4]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("cache", "on", "no switch 'cache'.*page_cache"),
        ("data", "elsewhere", "no switch 'data'"),  # a setting, and no switch
        ("policy", "", "To what"),
        ("policy", "alphabetical", "least_busy or"),
        ("page_cache", "maybe", "on or off"),
        ("read_slots", "0", "from 1 to 256"),
        ("read_slots", "four", "whole number"),
    ],
)
def test_what_a_switch_cannot_be_is_refused_and_changes_nothing(world: World, name: str, value: str, why: str) -> None:
    before = world.switches.snapshot()
    with pytest.raises(Refused, match=why):
        world.do("switch", name=name, value=value)
    assert world.switches.snapshot() == before


def test_choices_of_the_settings_are_those_of_the_boxes() -> None:
    assert settings_file.CHOICES["policy"] == tuple(POLICIES)
    assert settings_file.CHOICES["services"] == FORMS
    assert settings_file.CHOICES["global_cache_form"] == caches.FORMS


@pytest.mark.parametrize("setting", [each.name for each in fields(Settings) if each.name != "data"])
def test_each_value_is_read_back_as_it_was_written(setting: str) -> None:
    value = getattr(Settings(), setting)
    assert settings_file.read_value(setting, settings_file.written(value)) == value
    assert settings_file.allowed(setting)


def test_nodes_are_listed_with_what_they_do(world: World) -> None:
    world.pool.find("read-2").reserve()
    head, *lines = world.do("nodes-list").split("\n")
    assert head.split() == ["node", "state", "slots", "running", "served", "failed"]
    assert lines[1].split() == ["read-2", "up", "4", "1", "0", "0"]


def test_nodes_are_added_drained_killed_restarted_resized_and_removed(world: World) -> None:
    assert world.do("nodes-add", service="read").startswith("read-3 ")
    world.do("nodes-drain", node="read-1")
    world.do("nodes-kill", node="read-2")
    assert [node.state for node in world.pool.nodes] == ["down", "killed", "up", "up"]
    world.do("nodes-restart", node="read-2")
    world.do("nodes-slots", node="read-2", slots="9")
    world.do("nodes-remove", node="read-1")
    assert [(node.name, node.state, node.slots) for node in world.pool.nodes] == [
        ("read-2", "up", 9),
        ("read-3", "up", 4),
        ("write-1", "up", 4),
    ]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("nodes-kill", {"node": "read-9"}),
        ("nodes-add", {"service": "mail"}),
        ("nodes-drain", {"node": "write-1"}),
        ("nodes-slots", {"node": "read-1", "slots": "-1"}),
        ("nodes-slots", {"node": "read-1", "slots": "²"}),
        ("nodes-slots", {"node": "read-1", "slots": "99999"}),
    ],
)
def test_what_cannot_be_done_to_nodes_is_refused(world: World, name: str, args: dict[str, str]) -> None:
    before = world.pool.snapshot()
    with pytest.raises(Refused):
        world.do(name, **args)
    assert world.pool.snapshot() == before
