"""kill -9 at 20 random moments, then the same command again: the bytes of an undisturbed run."""

import random
import subprocess
import time

import pytest

from tests.support.commands import DALLE, checksums, dalle, killed
from tests.support.small_web import write_config

pytestmark = pytest.mark.slow
NUM_KILLS = 20
NUM_CHANGES = 5


def killed_after(seconds: float, arguments: list[object]) -> bool:
    """Start the run, kill its whole process group after a while; False if it had ended."""
    process = subprocess.Popen(
        [DALLE, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return killed(process, seconds)


@pytest.mark.timeout(600)
def test_twenty_kills_leave_no_trace(config, expected, tmp_path):
    started = time.monotonic()
    dalle("run", "--config", config, "--dir", tmp_path / "timed")
    whole_run = time.monotonic() - started
    latest = 0.7 * whole_run  # what went on from a kill is shorter than a whole run
    moments = random.Random(20)
    kills, runs = 0, 0
    while kills < NUM_KILLS:
        root = tmp_path / f"run-{runs}"
        runs += 1
        arguments = ["run", "--config", config, "--dir", root]
        while kills < NUM_KILLS and killed_after(moments.uniform(0.5, latest), arguments):
            kills += 1
        dalle(*arguments)
        assert checksums(root) == expected
        dalle("verify", "--dir", root)  # no file too many either
        assert [p for p in root.rglob("*") if p.name.startswith(".tmp-")] == []
    assert kills == NUM_KILLS


@pytest.mark.timeout(600)
def test_a_killed_change_leaves_every_finished_stage_whole(config, expected, web, tmp_path):
    """Each stage is the old one, the new one, or not finished; going back gives the old bytes."""
    root = tmp_path / "run"
    changed = write_config(
        tmp_path / "changed", str(web), extra="captions: {overrides: {too_few_words: 5}}\n"
    )
    dalle("run", "--config", config, "--dir", root)
    moments = random.Random(15)
    for _ in range(NUM_CHANGES):
        killed_after(moments.uniform(1, 6), ["run", "--config", changed, "--dir", root])
        dalle("verify", "--dir", root)
    dalle("run", "--config", config, "--dir", root)
    assert checksums(root) == expected
    assert not list(root.rglob(".next"))
