"""Real systems in temporary folders, on ports nobody else has, stopped at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from minisocial.settings import Settings
from minisocial.system import System

StartSystem = Callable[..., System]


def settings(data: Path, **changed: Any) -> Settings:
    """Those of every scenario: everything real, but no rate limits, and passwords that are hashed in no time."""
    quick: dict[str, Any] = {"data": data, "port": 0, "rate_limits": False, "password_cost": 4}
    return Settings(**{**quick, **changed})


@pytest.fixture
def start_system(tmp_path: Path) -> Iterator[StartSystem]:
    """Starts a system: `start_system(read_nodes=1)`. With `data=…` on a folder that another one left."""
    with ExitStack() as at_the_end:

        def start(**changed: Any) -> System:
            system = System(settings(**{"data": tmp_path / "data", **changed}))
            at_the_end.callback(system.stop)  # stopping twice does no harm
            system.start()
            return system

        yield start


@pytest.fixture
def system(start_system: StartSystem) -> System:
    """A running system without a community."""
    return start_system()
