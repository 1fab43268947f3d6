"""A small web, and the undisturbed run that every other way of running must equal."""

from pathlib import Path

import pytest

from tests.support.commands import checksums, dalle
from tests.support.small_web import write_config, write_small_web

NUM_PAGES = 8  # of each host


@pytest.fixture(scope="session")
def web(tmp_path_factory) -> Path:
    return write_small_web(tmp_path_factory.mktemp("web") / "small.warc", NUM_PAGES)


@pytest.fixture(scope="session")
def config(tmp_path_factory, web) -> Path:
    return write_config(tmp_path_factory.mktemp("config"), str(web))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, config) -> Path:
    """The directory of a run with one worker in process."""
    root = tmp_path_factory.mktemp("undisturbed") / "run"
    dalle("run", "--config", config, "--dir", root)
    return root


@pytest.fixture(scope="session")
def expected(undisturbed) -> dict[str, str]:
    found = checksums(undisturbed)
    # stages x (shards and rejections of 3, a manifest), and the card of the token shards
    assert len(found) == 6 * (2 * 3 + 1) + 1
    return found
