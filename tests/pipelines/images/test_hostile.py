"""Damaged images of every format: each is decoded or rejected, and none costs the process."""

import os
import signal

from pipelines.images.rules import Reason
from tests.support import judging
from tests.support.hostile_images import hostile_image, sound_images
from tests.support.judges import OK
from tests.support.judging import judge_all

SEEDS = range(1000, 1600)  # others than those judged beside the public collections
MAX_PEAK_BYTES = 1 << 30


def test_sound_images_are_decoded():
    assert judge_all("image", sound_images()).outcomes == [OK] * len(sound_images())


def test_damaged_images_are_decoded_or_rejected_with_a_reason():
    judged = judge_all("image", map(hostile_image, SEEDS))
    assert judged.crashes == []
    assert set(judged.outcomes) <= {OK, *Reason}
    assert judged.counts.total() == len(SEEDS)
    assert judged.counts[OK] > 100
    assert judged.counts.total() - judged.counts[OK] > 100
    assert 0 < judged.peak_bytes <= MAX_PEAK_BYTES


def test_a_process_that_dies_costs_one_image_and_is_counted(monkeypatch):
    ask = judging._ask

    def kill_at_the_second(worker, encoded):
        if encoded == sound_images()[1]:
            os.kill(worker.pid, signal.SIGSEGV)
            worker.wait()
        return ask(worker, encoded)

    monkeypatch.setattr(judging, "_ask", kill_at_the_second)
    judged = judge_all("image", sound_images()[:3])
    assert judged.crashes == [1]
    assert judged.outcomes == [OK, f"died with {-signal.SIGSEGV}", OK]
