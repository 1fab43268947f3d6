"""A run directory on a disk, and in a store; a fixture that tests import by its name."""

import pytest

from dalle_model import files


@pytest.fixture(params=["disk", "memory"])
def root(request, tmp_path):
    if request.param == "disk":
        yield str(tmp_path / "run")
        return
    yield f"memory://{tmp_path.name}/run"
    files.remove(f"memory://{tmp_path.name}/run")
