"""Ctrl-C at random moments, then the same command again: 130 each time, and the bytes of a run."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.support.commands import checksums, dalle, environment
from tests.support.many_interrupts import group_members, interrupt, start
from tests.support.tiny_run import write_tiny_config

pytestmark = pytest.mark.slow
NUM_INTERRUPTS = 6  # `tests.support.many_interrupts` sends as many as are asked for


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tuple[Path, dict[str, str], float]:
    """A config, the checksums of its run, and how long that took."""
    folder = tmp_path_factory.mktemp("tiny")
    config = write_tiny_config(folder)
    started = time.monotonic()
    dalle("run", "--config", config, "--dir", folder / "run", env=environment())  # imports and all
    return config, checksums(folder / "run"), time.monotonic() - started


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("workers", "times"), [(1, 1), (2, 2)])
def test_interrupts_at_random_moments_leave_no_trace(tiny, tmp_path, workers, times):
    config, expected, whole_run = tiny
    moments, interrupts, runs = random.Random(workers), 0, 0
    number = NUM_INTERRUPTS // workers**2
    while interrupts < number:
        root = tmp_path / f"run-{runs}"
        runs += 1
        arguments = ["run", "--config", config, "--dir", root, "--workers", workers]
        was_running = True
        while was_running and interrupts < number:
            ended = interrupt(moments.uniform(0, 0.7 * whole_run), arguments, times=times)
            assert ended.is_right, ended
            was_running = ended.was_running
            interrupts += was_running
        dalle(*arguments)
        assert checksums(root) == expected


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_runner_however_that_ends(tiny, tmp_path, ending):
    process = start(["run", "--config", tiny[0], "--dir", tmp_path / "run", "--workers", 2])
    while len(group_members(process.pid, wait_s=0)) < 3:
        time.sleep(0.02)
        assert process.poll() is None
    os.kill(process.pid, ending)
    process.communicate(timeout=120)
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143}[ending]
    assert group_members(process.pid) == ()
