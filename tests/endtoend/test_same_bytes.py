"""One config, many ways to run it, the same SHA-256 of every file."""

import pytest

from tests.endtoend.conftest import NUM_PAGES
from tests.support import engine_run
from tests.support.commands import checksums, dalle
from tests.support.s3_server import s3_server
from tests.support.small_web import write_config, write_small_web
from tests.support.wheel_run import run_from_wheel, wheel_environment

pytestmark = pytest.mark.slow


def test_a_second_run_does_nothing_and_says_why(config, undisturbed, expected):
    stamps = {p: p.stat().st_mtime_ns for p in undisturbed.rglob("*.parquet")}
    result = dalle("run", "--config", config, "--dir", undisturbed)
    assert result.stderr.count("nothing to do: fingerprint") == 6
    assert {p: p.stat().st_mtime_ns for p in undisturbed.rglob("*.parquet")} == stamps
    assert checksums(undisturbed) == expected


def test_two_worker_processes(config, expected, tmp_path):
    dalle("run", "--config", config, "--dir", tmp_path / "run", "--workers", 2)
    assert checksums(tmp_path / "run") == expected


def test_shuffled_input(expected, tmp_path):
    web = write_small_web(tmp_path / "shuffled.warc", NUM_PAGES, shuffle_seed=7)
    config = write_config(tmp_path, str(web))
    dalle("run", "--config", config, "--dir", tmp_path / "run")
    assert checksums(tmp_path / "run") == expected


def test_portable_runner_with_an_external_worker_pool_from_the_wheel(config, expected, tmp_path):
    """Job API, pickling and a foreign worker process, none of which sees this clone."""
    python, root = wheel_environment(tmp_path), tmp_path / "run"
    run_from_wheel(python, engine_run.SERVICE, "--config", config, "--dir", root)
    assert checksums(root) == expected


@pytest.fixture
def s3(tmp_path):
    with s3_server(tmp_path) as server:
        yield server


def test_a_run_directory_on_s3(config, expected, s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    arguments = ["--config", config, "--dir", "s3://bucket/run"]
    dalle("run", *arguments)
    assert checksums(s3.bucket / "run") == expected
    assert dalle("run", *arguments).stderr.count("nothing to do") == 6
    assert "sha256" in dalle("verify", "--dir", "s3://bucket/run").stdout
