from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minisocial.database import Cluster

Make = Callable[..., Cluster]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes and starts clusters in the test's folder; all are stopped afterwards."""
    made: list[Cluster] = []

    def build(folder: str = "data", **options: object) -> Cluster:
        cluster = Cluster(tmp_path / folder / "database", **options)  # type: ignore[arg-type]
        made.append(cluster)
        cluster.start()
        return cluster

    yield build
    for cluster in made:
        cluster.stop()


@pytest.fixture
def cluster(make: Make) -> Cluster:
    """One data shard with two replicas, which have caught up."""
    cluster = make(shards=1)
    cluster.settle()
    return cluster
