import shutil
from pathlib import Path

import pytest

from tests.doctor.world import Patient, fill


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder without a fault, made once; to be copied, not to be changed."""
    data = tmp_path_factory.mktemp("healthy") / "data"
    fill(data)
    return data


@pytest.fixture
def patient(healthy: Path, tmp_path: Path) -> Patient:
    """A copy of it that a test may harm."""
    return Patient(Path(shutil.copytree(healthy, tmp_path / "data")))
