"""One cluster for all tests of this folder, and the local run that it must equal."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import DATA_STAGES, checksums
from tests.support.local_flink import LocalFlink, locally, write_demo_config


@pytest.fixture(scope="session")
def config(tmp_path_factory) -> Path:
    return write_demo_config(tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="session")
def local(tmp_path_factory, config) -> Path:
    """The directory of a run with one worker in process."""
    root = tmp_path_factory.mktemp("local") / "run"
    locally(*DATA_STAGES, "--config", config, "--dir", root)
    return root


@pytest.fixture(scope="session")
def expected(local) -> dict[str, str]:
    return checksums(local)


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[LocalFlink]:
    cluster = LocalFlink(tmp_path_factory.mktemp("flink"))
    try:
        cluster.manage("up")
        yield cluster
    finally:
        cluster.manage("down")


@pytest.fixture
def flink(running) -> LocalFlink:
    """The cluster, with what an earlier test has killed started again."""
    running.manage("up")
    return running


@pytest.fixture
def before_encode(local, tmp_path) -> Path:
    """A run whose stage `encode` is still to be done."""
    shutil.copytree(local, tmp_path / "run", ignore=shutil.ignore_patterns("encode"))
    return tmp_path / "run"
