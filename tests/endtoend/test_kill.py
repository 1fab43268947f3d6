"""kill -9 at 20 random moments, then the same command again: the bytes of an undisturbed run."""

import random
import shutil
import time

import pytest

from orchestration import api
from tests.support.commands import DATA_STAGES, checksums
from tests.support.many_kills import finished, killed
from tests.support.small_web import write_config

pytestmark = pytest.mark.slow
NUM_KILLS = 20
NUM_CHANGES = 5


@pytest.mark.timeout(600)
def test_twenty_kills_leave_no_trace(config, expected, tmp_path):
    started = time.monotonic()
    assert finished(config, tmp_path / "timed", DATA_STAGES)
    latest = 0.7 * (time.monotonic() - started)  # what goes on from a kill is shorter than a run
    moments = random.Random(20)
    kills, runs = 0, 0
    while kills < NUM_KILLS:
        root = tmp_path / f"run-{runs}"
        runs += 1
        while kills < NUM_KILLS and killed(config, root, moments.uniform(0, latest), DATA_STAGES):
            kills += 1
        assert finished(config, root, DATA_STAGES)
        assert checksums(root) == expected
        api.verify(str(root))  # no file too many either
        assert [p for p in root.rglob("*") if p.name.startswith(".tmp-")] == []
    assert kills == NUM_KILLS


@pytest.mark.timeout(600)
def test_a_killed_change_leaves_every_finished_stage_whole(
    config, undisturbed, expected, web, tmp_path
):
    """Each stage is the old one, the new one, or not finished; going back gives the old bytes."""
    root = tmp_path / "run"
    changed = write_config(
        tmp_path / "changed", str(web), extra="captions: {overrides: {too_few_words: 5}}\n"
    )
    shutil.copytree(undisturbed, root)
    moments = random.Random(15)
    for _ in range(NUM_CHANGES):
        killed(changed, root, moments.uniform(0, 4), DATA_STAGES)
        api.verify(str(root))
    assert finished(config, root, DATA_STAGES)
    assert checksums(root) == expected
    assert not list(root.rglob(".next"))
