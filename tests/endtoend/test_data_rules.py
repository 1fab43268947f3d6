"""Rules over all data through the command line: the same bytes however the work is spread."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration import api
from pipelines.io.parquet import read_table
from tests.endtoend.conftest import NUM_PAGES
from tests.support import engine_run
from tests.support.commands import checksums, dalle, environment
from tests.support.many_kills import finished, killed
from tests.support.small_web import write_config, write_small_web
from tests.support.wheel_run import NAMESPACE, SCRIPT

pytestmark = pytest.mark.slow
# Low enough to bite among few pages.
RECIPE = """\
captions: {recipe: align, overrides: {text_of_many_images: 1, rare_ngrams: 300}}
"""
NUM_KILLS = 8


@pytest.fixture(scope="module")
def align(tmp_path_factory, web) -> Path:
    return write_config(tmp_path_factory.mktemp("align"), str(web), RECIPE)


@pytest.fixture(scope="module")
def undisturbed_align(tmp_path_factory, align) -> Path:
    root = tmp_path_factory.mktemp("undisturbed-align") / "run"
    dalle("run", "crawl", "captions", "--config", align, "--dir", root)
    return root


@pytest.fixture(scope="module")
def expected_align(undisturbed_align) -> dict[str, str]:
    return checksums(undisturbed_align)


def test_what_fails_over_all_data_is_dropped_with_its_count(undisturbed_align):
    reasons: set[str] = set()
    images: dict[str, set[str]] = {}
    for path in (undisturbed_align / "captions").glob("part-*"):
        for row in read_table(str(path), ["key", "caption"]).to_pylist():
            images.setdefault(row["caption"], set()).add(row["key"][:24])
        for row in read_table(str(path.parent / "rejected" / path.name)).to_pylist():
            reasons.add(row["reason"])
            if row["reason"] == "text_of_many_images":
                assert row["measured"] > row["threshold"] == 1
                assert row["detail"] not in images
    assert {"text_of_many_images", "rare_ngrams"} <= reasons
    assert {len(found) for found in images.values()} == {1}
    dalle("verify", "--dir", undisturbed_align)
    assert not (undisturbed_align / "captions" / "progress").exists()


def test_two_worker_processes_and_shuffled_input(expected_align, tmp_path):
    web = write_small_web(tmp_path / "shuffled.warc", NUM_PAGES, shuffle_seed=7)
    config = write_config(tmp_path, str(web), RECIPE)
    root = tmp_path / "run"
    dalle("run", "crawl", "captions", "--config", config, "--dir", root, "--workers", 2)
    assert checksums(root) == expected_align


def test_portable_runner_with_an_external_worker_pool(align, expected_align, tmp_path):
    arguments = ["crawl", "captions", "--config", align, "--dir", tmp_path / "run"]
    result = subprocess.run(
        [*NAMESPACE, sys.executable, SCRIPT, engine_run.SERVICE, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=280,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert checksums(tmp_path / "run") == expected_align


@pytest.mark.timeout(600)
def test_kills_while_captions_are_counted_leave_no_trace(
    align, undisturbed_align, expected_align, tmp_path
):
    stages = ("captions",)
    crawled = tmp_path / "crawled"
    shutil.copytree(undisturbed_align, crawled, ignore=shutil.ignore_patterns("captions"))
    shutil.copytree(crawled, tmp_path / "timed")
    started = time.monotonic()
    assert finished(align, tmp_path / "timed", stages)
    whole_run = time.monotonic() - started
    moments, kills, runs = random.Random(6), 0, 0
    while kills < NUM_KILLS:
        root = tmp_path / f"run-{runs}"
        runs += 1
        shutil.copytree(crawled, root)
        while kills < NUM_KILLS and killed(align, root, moments.uniform(0, whole_run), stages):
            kills += 1
        assert finished(align, root, stages)
        assert checksums(root) == expected_align
        api.verify(str(root))
