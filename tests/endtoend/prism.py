"""Beam's Prism from the wheel alone; collected by `make test-prism` alone, since Go builds it.

Go downloads what it builds. A machine without Go fails.
"""

import pytest

from tests.support import engine_run
from tests.support.commands import checksums
from tests.support.wheel_run import run_from_wheel, wheel_environment
from tools.flink.__main__ import HOME
from tools.flink.packages import install_prism

pytestmark = pytest.mark.timeout(2400)  # Go builds for some minutes


@pytest.fixture(scope="module")
def program():
    return install_prism(HOME)


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    return wheel_environment(tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("engine", [engine_run.PRISM, engine_run.PRISM_SERVICE])
def test_every_file_has_the_bytes_of_a_local_run(
    engine, program, python, config, expected, tmp_path
):
    """Prism as the command starts it; as a job service, whose pool has the wheel's Python."""
    arguments = ["--prism", program, "--config", config, "--dir", tmp_path / "run"]
    run_from_wheel(python, engine, *arguments)
    assert checksums(tmp_path / "run") == expected
