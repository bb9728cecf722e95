"""Derived values are dropped with any of their parts, whatever comes between."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from minisocial.cache.derived import Derived
from minisocial.cache.entry import Entry
from tests.cache.world import World


def entry(value: int = 0) -> Entry:
    return Entry("0", 1, 1e9, value)


def derived(limit: int = 10_000) -> Derived:
    return Derived(limit, lambda parts: True)


def test_a_value_is_dropped_with_any_of_its_parts() -> None:
    cache = derived()
    cache.keep("page", "html", 4, {"a": entry(), "b": entry()}, 10)
    cache.keep("other", "html", 4, {"c": entry()}, 10)
    cache.drop(["b"])
    assert cache.get("page", 0) is None
    assert cache.get("other", 0) == "html"


def test_a_value_whose_part_is_not_there_any_more_is_not_kept() -> None:
    cache = Derived(10_000, lambda parts: False)
    cache.keep("page", "html", 4, {"a": entry()}, 10)
    assert cache.get("page", 0) is None


def test_values_are_bounded_in_bytes_and_the_unused_go_first() -> None:
    cache = derived(limit=3000)
    for name in "abc":
        cache.keep(name, name, 850, {name: entry()}, 10)
    cache.get("a", 0)
    cache.keep("d", "d", 850, {"d": entry()}, 10)
    assert [name for name in "abcd" if cache.get(name, 0)] == ["a", "c", "d"]
    cache.keep("huge", "x", 4000, {}, 10)
    assert cache.get("huge", 0) is None
    cache.clear()
    assert cache.counts()[:2] == (0, 0)


def test_a_value_ends_with_its_time() -> None:
    cache = derived()
    cache.keep("page", "html", 4, {}, 10)
    assert cache.get("page", 10.1) is None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.shared.stop()


def page_of(world: World, *ids: str, node: int = 0) -> str:
    """A page made of these rows."""
    return world.nodes[node].derive(("page", ids), lambda: str(world.fetch(*ids, node=node)), len)


def test_a_page_is_made_once_and_again_after_a_part_changed(world: World) -> None:
    made = []
    node = world.nodes[0]

    def page() -> str:
        return node.derive("page", lambda: made.append(1) or str(world.fetch("x", "y")), len)

    first = [page() for _ in range(3)]
    assert len(made) == 1
    world.shard.write("y")
    assert page() != first[0]
    assert len(made) == 2


def test_a_part_that_changes_while_the_page_is_made_leaves_no_page_behind(world: World) -> None:
    node = world.nodes[0]

    def make() -> str:
        text = str(world.fetch("x"))
        world.shard.write("x")
        return text

    before = node.derive("page", make, len)
    assert node.derive("page", lambda: str(world.fetch("x")), len) != before


def test_a_part_that_is_read_twice_and_changed_between_leaves_no_page_behind(world: World) -> None:
    node = world.nodes[0]

    def make() -> str:
        first = world.fetch("x")
        world.shard.write("x")
        return f"{first} {world.fetch('x')}"

    node.derive("page", make, len)
    assert node.derive("page", lambda: "made anew", len) == "made anew"


def test_a_page_that_depends_on_more_is_not_kept(world: World) -> None:
    node = world.nodes[0]
    node.derive("page", lambda: node.depends_on_more() or "html", len)
    assert node.derive("page", lambda: "made anew", len) == "made anew"


def test_what_is_missing_is_a_part_too(world: World) -> None:
    assert page_of(world, "new") == "{}"
    world.shard.write("new")
    assert page_of(world, "new") != "{}"


def test_a_failed_page_leaves_the_thread_as_it_was(world: World) -> None:
    node = world.nodes[0]
    with pytest.raises(ZeroDivisionError):
        node.derive("page", lambda: str(1 // 0), len)
    world.fetch("x")
    assert page_of(world, "x") == page_of(world, "x")


def test_switched_off_it_makes_every_page(world: World) -> None:
    node, made = world.nodes[0], []
    node.local.enabled = False
    for _ in range(2):
        node.derive("page", lambda: made.append(1) or "html", len)
    assert len(made) == 2


def test_readers_never_see_a_page_older_than_the_last_change_told_of(world: World) -> None:
    told, stop, wrong = [0], threading.Event(), []

    def read(node: int) -> None:
        while not stop.is_set():
            at_least = told[0]
            found = world.nodes[node].derive("page", lambda: world.fetch("x", "y", node=node), lambda _: 8)
            if found.get("x", 0) < at_least:
                wrong.append((found, at_least))

    readers = [threading.Thread(target=read, args=(node % 2,)) for node in range(4)]
    for reader in readers:
        reader.start()
    for number in range(600):
        told[0] = world.shard.write("x")
        if number % 7 == 0:
            world.shard.replicate()
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
