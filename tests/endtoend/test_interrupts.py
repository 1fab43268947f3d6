"""Ctrl-C at random moments, then the same command again: 130 each time, and the bytes of a run."""

import random
import time
from pathlib import Path

import pytest

from tests.support.commands import checksums, dalle
from tests.support.many_interrupts import interrupt
from tests.support.tiny_run import run_tiny, write_tiny_config

pytestmark = pytest.mark.slow
NUM_INTERRUPTS = 20


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tuple[Path, dict[str, str], float]:
    """A config, the checksums of its run, and how long that took."""
    folder = tmp_path_factory.mktemp("tiny")
    config = write_tiny_config(folder)
    started = time.monotonic()
    expected = checksums(run_tiny(config, folder / "run"))
    return config, expected, time.monotonic() - started


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
