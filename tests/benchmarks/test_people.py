from pathlib import Path

from minisocial.benchmarks.people import random_graph, strangers, write_graph
from minisocial.seed.edges import read_edges


def test_everybody_has_friends_and_the_average_is_kept() -> None:
    edges = random_graph(500, 20)
    assert len(edges) == 500 * 20 // 2 == len(set(edges))
    assert all(one < other for one, other in edges)
    assert {number for edge in edges for number in edge} == set(range(500))
    assert edges == random_graph(500, 20)


def test_a_graph_that_is_too_small_for_so_many_friends_still_ends() -> None:
    assert 0 < len(random_graph(4, 20)) <= 6


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    edges = random_graph(50, 4)
    write_graph(tmp_path / "graph.txt", edges)
    assert read_edges(tmp_path / "graph.txt") == list(edges)


def test_strangers_are_all_the_others() -> None:
    edges = random_graph(50, 4)
    friends = {other for edge in edges if 3 in edge for other in edge} - {3}
    found = strangers(3, 50, edges)
    assert sorted([*found, *friends, 3]) == list(range(50))
    assert found != sorted(found)
