"""A random community for a benchmark: the same every time."""

import random
from collections.abc import Sequence
from pathlib import Path

Edge = tuple[int, int]


def random_graph(people: int, friends: int) -> Sequence[Edge]:
    """Friendships between people 0 … n-1, who have `friends` of them on average and at least two."""
    chance = random.Random(people * 1000 + friends)  # noqa: S311 - has to be repeatable, not secret
    edges = {(number, number + 1) for number in range(people - 1)} | {(0, people - 1)}
    while len(edges) < people * min(friends, people // 2) // 2:
        one, other = sorted(chance.sample(range(people), 2))
        edges.add((one, other))
    return sorted(edges)


def write_graph(path: Path, edges: Sequence[Edge]) -> None:
    path.write_text("".join(f"{one} {other}\n" for one, other in edges))


def strangers(person: int, people: int, edges: Sequence[Edge]) -> list[int]:
    """Everybody this person could ask to be a friend, in an order of its own."""
    known = {one if other == person else other for one, other in edges if person in (one, other)}
    others = [other for other in range(people) if other != person and other not in known]
    random.Random(person).shuffle(others)  # noqa: S311
    return others
