"""What the benchmark of the boxes in front makes of what it finds; that it runs is for `bench edge --quick` to show."""

from pathlib import Path

import pytest

from minisocial.benchmarks import tiers
from minisocial.benchmarks.edge import _cold
from minisocial.benchmarks.emptied import Emptied
from minisocial.benchmarks.growth import Growth


def test_growth_is_that_of_the_second_half_in_ten_minutes() -> None:
    early = [(0.0, 50_000_000), (60.0, 90_000_000)]
    late = [(120.0, 100_000_000), (180.0, 100_200_000), (240.0, 100_400_000)]
    memory = Growth([*early, *late])
    assert memory.slope == pytest.approx(2.0)
    assert memory.most == 100_400_000


def test_growth_of_a_single_look_is_none() -> None:
    assert Growth([(10.0, 1000)]).slope == 0.0


def test_cold_and_warm_are_compared_pair_by_pair() -> None:
    line = _cold(Emptied(warm=[1.0, 10.0, 2.0], cold=[2.0, 20.0, 100.0]))
    assert line.split("ms)")[1].split()[0] == "0.50" and line.endswith("✓")


def test_an_entry_is_read_through_both_tiers(tmp_path: Path) -> None:
    local, shared = tiers.measure(tmp_path, rounds=1)
    assert 0 < local.microseconds < shared.microseconds
