from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.seed.fakes import SeedableSystem


@pytest.fixture
def system(tmp_path: Path) -> Iterator[SeedableSystem]:
    system = SeedableSystem(tmp_path / "database")
    system.cluster.start()
    try:
        yield system
    finally:
        system.cluster.stop()
